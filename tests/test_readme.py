"""The README keeps its word: every command in it runs, every target and link exists."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from labelled_fixtures import blotches, write_parquet
from lineart_fixtures import write_illustrations
from scene_fixtures import write_scenes

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.split("  #")[0].strip()
    for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
PYTHON = [command for command in COMMANDS if command.startswith("python ")]
QUICK = ("python -m pipelines",)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with what the commands name: pictures, and small sets where LPD, line art and the scenes would lie."""
    from datasets_cards.procedural.builder import build
    from datasets_cards.procedural.drawing import drawing
    from datasets_cards.procedural.painter import landscape
    from datasets_cards.procedural.product import KINDS, product
    from datasets_cards.procedural.scene_painter import scene

    folder = tmp_path_factory.mktemp("readme")
    landscape(seed=1, width=320, height=240, ink=True).save(folder / "painting.jpg")
    scene(seed=1, width=320, height=240).save(folder / "valley.jpg")
    drawing(seed=1, width=240, height=320).lines.save(folder / "drawing.png")
    drawing(seed=2, width=240, height=320).colour.save(folder / "palette.jpg")
    product(seed=1, kind="shoes").save(folder / "shoe.jpg")
    build(folder / "runs" / "lpd", count=20)
    for number, split in enumerate(("train", "val", "test")):
        write_illustrations(folder / "runs" / "lineart", split=split, seed=100 * number)
        write_scenes(folder / "runs" / "scenes" / "summer2winter", ["summer", "winter"] * 3, split=split)
        write_scenes(folder / "runs" / "scenes" / "cloudy2sunny", ["cloudy", "sunny"] * 3, split=split)
        for name, labels in (("grocery", ["fruit", "packages", "vegetables"]), ("products", list(KINDS))):
            pictures = [blotches(100 * number + one) for one in range(2 * len(labels))]
            columns = {"label": labels * 2, "subset": ["studio"] * len(pictures), "colour": ["red"] * len(pictures)}
            names = [f"{one}.png" for one in range(len(pictures))]
            write_parquet(folder / "runs" / name / f"{split}.parquet", pictures, names, id=names, **columns)
    return folder


def run(folder: Path, *words: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}"
    return done


@pytest.mark.parametrize(
    "command",
    [pytest.param(c, marks=[] if c.startswith(QUICK) else pytest.mark.slow, id=c) for c in PYTHON],
)
def test_commands_run(folder, command):
    words = shlex.split(command)[1:]
    if "tiny" in words and not (folder / "data" / "procedural").exists():  # the line above it builds its data
        run(folder, "-m", "datasets_cards", "build", "procedural", "--out", "data/procedural", "--count", "10")
    run(folder, *words)


def test_every_command_is_of_a_kind_that_is_tested():
    rest = [command for command in COMMANDS if command not in PYTHON]
    assert rest == ["make app", "make test"]
    makefile = (ROOT / "Makefile").read_text()
    assert all(re.search(rf"^{command.split()[1]}:", makefile, re.MULTILINE) for command in rest)


def test_the_three_lines_of_python_run(folder):
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    run(folder, "-c", block)
    for name in ("coloured.png", "drawing in colour.png", "valley in winter.png", "fruit.png", "shoe with waves.png"):
        assert (folder / name).stat().st_size > 1000


def test_the_front_matter_is_a_spaces():
    front = yaml.safe_load(README.split("---")[1])
    assert front["sdk"] == "gradio" and (ROOT / front["app_file"]).is_file()
    assert front["python_version"] == "3.11"
    from importlib.metadata import version

    assert front["sdk_version"].split(".")[0] == version("gradio").split(".")[0]
    assert len(front["short_description"]) <= 60  # the Hub's limit


def test_links_and_pictures_exist():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links and all((ROOT / link).exists() for link in links), links
