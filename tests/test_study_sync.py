"""A study's data set on the Hub: pushed when it may be, and following every withdrawal."""

import time

import pytest
import sqlalchemy as sa
from huggingface_hub.errors import HfHubHTTPError

from study.export.hub import push_to_hub
from study.export.reading import read_export
from study.export.sync import StudySync, sync_all
from study.export.tables import read_tables
from study.plan import BackgroundQuestion
from study.tables import OutboxRow
from study_fixtures import Toy, toy_study
from study_hub import readable
from study_people import answer_all

pytest_plugins = ("study_fixtures", "study_hub")
NOTE = BackgroundQuestion("note", {"en": "Anything to say?", "zh": "想说什么?"})
REPO = "painter/study-toy"


@pytest.fixture
def toy(tmp_path, lasting):
    """An open study that three people answered; the second one wrote something."""
    options = dict(background=(NOTE,), practice=0)
    with toy_study(tmp_path / "studies", f"sqlite:///{tmp_path}/a.sqlite", **options) as one:
        yield one


@pytest.fixture
def people(toy) -> list:
    begun = answer_all(toy, 1, background={"note": "first"})[0]
    for text in ("remember my garden", "third"):
        one = toy.sessions.begin(toy.study, "en")
        toy.sessions.background(toy.study, one.access, {"note": text})
        toy.sessions.place(toy.study, one.access)
        begun.append(one)
    return begun


@pytest.fixture
def sync(toy, tmp_path, hub):
    one = StudySync(toy.database, "toy", tmp_path / "exports" / "toy", REPO, every=1000, api=hub.api)
    started(one)
    yield one
    one.stop()


def started(sync: StudySync) -> None:
    """Wait for the first tick, which a thread of the scheduler makes."""
    while not hasattr(sync, "last_future"):
        time.sleep(0.001)
    sync.last_future.result()


def tick(sync: StudySync):
    return sync.trigger().result()


def pending(toy: Toy) -> list[str]:
    with toy.database.reading() as session:
        return list(session.scalars(sa.select(OutboxRow.kind).where(OutboxRow.done_at.is_(None))))


def pseudonym(toy: Toy, number: int) -> str:
    return read_tables(toy.database, "toy").participants["participant"][number]


# Pushed by hand


def test_push_to_hub(toy, people, hub, tmp_path):
    with pytest.raises(ValueError, match="toy is open: nothing of it is published"):
        push_to_hub(toy.database, "toy", REPO, api=hub.api)
    assert not hub.data_sets
    toy.catalogue.set_state(toy.study, "closed")
    url = push_to_hub(toy.database, "toy", REPO, licence="cc-by-4.0", api=hub.api)
    found = hub.data_sets[REPO]
    assert "/datasets/painter/study-toy/commit/" in url and found.private
    assert len([request for request in hub.requests if request.startswith("POST") and "/commit/main" in request]) == 1
    for name, content in found.files.items():
        (tmp_path / name).write_bytes(content)
    plan, answers, participants = read_export(tmp_path)
    assert plan == toy.plan and len(participants) == 3 and b"license: cc-by-4.0" in found.files["README.md"]
    assert len(answers) == len(read_tables(toy.database, "toy").answers)


def test_a_second_push_leaves_nothing_of_the_first(toy, people, hub):
    gone = pseudonym(toy, 1)
    toy.catalogue.set_state(toy.study, "closed")
    push_to_hub(toy.database, "toy", REPO, api=hub.api)
    assert gone.encode() in hub.everything()
    toy.sessions.withdraw(toy.study, people[1].withdrawal)
    push_to_hub(toy.database, "toy", REPO, formats=("parquet",), api=hub.api)
    found = hub.data_sets[REPO]
    assert "answers.csv" not in found.files and "answers.parquet" in found.files
    assert len(found.commits) == 1 and len(hub.store) == 3  # of answers, participants and items
    assert gone.encode() not in hub.everything() and b"remember my garden" not in hub.everything()


def test_a_public_repository_is_not_private(toy, hub):
    toy.catalogue.set_state(toy.study, "closed")
    push_to_hub(toy.database, "toy", REPO, private=False, api=hub.api)
    with pytest.raises(ValueError, match="is public"):
        push_to_hub(toy.database, "toy", REPO, api=hub.api)


# Followed


def test_nothing_of_an_open_study_is_exported(toy, people, sync, hub, tmp_path):
    assert tick(sync) is None
    toy.sessions.withdraw(toy.study, people[0].withdrawal)
    assert tick(sync) is None and pending(toy) == []
    assert hub.data_sets[REPO].files == {} and not list((tmp_path / "exports").rglob("*.*"))


def test_withdrawal_holds_everywhere(toy, people, sync, hub, tmp_path):
    """Database, exported files, repository, its history and its store: who withdrew is in none of them."""
    gone, stays = pseudonym(toy, 1).encode(), pseudonym(toy, 2).encode()
    folder = tmp_path / "exports" / "toy"
    toy.catalogue.set_state(toy.study, "closed")
    assert tick(sync) and pending(toy) == []
    assert gone in hub.everything() and gone in (folder / "answers.csv").read_bytes()

    toy.sessions.withdraw(toy.study, people[1].withdrawal)
    assert pending(toy) == ["withdrawn"]
    assert tick(sync) and pending(toy) == []
    files = [file for file in tmp_path.rglob("*") if file.is_file() and "studies/" not in str(file)]
    assert {"answers.parquet", "study.json", "a.sqlite"} <= {file.name for file in files}
    for trace in (gone, b"remember my garden"):
        assert trace not in hub.everything()
        assert not [file.name for file in files if trace in readable(file.read_bytes())]
    assert stays in hub.everything() and len(hub.data_sets[REPO].commits) == 1
    assert len(read_export(folder)[2]) == 2
    assert tick(sync) is None


@pytest.mark.parametrize("broken", ["commit/main", "super-squash", "lfs-files/batch"])
def test_not_done_before_all_succeeded(toy, people, sync, hub, broken):
    gone = pseudonym(toy, 1).encode()
    toy.catalogue.set_state(toy.study, "closed")
    tick(sync)
    toy.sessions.withdraw(toy.study, people[1].withdrawal)
    hub.broken = broken
    for _ in range(2):
        with pytest.raises(HfHubHTTPError):
            tick(sync)
        assert pending(toy) == ["withdrawn"] and gone in hub.everything()
    hub.broken = ""
    tick(sync)
    assert pending(toy) == [] and gone not in hub.everything()


def test_answers_after_closing_follow(toy, people, sync, hub):
    toy.catalogue.set_state(toy.study, "closed")
    tick(sync)
    place = toy.sessions.place(toy.study, people[2].access)
    before = hub.data_sets[REPO].files["answers.csv"].count(b"\n")
    toy.sessions.answer(toy.study, people[2].access, place.index, {"key": place.key, "answer": "1", "confidence": "2"})
    toy.sessions.place(toy.study, people[2].access)
    hub.broken = "commit/main"
    with pytest.raises(HfHubHTTPError):
        tick(sync)
    hub.broken = ""
    assert pending(toy) == ["changed"]
    tick(sync)
    assert pending(toy) == [] and hub.data_sets[REPO].files["answers.csv"].count(b"\n") == before + 1
    assert tick(sync) is None


def test_a_withdrawal_from_a_study_opened_again_takes_the_tables_down(toy, people, sync, hub, tmp_path):
    gone, stays = pseudonym(toy, 1).encode(), pseudonym(toy, 2).encode()
    toy.catalogue.set_state(toy.study, "closed")
    tick(sync)
    toy.catalogue.set_state(toy.study, "open")
    assert tick(sync) is None and gone in hub.everything()
    toy.sessions.withdraw(toy.study, people[1].withdrawal)
    tick(sync)
    assert set(hub.data_sets[REPO].files) == {"README.md"} and b"is open again" in hub.everything()
    assert gone not in hub.everything() and stays not in hub.everything() and not hub.store
    assert not (tmp_path / "exports" / "toy").exists() and pending(toy) == []
    toy.catalogue.set_state(toy.study, "closed")
    tick(sync)
    assert gone not in hub.everything() and stays in hub.everything()


def test_a_stale_push_is_refused(toy, people, sync, hub, tmp_path):
    """Two servers: one has read the tables before a withdrawal and pushes after the other has followed it."""
    gone = pseudonym(toy, 1).encode()
    toy.catalogue.set_state(toy.study, "closed")
    other = StudySync(
        toy.database, "toy", tmp_path / "other", REPO, every=1000, api=type(hub.api)(hub.api.endpoint, "t")
    )
    started(other)

    def withdraw_meanwhile() -> None:
        hub.before_commit = lambda: None
        toy.sessions.withdraw(toy.study, people[1].withdrawal)
        tick(other)

    hub.before_commit = withdraw_meanwhile
    toy.sessions.withdraw(toy.study, people[0].withdrawal)  # gives the slow one something to push
    with pytest.raises(HfHubHTTPError, match="412"):
        tick(sync)
    other.stop()
    assert gone not in hub.everything()
    tick(sync)
    assert pending(toy) == [] and gone not in hub.everything()


def test_a_demonstration_is_not_synchronised(tmp_path, hub):
    with toy_study(tmp_path / "s", f"sqlite:///{tmp_path}/a.sqlite", "demo", demo=True) as demo:
        with pytest.raises(ValueError, match="demo is a demonstration"):
            StudySync(demo.database, "demo", tmp_path / "out", REPO, api=hub.api)
        assert sync_all(demo.database, tmp_path / "out", "painter", api=hub.api) == []
    assert not hub.data_sets


def test_all_real_studies_are_synchronised(toy, hub, tmp_path):
    (one,) = sync_all(toy.database, tmp_path / "out", "painter", every=1000, api=hub.api)
    started(one)
    one.stop()
    assert set(hub.data_sets) == {REPO} and hub.data_sets[REPO].private
