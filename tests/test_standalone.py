"""Project modules joined to one file that stands alone."""

import pytest

import pipelines
from pipelines.standalone import hashed_name, standalone_source


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Write project modules that exist for one test: `modules(name=source, ...)`."""
    monkeypatch.setattr(pipelines, "__path__", [*pipelines.__path__, str(tmp_path)])

    def write(**sources: str) -> None:
        for name, source in sources.items():
            (tmp_path / f"{name}.py").write_text(source)

    return write


def test_modules_are_joined_in_the_order_of_need(modules):
    modules(
        joined_base='"""Numbers."""\n\nimport math\n\nTWO = 2  # a reason\n',
        joined_middle="import math\n\nfrom pipelines.joined_base import TWO\n\nFOUR = TWO * math.floor(2.5)\n",
        joined_top=(
            '"""Top.\n\nMore."""\n\nfrom pipelines.joined_middle import FOUR\nfrom pipelines.joined_base import TWO\n'
            "from pipelines.pretrained import PretrainedPipeline\n\n\n"
            'class Top(PretrainedPipeline):\n    """A PretrainedPipeline."""\n\n    six = TWO + FOUR\n'
        ),
    )
    source = standalone_source("pipelines.joined_top")
    names: dict = {"__name__": "joined"}
    exec(compile(source, "joined.py", "exec"), names)
    assert names["Top"].six == 6 and names["__doc__"] == "Top.\n\nMore.\n"
    assert names["Top"].__base__.__name__ == "DiffusionPipeline" and names["Top"].__doc__ == "A PretrainedPipeline."
    assert "# a reason" in source and "# Numbers." in source
    assert source.count("import math") == 1 and "pipelines." not in source.replace("--- pipelines.", "")


@pytest.mark.parametrize(
    ("sources", "match"),
    [
        ({"bad_a": "from .color import grey_of\n"}, "relative import"),
        ({"bad_a": "import pipelines.color\n"}, "read `from pipelines.color import name`"),
        ({"bad_a": "from pipelines.color import grey_of as g\n"}, "read `from pipelines.color import name`"),
        ({"bad_a": "def f():\n    from pipelines.color import grey_of\n"}, "at the top"),
        ({"bad_a": "from __future__ import annotations\n"}, "would hold for all modules"),
        ({"bad_a": "from math import *\n"}, "would hold for all modules"),
        (
            {"bad_a": "from pipelines.bad_b import X\nY = 1\n", "bad_b": "from pipelines.bad_a import Y\nX = 1\n"},
            r"pipelines\.bad_a imports pipelines\.bad_b imports pipelines\.bad_a",
        ),
        (
            {"bad_a": "from pipelines.bad_b import X\n\ndef _mix(): ...\n", "bad_b": "X = 1\n_mix = 2\n"},
            r"_mix means one thing in pipelines\.bad_b and another in pipelines\.bad_a",
        ),
        (
            {
                "bad_a": "from pipelines.bad_b import X\nfrom math import floor\n",
                "bad_b": "from numpy import floor\nX = 1\n",
            },
            "floor means one thing",
        ),
        ({"bad_a": "from pipelines.no_such_module import x\n"}, "cannot be found"),
    ],
)
def test_what_cannot_be_joined_is_refused(modules, sources, match):
    modules(**sources)
    with pytest.raises((OSError, ValueError), match=match):
        standalone_source("pipelines.bad_a")


def test_a_name_carries_its_content_once():
    name = hashed_name("pipelines.x.pipeline_x", "text")
    assert name == "pipeline_x_982d9e3e" and hashed_name(name, "text") == name
    assert hashed_name("pipelines.x.pipeline_x", "another text") != name
