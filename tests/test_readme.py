"""The README keeps its word: every command in it runs, every target and link exists."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hub_server import TOKEN, HubServer
from labelled_fixtures import blotches, write_parquet
from lineart_fixtures import write_illustrations
from scene_fixtures import write_scenes

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
HUB = README[README.index("\n## Hub\n") : README.index("\n## What is in the box\n")]


def commands(text: str) -> list[str]:
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


COMMANDS = commands(README.replace(HUB, ""))
PYTHON = [command for command in COMMANDS if command.startswith("python ")]
PYTHON_BLOCKS = re.findall(r"```python\n(.*?)```", README.replace(HUB, ""), re.DOTALL)
APP = "http://127.0.0.1:7860/"
QUICK = ("python -m pipelines landscape-colorizer painting.jpg --out coloured",)
STUDY_STEPS = {  # what stands in the folder after a line that later lines need
    "studies/landscapes": "python -m study new --name landscapes",
    "studies/studies.sqlite": "python -m study close",
    "landscapes-data": "python -m study export",
}


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
    for number, name in enumerate(("photographs", "generated", "paintings")):
        (folder / name).mkdir()
        for one in range(60):  # ten questions of four, and those for practice and checks
            blotches(1000 * number + one).resize((64, 64)).save(folder / name / f"{one}.png")
    return folder


def run(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
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
    if command.startswith(("python -m study close", "python -m study export", "python -m study analyse")):
        for made, start in STUDY_STEPS.items():
            line = next(line for line in PYTHON if line.startswith(start))
            if line == command:
                break
            if not (folder / made).exists():
                run(folder, *shlex.split(line)[1:])
    run(folder, *words)


def test_every_command_is_of_a_kind_that_is_tested():
    rest = [command for command in COMMANDS if command not in PYTHON]
    make = [command for command in rest if command.startswith("make ")]
    assert make == ["make app", "make test"]
    makefile = (ROOT / "Makefile").read_text()
    assert all(re.search(rf"^{command.split()[1]}:", makefile, re.MULTILINE) for command in make)
    assert all(command.startswith(("make ", "curl ", "docker compose ")) for command in rest)


def test_the_three_lines_of_python_run(folder):
    block = PYTHON_BLOCKS[0]
    run(folder, "-c", block)
    for name in ("coloured.png", "drawing in colour.png", "valley in winter.png", "fruit.png", "shoe with waves.png"):
        assert (folder / name).stat().st_size > 1000


@pytest.fixture(scope="module")
def app_url():
    """The app as `python app.py` serves it, at another port, with small models."""
    import app
    from test_api import tiny
    from ui import Limits, Models, Services

    demo = app.serve(Services(Models(load=tiny), Limits()), mcp=True)
    yield demo.local_url
    demo.close()


def test_the_lines_for_another_program_run(folder, app_url):
    (_, block) = PYTHON_BLOCKS
    assert APP in block
    run(folder, "-c", block.replace(APP, app_url) + "\nassert open(coloured, 'rb').read(4) == b'\\x89PNG', text")


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_the_curl_commands_work_one_after_the_other(folder, app_url):
    """Each fills in what the one before it answered."""

    def ask(command: str) -> str:
        words = shlex.split(command.replace(APP, app_url))
        assert words[0] == "curl"
        done = subprocess.run(["curl", "--fail", *words[1:]], cwd=folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout

    upload, call, wait, fetch, health = [command for command in COMMANDS if command.startswith("curl ")]
    (path,) = json.loads(ask(upload))
    event = json.loads(ask(call.replace("PATH", path)))["event_id"]
    answer = ask(wait.replace("EVENT_ID", event))
    assert "event: complete" in answer
    ask(fetch.replace("RESULT_PATH", json.loads(answer.rsplit("data: ", 1)[1])[1]["path"]))
    assert (folder / "coloured.png").read_bytes()[:4] == b"\x89PNG"
    assert json.loads(ask(health))["status"] == "ok"


def test_the_mcp_address_is_where_the_tools_are(app_url):
    (block,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    address = json.loads(block)["mcpServers"]["danqing"]["url"]
    assert address.startswith(APP)
    from test_mcp import session

    assert session(app_url, lambda one: one.list_tools()).tools
    assert address.removeprefix(APP) == "gradio_api/mcp/"  # where the line above found them


def test_the_docker_commands_are_of_what_is_there():
    commands = [shlex.split(command)[2:] for command in COMMANDS if command.startswith("docker compose ")]
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert [words[0] for words in commands] == ["up", "logs"]
    assert set(commands[0][1:]) <= {"--build", "--detach"} and set(commands[1][1:]) <= set(services)
    for name in re.findall(r"`(DANQING_\w+_PASSWORD)`", README):
        assert f"${{{name}:?" in (ROOT / "compose.yaml").read_text(encoding="utf-8")


def test_the_table_of_limits_is_the_apps():
    from dataclasses import fields

    from ui import Limits

    told = dict(re.findall(r"^\| `DANQING_(\w+)` \| (\d+) \|", README, re.MULTILINE))
    assert told == {field.name.upper(): str(field.default) for field in fields(Limits)}


@pytest.mark.slow
def test_the_hub_section_works_as_written(folder, tmp_path, monkeypatch):
    """Followed by a new user called `you`, line by line, with a Hub of his own."""
    monkeypatch.setattr(HubServer, "users", {TOKEN: "you"})
    with HubServer() as hub:
        variables = hub.environment(str(tmp_path))
        for command in commands(HUB):
            assert command.startswith("python ")
            run(folder, *shlex.split(command)[1:], **variables)
        (block,) = re.findall(r"```python\n(.*?)```", HUB, re.DOTALL)
        # The guard is this machine's matter: beside a CPU torch, torchvision keeps diffusers from being imported.
        run(folder, "-c", f"import torchvision_guard\n{block}", **variables)
        kinds = {(kind, name): repository.private for (kind, name), repository in hub.repositories.items()}
    assert kinds == {
        ("model", "you/landscape-colorizer"): False,
        ("model", "you/scene-translator"): True,
        ("dataset", "you/landscapes"): False,
        ("space", "you/danqing"): False,
    }
    for name in ("from-the-hub/painting.png", "coloured by diffusers.png", "onnx/coloured.png"):
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
