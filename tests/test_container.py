"""The container: files that pass their linters, rules that matter, and, in the slow tier, every step carried out."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from compose_spec import PyCompose

import container_steps
from container_steps import ignored, instructions

ROOT = Path(__file__).resolve().parent.parent
STEPS = instructions(ROOT / "Dockerfile")
VALUES = {"DANQING_DATABASE_PASSWORD": "one", "DANQING_ORGANISER_PASSWORD": "two"}


def interpolated(values: dict[str, str]) -> str:
    """compose.yaml with variables filled in, as `docker compose config` does; ValueError for one that must be set."""

    def value(found: re.Match) -> str:
        name, default, needed = found.groups()
        if name in values:
            return values[name]
        if needed is not None:
            raise ValueError(f"{name} {needed}")
        return default or ""

    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    return re.sub(r"\$\{(\w+)(?::-([^}]*)|:\?([^}]*))?\}", value, text)


def test_the_dockerfile_passes_hadolint():
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, "--no-color", ROOT / "Dockerfile"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_hadolint_would_complain(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN cd /x && pip install torch\nUSER root\n")
    hadolint = Path(sys.executable).with_name("hadolint")
    assert subprocess.run([hadolint, tmp_path / "Dockerfile"], capture_output=True).returncode != 0


def test_the_rules_that_matter():
    names = [name for name, _ in STEPS]
    said = dict(STEPS)
    assert said["FROM"] == "python:3.11-slim-bookworm"  # a version, not `latest`
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", said["USER"]) and names.index("USER") < names.index("CMD")
    assert "/health" in said["HEALTHCHECK"]
    assert not [words for name, words in STEPS if name == "ADD" or (re.search(r"\.\s+\.", words) and name == "COPY")]
    assert not re.search(r"(?i)password|token|secret", " ".join(words for _, words in STEPS))


def test_only_what_the_app_needs_is_copied():
    kept = {
        file.relative_to(ROOT).parts[0]
        for file in ROOT.rglob("*")
        if file.is_file() and not {".git", ".venv"} & set(file.parts) and not ignored(ROOT, file)
    }
    needed = {"app.py", "torchvision_guard.py", "requirements.txt", "LICENSE", "datasets_cards", "pipelines", "ui"}
    assert needed | {"weights"} <= kept <= needed | {"weights", "study"}
    copied = {source for name, words in STEPS if name == "COPY" for source in words.split()[:-1]}
    assert copied == kept
    for file in (".env", "runs/x", "tests/test_app.py", "ui/__pycache__/a.pyc", "ui/widgets.pyi", ".git/config"):
        assert ignored(ROOT, ROOT / file), file


def test_compose_is_valid():
    PyCompose.from_yaml(interpolated(VALUES)).validate()
    with pytest.raises(ValueError):
        PyCompose.from_yaml(interpolated(VALUES).replace("read_only: true", "read_only: perhaps")).validate()
    for missing in VALUES:
        with pytest.raises(ValueError, match=missing):
            interpolated({name: value for name, value in VALUES.items() if name != missing})


def test_compose_asks_docker_where_it_can():
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode
    ):
        pytest.skip("No docker compose here; the file is checked by compose-spec above.")
    command = ["docker", "compose", "--project-directory", str(ROOT), "config", "--quiet"]
    done = subprocess.run(command, env={**os.environ, **VALUES}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_compose_holds_together():
    spec = yaml.safe_load(interpolated(VALUES))
    services, volumes = spec["services"], set(spec["volumes"])
    for service in services.values():
        assert {volume.split(":")[0] for volume in service["volumes"]} <= volumes
        assert service["read_only"] is True and service["security_opt"] == ["no-new-privileges:true"]
        assert set(service.get("depends_on", {})) <= set(services)
        assert "privileged" not in service and "mem_limit" in service
    app = services["app"]
    assert app["cap_drop"] == ["ALL"] and "ports" not in services["database"]
    assert app["environment"]["DANQING_STUDY_DATABASE"] == "postgresql+psycopg://danqing:one@database:5432/danqing"
    assert app["environment"]["DANQING_STUDIES"] == "/data/studies"
    (volume,) = app["volumes"]
    assert volume.endswith(":" + dict(STEPS)["VOLUME"])
    assert "one" not in (ROOT / "compose.yaml").read_text(encoding="utf-8").split("DANQING_DATABASE_PASSWORD")[0]


@pytest.mark.slow
def test_every_step_and_the_app_in_it(tmp_path):
    """Built, started read-only without a network as an unprivileged user, found well, and used once."""
    if not container_steps.possible():
        pytest.skip("Needs Linux, root and namespaces.")
    tmp_path.chmod(0o755)
    (tmp_path / "image").mkdir()
    image = container_steps.build(ROOT, tmp_path / "image")
    assert not list(image.inside("/app").rglob("test_*.py"))
    with (tmp_path / "log").open("w") as log:
        process = container_steps.run(image, image.command, read_only=True, stdout=log, stderr=log)
        try:
            container_steps.wait_until_well(image, process)

            def ask(code: str) -> str:
                done = container_steps.run_beside(image, process, ["python", "-c", code])
                assert done.returncode == 0, done.stderr[-1500:]
                return done.stdout

            page = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:7860/', timeout=30).read().decode())"
            assert "Danqing" in ask(page)
            assert ask("import os; print(os.getuid())").strip() == "10001"
            for folder in ("/app", "/", "/usr/lib", "/opt"):
                assert ask(f"import os; print(os.access('{folder}', os.W_OK))").strip() == "False", folder
            ask("import pathlib; pathlib.Path('/data/x').touch(); pathlib.Path('/tmp/x').touch()")
            made = """
from gradio_client import Client
client = Client("http://127.0.0.1:7860/", verbose=False, download_files="/tmp")
print(client.predict(count=1, seed="5", api_name="/generate_details")[-1])
"""
            assert "pictures of" in ask(made)
        finally:
            process.terminate()
            assert process.wait(30) == 0
    assert json.loads((tmp_path / "log").read_text().strip().splitlines()[-1])["event"] == "end"
