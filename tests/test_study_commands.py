"""`python -m study`: a study from folders to report, and a sentence for what goes wrong."""

import re
import sys
from pathlib import Path

import pytest

from study.__main__ import COMMANDS, main
from study.catalogue import Catalogue
from study.commands import pictures
from study.database import Database
from study.export.reading import read_export
from study.places import Asked
from study.plan import Plan
from study.sessions import Sessions
from study_fixtures import KEY, noise

pytest_plugins = ("study_fixtures",)


@pytest.fixture
def home(tmp_path, monkeypatch, lasting) -> Path:
    """A folder of real and one of generated pictures; studies lie beside them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DANQING_STUDIES", raising=False)
    monkeypatch.delenv("DANQING_STUDY_DATABASE", raising=False)
    for name, start in (("real", 0), ("made", 1000)):
        (tmp_path / name).mkdir()
        for number in range(24):
            noise(start + number, "", (40, 40)).save(tmp_path / name / f"{number:02d}.png")
    return tmp_path


def new(*more: str) -> int:
    words = ["new", "--real", "real", "--generated", "made", "--questions", "2", "--gold", "1"]
    return main([*words, *more])


def take_part(home: Path, name: str, people: int = 6) -> None:
    database = Database(f"sqlite:///{home}/studies/studies.sqlite")
    catalogue = Catalogue(database)
    study, sessions = catalogue.open(home / "studies" / name), Sessions(catalogue, KEY)
    for number in range(people):
        access = sessions.begin(study, "en").access
        sessions.background(study, access, {"art_training": ("yes", "no")[number % 2]})
        while isinstance(place := sessions.place(study, access), Asked):
            given = {"key": place.key, "answer": place.told or place.answers[number % 4], "confidence": "3"}
            sessions.answer(study, access, place.index, given | {"seconds": "2.5"})
    database.close()


def test_a_study_from_folders_to_report(home, capsys):
    assert new("--name", "tried", "--participants", "40") == 0
    said = capsys.readouterr().out
    plan = Plan.load(home / "studies" / "tried" / "plan.json")
    assert plan.sha256 in said and plan.sample_size.participants == 40 and plan.size == (32, 32)
    assert not plan.demo and [c.name for c in plan.conditions] == ["made"]
    assert main(["list"]) == 0
    assert f"tried: made, not served yet, plan {plan.sha256}" in capsys.readouterr().out
    take_part(home, "tried")
    assert main(["list"]) == 0
    assert "tried: study, open, 6 consented, 6 finished" in capsys.readouterr().out
    assert main(["close", "tried"]) == main(["export", "tried", "out"]) == 0
    exported, answers, participants = read_export(home / "out")
    assert (
        exported == plan
        and len(participants) == 6
        and set(answers["role"]) == {"question", "practice", "gold", "instructed"}
    )
    capsys.readouterr()
    assert main(["analyse", "out", "--out", "report"]) == 0
    from_export = capsys.readouterr().out
    assert main(["analyse", "tried"]) == 0
    from_database = capsys.readouterr().out
    assert from_database in from_export and plan.sha256 in from_database
    assert (home / "report" / "report.tex").is_file() and list((home / "report" / "plots").glob("*.png"))


def test_an_export_comes_back_into_a_database(home, capsys):
    assert new("--name", "tried") == 0
    take_part(home, "tried", 2)
    assert main(["close", "tried"]) == main(["export", "tried", "out"]) == 0
    other = f"sqlite:///{home}/other.sqlite"
    assert main(["import", "out", "--database", other]) == 0
    assert main(["export", "tried", "again", "--database", other]) == 0
    assert (home / "out" / "answers.csv").read_bytes() == (home / "again" / "answers.csv").read_bytes()


def test_a_study_is_named_after_its_models(home):
    assert new() == new() == 0
    assert sorted(file.parent.name for file in (home / "studies").glob("*/plan.json")) == ["made", "made-2"]


def test_texts_and_questions_of_ones_own(home):
    (home / "consent.txt").write_text("Yes?\n\nTell us.", encoding="utf-8")
    (home / "asked.json").write_text('[{"key": "age", "text": {"en": "Age", "zh": "年龄"}}]', encoding="utf-8")
    more = ["--title", "Mine", "--consent", "consent.txt", "--background", "asked.json", "--name", "mine"]
    assert new(*more, "--kind", "is_real", "--no-confidence", "--question-seconds", "20") == 0
    plan = Plan.load(home / "studies" / "mine" / "plan.json")
    assert plan.title["zh"] == "Mine" and plan.consent["en"].startswith("Yes?") and plan.background[0].key == "age"
    assert plan.blocks[0].kind == "is_real" and not plan.confidence and plan.question_seconds == 20


def test_a_model_makes_the_pictures(home, monkeypatch):
    """Pictures of a pipeline with weights of its own making, paired with the real ones by name."""
    import torch

    from pipelines import get_method

    torch.manual_seed(0)
    pipe = get_method("landscape_colorizer").tiny()
    torch.nn.init.normal_(pipe.generator.palette.to_chroma.weight, std=0.5)
    monkeypatch.setattr(type(pipe), "from_pretrained", classmethod(lambda cls, *_, **__: pipe))
    words = ["new", "--real", "real", "--model", "landscape-colorizer", "--questions", "2", "--gold", "0"]
    assert main([*words, "--option", "vividness=0.8"]) == 0
    plan = Plan.load(home / "studies" / "landscape-colorizer" / "plan.json")
    (condition,) = plan.conditions
    assert condition.revision.startswith("sha256:") and condition.made == "vividness=0.8"
    assert set(plan.families("landscape-colorizer")) == set(plan.families("real"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["new", "--real", "real"], "Nothing generated was given"),
        (["new", "--real", "nowhere", "--generated", "made"], "does not exist"),
        (["new", "--real", "real", "--model", "painter"], "There is no method 'painter'"),
        (["new", "--real", "real", "--generated", "made", "--questions", "40"], "ask fewer questions"),
        (["new", "--real", "real", "--generated", "made", "--name", "A B"], "lower-case letters"),
        (["new", "--real", "real", "--generated", "copy=real"], "to the pixel"),
        (["export", "nobody", "out"], "There are no studies in"),
        (["list"], "There are no studies in"),
        (["counts", "nowhere.csv"], "nowhere.csv"),
        (["serve", "--port", "0"], "no study to serve"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_what_goes_wrong_is_said_in_a_line(home, capsys, words, sentence):
    assert main(words) == 1
    error = capsys.readouterr().err
    assert sentence in error and "Traceback" not in error and len(error.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "words", [["export", "nobody", "out"], ["analyse", "nobody"], ["close", "nobody"]], ids=" ".join
)
def test_a_study_that_is_not_there_is_named(home, capsys, words):
    (home / "studies").mkdir()
    assert main(words) == 1
    error = capsys.readouterr().err
    assert "nobody" in error and len(error.strip().splitlines()) == 1


def test_help_names_every_command(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(re.search(rf"^  {name} ", said, re.MULTILINE) for name in COMMANDS)
    assert main(["nonsense"]) == 2


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_for_every_option(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert "(default" in capsys.readouterr().out


def test_published_counts_come_out_as_published(capsys):
    assert main(["counts"]) == 0
    said = capsys.readouterr().out
    assert "14.79 % | 12.53 % to 17.37 %" in said and "20.00 % | 17.41 % to 22.87 %" in said


def test_options_of_a_model_are_read_as_they_look():
    from study.commands.new import _options

    assert _options(["a=1.5", "b=true", "c=winter", "d=[1, 2]"]) == {"a": 1.5, "b": True, "c": "winter", "d": [1, 2]}
    with pytest.raises(ValueError, match="KEY=VALUE"):
        _options(["a"])


def test_pictures_come_from_parquet_too(tmp_path):
    import datasets
    from PIL import Image

    images = [Image.new("RGB", (40, 40), (i, 0, 0)) for i in range(3)]
    table = datasets.Dataset.from_dict({"image": images}, datasets.Features({"image": datasets.Image()}))
    table.to_parquet(str(tmp_path / "some.parquet"))
    found = pictures.read_pictures(str(tmp_path / "some.parquet"))
    assert len({picture.family for picture in found}) == 3 and found[0].read()[:4] == b"\x89PNG"


def test_serving_needs_no_models():
    """The pages alone: no torch, no gradio, no diffusers in the process."""
    import subprocess

    code = "import sys, study.commands.serve; print({'torch', 'gradio', 'diffusers', 'datasets'} & set(sys.modules))"
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=120)
    assert done.stdout.strip() == "set()", done.stderr
