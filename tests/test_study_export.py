"""Exports of studies: tidy tables, files and the way back, the Hub, withdrawals."""

import csv
import io
import json
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from huggingface_hub import DatasetCard

from study.database import Database
from study.export.columns import records
from study.export.files import FORMATS, export, export_files, write_export, write_folder
from study.export.formats import guarded, unguarded
from study.export.reading import read_export
from study.export.restoring import import_study
from study.export.tables import StudyTables, clean_text, read_tables, snapshot
from study.identity import token_hash
from study.plan import BackgroundQuestion, Block, Exclusions
from study.sessions import Recruit, Refused
from study.tables import ParticipantRow, ShownRow, StudyRow
from study_fixtures import Toy, toy_study
from study_people import answer_all

pytest_plugins = ("study_fixtures",)
BACKGROUND = (
    BackgroundQuestion(
        "art",
        {"en": "Art | training <b>?", "zh": "学过画画吗?"},
        {"yes": {"en": "Yes", "zh": "是"}, "no": {"en": "No", "zh": "否"}},
        excludes=("yes",),
    ),
    BackgroundQuestion("note", {"en": "Anything to say?", "zh": "想说什么?"}),
)
HOSTILE = (
    "=HYPERLINK(\"http://x\")", "+1", "-1", "@SUM(A1)", "\t=1", "'quoted", "''", "=", "<script>alert(1)</script>",
    'a "b", c\r\nd', "NA", "nan", "null", "TRUE", "1e5", "\u202egnp.exe", "\x01\x1f", "中文，题", "| a | b |", "", " ",
    "＝1", "x" * 500,
)  # fmt: skip
BLOCKS = (Block(count=3), Block("is_real", 4, 1), Block("more_real", 3, 2))


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> Iterator[Toy]:
    """A study of all kinds of questions; each participant types one of `HOSTILE`, one leaves, then it closes."""
    folder = tmp_path_factory.mktemp("told")
    options = dict(background=BACKGROUND, gold=1, instructed=1, families=40, blocks=BLOCKS, demo=True)
    rules = Exclusions(gold_correct=1, instructed_correct=1, median_seconds=1.5)
    with toy_study(folder / "studies", f"sqlite:///{folder}/a.sqlite", exclusions=rules, **options) as toy:
        for number, text in enumerate(HOSTILE):
            one = toy.sessions.begin(toy.study, "en", Recruit("link"), None if number % 3 else 800)
            toy.sessions.background(toy.study, one.access, {"art": ("", "yes", "no")[number % 3], "note": text})
        answer_all(toy, 3, background={"art": "no", "note": ""}, leave_after={1: 4})
        toy.catalogue.set_state(toy.study, "closed")
        yield toy


@pytest.fixture(scope="module")
def tables(told) -> StudyTables:
    return read_tables(told.database, "toy")


@pytest.fixture
def folder(tables, tmp_path) -> Path:
    """An export to spoil."""
    write_export(tables, tmp_path / "out")
    return tmp_path / "out"


def same(one: tuple, other: tuple) -> None:
    assert one[0] == other[0]
    pd.testing.assert_frame_equal(one[1], other[1])
    pd.testing.assert_frame_equal(one[2], other[2])


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


# Tables


def test_tables_hold_what_was_answered(tmp_path, lasting):
    """Against a log that the simulated people keep themselves."""
    with toy_study(tmp_path / "s", f"sqlite:///{tmp_path}/a.sqlite", gold=1, instructed=1, families=30) as toy:
        _, given = answer_all(toy, 3, {"m": 0.9, "u": 0.1}, seed=5, leave_after={1: 3})
        found = read_tables(toy.database, "toy")
    answered = found.answers[found.answers["answer"].notna()]
    number = dict(zip(found.participants["participant"], found.participants["number"], strict=True))
    seen = records(answered[["role", "condition", "item", "correct", "confidence", "seconds"]])
    logged = [vars(one) | ({"confidence": None} if one.role == "instructed" else {}) for one in given]
    assert seen == [{name: one[name] for name in seen[0]} for one in logged]
    assert [number[one] for one in answered["participant"]] == [g.person for g in given]
    assert found.participants["finished"].tolist() == [True, False, True]
    assert found.participants["recruited"].tolist() == ["link"] * 3
    assert (answered["correct"] == (answered["answer"] == answered["right"])).all()
    unanswered = found.answers[found.answers["answer"].isna()]  # where the one who left was at
    assert len(unanswered) == 1 and unanswered[["correct", "seconds", "server_seconds"]].isna().all(axis=None)


def test_questions_not_yet_shown_are_no_rows(toy_of_one):
    toy, begun = toy_of_one
    assert len(read_tables(toy.database, "toy").answers) == 0
    toy.sessions.place(toy.study, begun.access)
    assert len(read_tables(toy.database, "toy").answers) == 1


@pytest.fixture
def toy_of_one(tmp_path, lasting):
    with toy_study(tmp_path / "s", f"sqlite:///{tmp_path}/a.sqlite") as toy:
        yield toy, toy.sessions.begin(toy.study, "zh")


def test_dtypes(tables):
    assert tables.answers.dtypes.astype(str).to_dict() == {
        **dict.fromkeys(("participant", "role", "kind", "condition", "item", "family", "others"), "str"),
        "right": "str",
        "answer": "str",
        "index": "int64",
        "alternatives": "int64",
        "chance": "float64",
        "correct": "boolean",
        "confidence": "Int64",
        "seconds": "float64",
        "server_seconds": "float64",
        "timed_out": "bool",
    }
    assert tables.participants.columns.tolist() == [
        *("participant", "number", "language", "started", "finished", "width"),
        *("background_art", "background_note", "recruited"),
    ]
    assert str(tables.participants["width"].dtype) == "Int64" and str(tables.participants["finished"].dtype) == "bool"


def test_free_text_is_kept(tables):
    texts = tables.participants["background_note"].tolist()[: len(HOSTILE)]
    for text, found in zip(HOSTILE, texts, strict=True):
        assert found == text.strip().replace("\r\n", "\n") if text.strip() else pd.isna(found)


def test_what_no_file_can_hold_is_replaced():
    assert clean_text("a\0b\ud83d") == "a\ufffdb\ufffd" and clean_text("\ud83d\ude00中") == "😀中"


def test_nothing_identifies(tmp_path, lasting):
    with toy_study(tmp_path / "s", f"sqlite:///{tmp_path}/a.sqlite", practice=0, blocks=(Block(count=1),)) as toy:
        begun = toy.sessions.begin(toy.study, "en", Recruit("prolific", "5f3e-person", "sub-9"))
        place = toy.sessions.place(toy.study, begun.access)
        toy.sessions.answer(toy.study, begun.access, place.index, {"key": place.key, "answer": "1", "confidence": "1"})
        code = toy.sessions.place(toy.study, begun.access).code
        files = export_files(read_tables(toy.database, "toy"))
        with toy.database.reading() as session:
            row, shown = session.scalars(sa.select(ParticipantRow)).one(), session.scalars(sa.select(ShownRow)).one()
    content = b"\n".join(files.values()).decode("utf-8", "replace")
    secrets = [
        "5f3e-person",
        "sub-9",
        begun.access,
        begun.withdrawal,
        code,
        row.recruit_hash,
        row.session_hash,
        shown.key,
    ]
    secrets += [row.access_hash, row.withdrawal_hash, row.consented_at.strftime("%H:%M")]
    assert code and [secret for secret in secrets if secret in content] == []
    assert row.pseudonym in content


def test_an_export_is_of_one_study(tmp_path, lasting):
    url = f"sqlite:///{tmp_path}/a.sqlite"
    with toy_study(tmp_path / "s", url) as toy, toy_study(tmp_path / "s", url, "demo", demo=True, seed=1) as demo:
        answer_all(toy, 1)
        answer_all(demo, 2)
        real, shown = read_tables(toy.database, "toy"), read_tables(toy.database, "demo")
    assert (len(real.participants), len(shown.participants)) == (1, 2)
    assert not set(real.participants["participant"]) & set(shown.participants["participant"])
    assert "A demonstration" in export_files(shown)["README.md"].decode()
    with pytest.raises(ValueError, match="no study called 'other'"):
        read_tables(toy.database, "other")


def test_one_moment(database_url, tmp_path, lasting, monkeypatch):
    """A participant who withdraws between two queries of one export is in both of its tables or in none."""
    monkeypatch.setattr("study.database._ATTEMPTS", 1)  # at emptying the log, which this reader prevents
    with toy_study(tmp_path / "s", database_url) as toy:
        (begun,), _ = answer_all(toy, 1)
        with snapshot(toy.database) as session:
            before = session.scalars(sa.select(sa.func.count()).select_from(ParticipantRow)).one()
            toy.sessions.withdraw(toy.study, begun.withdrawal)
            after = session.scalars(sa.select(sa.func.count()).select_from(ShownRow)).one()
        assert before == 1 and after == 5
        assert len(read_tables(toy.database, "toy").answers) == 0


def test_a_withdrawal_beside_an_export_holds_nobody_up(toy):
    """Emptying SQLite's log waits for the reader; everybody else can write meanwhile."""
    (begun,), _ = answer_all(toy, 1)
    with snapshot(toy.database) as session:
        pseudonym = session.scalars(sa.select(ParticipantRow.pseudonym)).one()
        withdrawal = threading.Thread(target=toy.sessions.withdraw, args=(toy.study, begun.withdrawal))
        withdrawal.start()
        while len(read_tables(toy.database, "toy").participants):
            time.sleep(0.01)
        started = time.monotonic()
        toy.sessions.begin(toy.study, "en")
        assert time.monotonic() - started < 5
        assert withdrawal.is_alive()
    withdrawal.join()
    files = Path(toy.database.url.database).parent.glob("studies.sqlite*")
    assert not [file.name for file in files if pseudonym.encode() in file.read_bytes()]


# Files


@pytest.mark.parametrize("formats", [("csv",), ("parquet",), ("json",), FORMATS])
def test_round_trip(tables, tmp_path, formats):
    write_export(tables, tmp_path / "out", formats)
    same(read_export(tmp_path / "out"), (tables.plan, tables.answers, tables.participants))


def test_round_trip_of_one_file(folder, tables, tmp_path):
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "out")
    shutil.copy(folder / "study.json", tmp_path / "elsewhere.json")
    for file in (folder / "study.json", tmp_path / "elsewhere.json", folder / "answers.csv", tmp_path / "packed.zip"):
        same(read_export(file), (tables.plan, tables.answers, tables.participants))


@pytest.mark.parametrize("formats", [("csv",), ("parquet",), ("json",)])
def test_round_trip_of_nothing(tables, tmp_path, formats):
    empty = replace(tables, answers=tables.answers[:0], participants=tables.participants[:0])
    write_export(empty, tmp_path / "out", formats)
    same(read_export(tmp_path / "out"), (empty.plan, empty.answers, empty.participants))


@pytest.mark.parametrize("text", HOSTILE)
def test_guarding_is_undone(text):
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_no_cell_of_a_spreadsheet_is_a_formula(folder):
    for file in folder.glob("*.csv"):
        for row in csv.reader(io.StringIO(file.read_text(encoding="utf-8"), newline="")):
            assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t"))], file.name


def test_every_table_names_the_plan(folder, tables):
    import pyarrow.parquet as pq

    sha256 = tables.plan.sha256
    for name in ("answers", "participants", "items"):
        assert set(pd.read_csv(folder / f"{name}.csv")["plan_sha256"]) == {sha256}
        assert pq.read_schema(folder / f"{name}.parquet").metadata[b"plan_sha256"] == sha256.encode()
    for name in ("README.md", "data_dictionary.md", "data_dictionary.json", "export.json", "plan.json", "study.json"):
        assert sha256 in (folder / name).read_text(encoding="utf-8"), name


def test_items(tables):
    items = tables.items
    assert items.columns.tolist() == ["key", "condition", "family", "original", "role"]
    assert items["key"].tolist() == [stimulus.key for stimulus in tables.plan.pictures]
    assert items["original"][0] == "f0.real"


def test_dictionary_names_every_column(folder):
    told = json.loads((folder / "data_dictionary.json").read_text(encoding="utf-8"))
    markdown = (folder / "data_dictionary.md").read_text(encoding="utf-8")
    for table in ("answers", "participants", "items"):
        columns = told["tables"][table]["columns"]
        assert [column["name"] for column in columns] == pd.read_csv(folder / f"{table}.csv").columns.tolist()
        for column in columns:
            assert column["meaning"] and f"| `{column['name']}` | {column['type']} |" in markdown
    assert "Art \\| training &lt;b&gt;?" in markdown  # a question is text, no table cell and no HTML


def test_card(folder, tables):
    card = DatasetCard.load(folder / "README.md")
    data = card.data.to_dict()
    assert data["license"] == "unknown" and data["language"] == ["en", "zh"] and data["size_categories"] == ["n<1K"]
    assert {one["config_name"]: one["data_files"] for one in data["configs"]} == {
        name: f"{name}.parquet" for name in ("answers", "participants", "items")
    }
    assert f"{len(HOSTILE) + 3} participants consented" in card.text and "2 reached the end" in card.text
    for rule in ("Fewer than 1 of 1 gold", "Fewer than 1 of 1 instructed", "below 1.5 s", "art answered with yes"):
        assert rule in card.text
    assert "Interim" not in card.text and "Interim" in export_files(replace(tables, state="open"))["README.md"].decode()
    licensed = DatasetCard(export_files(tables, ("csv",), "cc-by-4.0")["README.md"].decode())
    assert licensed.data.license == "cc-by-4.0" and "`cc-by-4.0`" in licensed.text
    assert licensed.data.to_dict()["configs"][0]["data_files"] == "answers.csv"


def test_datasets_reads_the_card_and_the_tables(folder, tables, tmp_path):
    import datasets

    loaded = datasets.load_dataset(str(folder), "participants", cache_dir=str(tmp_path / "cache"))["train"]
    assert loaded["participant"] == tables.participants["participant"].tolist()


def test_formats_are_checked(told, tmp_path):
    for formats, message in (((), "got none"), (("csv", "xlsx"), "got xlsx")):
        with pytest.raises(ValueError, match=message):
            export(told.database, "toy", tmp_path / "out", formats)
    assert not (tmp_path / "out").exists()


def test_only_an_export_is_replaced(told, tables, tmp_path):
    out = tmp_path / "out"
    export(told.database, "toy", out)
    export(told.database, "toy", out, ("csv",))
    assert not list(out.glob("*.parquet")) and [file.name for file in tmp_path.iterdir()] == ["out"]
    other = replace(tables, plan=replace(tables.plan, seed=9))
    with pytest.raises(ValueError, match="export of another plan"):
        write_export(other, out)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    with pytest.raises(ValueError, match="no earlier export"):
        export(told.database, "toy", tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_a_failed_export_leaves_the_old_one(tables, folder):
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(TypeError):
        write_folder(folder, {"a": b"1", "b": None}, tables.plan.sha256)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert [file.name for file in folder.parent.iterdir()] == ["out"]


# The way back refuses what is not whole


@pytest.mark.parametrize("table", ["answers.csv", "answers.parquet", "participants.parquet", "plan.json"])
def test_changed_files_are_refused(folder, table):
    data = (folder / table).read_bytes()
    (folder / table).write_bytes(data[:-20] + bytes([data[-20] ^ 1]) + data[-19:])
    with pytest.raises(ValueError, match=r"changed after it was|is no plan"):
        read_export(folder / table)


def test_a_changed_json_is_refused(folder, tmp_path):
    shutil.copy(folder / "study.json", tmp_path / "a.json")
    edit(tmp_path / "a.json", '"finished": true', '"finished": false')
    with pytest.raises(ValueError, match="changed after it was exported"):
        read_export(tmp_path / "a.json")


@pytest.mark.parametrize(
    "file, old, new, message",
    [
        ("answers.csv", '"true"', '"maybe"', r"row 2 is damaged: correct is 'maybe', no boolean|correct is 'maybe'"),
        ("answers.csv", '"true"', '"false"', "says wrongly whether it is correct"),
        ("answers.csv", ',4,0.25,"', ',3,0.25,"', "another chance"),
        ("answers.csv", '"practice"', '"warm-up"', "unknown role"),
        ("answers.csv", '"family"', '"relatives"', "lacks family and has relatives"),
        ("participants.csv", '"no"', '"perhaps"', "art has no option 'perhaps'"),
        ("participants.csv", ',0,"en"', ',1,"en"', "two rows have the number 1"),
        ("participants.csv", '"en",', "", "row 2 has"),
    ],
)
def test_damaged_tables_are_refused(folder, file, old, new, message):
    """Without the list of hashes too: someone may hand over the tables and the plan alone."""
    (folder / "export.json").unlink()
    edit(folder / file, old, new)
    with pytest.raises(ValueError, match=message):
        read_export(folder / "answers.csv")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_mixed_studies_are_refused(tables, folder, tmp_path, suffix):
    other = replace(tables, plan=replace(tables.plan, seed=9))
    write_export(other, tmp_path / "other")
    (folder / "export.json").unlink()
    shutil.copy(tmp_path / "other" / f"answers.{suffix}", folder)
    with pytest.raises(ValueError, match="rows of another study"):
        read_export(folder / f"answers.{suffix}")


def test_tables_of_two_exports_are_refused(tables, folder):
    (folder / "export.json").unlink()
    fewer = replace(tables, participants=tables.participants[tables.participants["number"] != len(HOSTILE)])
    (folder / "participants.csv").write_bytes(export_files(fewer, ("csv",))["participants.csv"])
    with pytest.raises(ValueError, match="of different exports"):
        read_export(folder / "answers.csv")


def test_not_an_export(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.json").write_text('{"answers": []}')
    (tmp_path / "a.zip").write_bytes(b"PK no")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "export.json").write_text("[]")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    for name, message in (
        ("empty", "is no export: it holds no tables"),
        ("a.json", "no study that was exported"),
        ("a.zip", "cannot be unpacked"),
        ("bad", "export.json is damaged"),
        ("other.zip", "is no export"),
        ("nowhere", "There is no"),
    ):
        with pytest.raises(ValueError, match=message):
            read_export(tmp_path / name)


def test_a_zip_may_not_unpack_to_everything(folder, tmp_path, monkeypatch):
    shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    monkeypatch.setattr("study.export.reading.MAX_ZIP_BYTES", 1000)
    with pytest.raises(ValueError, match="1,000 are the most"):
        read_export(tmp_path / "packed.zip")


# Back into a database


def test_import_into_a_database(told, tables, folder, database_url):
    database = Database(database_url)
    import_study(database, folder)
    found = read_tables(database, "toy")
    same((found.plan, found.answers, found.participants), (tables.plan, tables.answers, tables.participants))
    assert found.state == "closed" and found.outbox == ()
    query = sa.select(ShownRow.pictures).join(ParticipantRow, ParticipantRow.id == ShownRow.participant_id)
    query = query.where(ShownRow.shown_at.is_not(None)).order_by(ParticipantRow.number, ShownRow.index)
    with told.database.reading() as before, database.reading() as after:
        assert before.scalars(query).all() == after.scalars(query).all()
        numbers = sa.select(sa.func.max(ParticipantRow.number))
        assert after.scalars(sa.select(StudyRow.next_number)).one() == after.scalars(numbers).one() + 1
    with pytest.raises(ValueError, match="has the study toy already"):
        import_study(database, folder)
    database.close()


def test_import_refuses_people_of_another_study(tables, folder, tmp_path):
    database = Database(f"sqlite:///{tmp_path}/b.sqlite")
    import_study(database, folder)
    write_export(replace(tables, plan=replace(tables.plan, name="twin")), tmp_path / "twin")
    with pytest.raises(ValueError, match="Participants of twin are in the database already"):
        import_study(database, tmp_path / "twin")
    with pytest.raises(ValueError, match="no study called 'twin'"):
        read_tables(database, "twin")
    database.close()


def test_an_imported_study_cannot_be_taken_part_in(told, folder, tmp_path):
    from study.catalogue import Catalogue
    from study.sessions import Sessions

    database = Database(f"sqlite:///{tmp_path}/b.sqlite")
    import_study(database, folder)
    catalogue = Catalogue(database)
    study = catalogue.open(told.study.folder)
    with pytest.raises(Refused, match="closed"):
        Sessions(catalogue, b"k" * 32).begin(study, "en")
    with database.reading() as session:
        assert not session.scalars(sa.select(ParticipantRow).where(ParticipantRow.access_hash == token_hash(""))).all()
    database.close()
