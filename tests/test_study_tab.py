"""Studies in the app: the tab, the routes beside gradio's, and what happens without storage."""

import json
import re
import urllib.error
import urllib.request

import pytest

import app
from study import serving
from study.catalogue import StudyError
from study.tab import quiz_tab
from ui import Models, Services


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    return serving.prepare(tmp_path_factory.mktemp("studies"))


@pytest.fixture(scope="module")
def url(studies):
    demo = app.serve(Services(Models(load=lambda *_: None)), studies=studies)
    yield demo.local_url
    demo.close()


def fetch(address: str) -> tuple[str, dict]:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read().decode(), dict(answer.headers)


def test_the_app_offers_the_demonstration(studies, url):
    assert studies.refused == () and [plan.name for plan in studies.plans()] == ["demo"]
    page, headers = fetch(f"{url}study/take/demo")
    assert "demonstration" in page and "default-src 'none'" in headers["content-security-policy"]


def test_the_page_of_the_app_is_still_there(url):
    page, _ = fetch(url)
    assert "study/take/demo" in page and "gradio" in page


def test_pages_are_not_compressed_on_the_way(url):
    """A compressed length would tell of the content."""
    request = urllib.request.Request(f"{url}study/take/demo", headers={"Accept-Encoding": "gzip, br"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.headers["content-encoding"] is None


def test_the_organisers_pages_are_off_without_a_password(url):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetch(f"{url}study/organiser")


def test_without_storage_the_tab_says_so(monkeypatch, capsys, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("DANQING_STUDIES", str(tmp_path / "file"))
    assert app.open_studies() is None
    assert "studies are off: Studies cannot be stored" in capsys.readouterr().out
    config = json.dumps(app.build(Services(Models())).get_config_file(), default=str)
    assert "quiz_off" in config


def test_a_database_that_cannot_be_reached_is_said(tmp_path):
    with pytest.raises(StudyError, match="Studies cannot be stored"):
        serving.prepare(tmp_path, "postgresql+psycopg://nobody@127.0.0.1:1/none")


def test_closed_studies_are_kept_on_the_hub_where_asked(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("study.export.sync.sync_all", lambda *given: asked.append(given[1:]))
    monkeypatch.setenv("DANQING_STUDY_HUB", "lab")
    serving.prepare(tmp_path)
    assert asked == [(tmp_path / "exports", "lab")]


def test_a_hub_that_refuses_is_said_at_the_start(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no such namespace")

    monkeypatch.setattr("study.export.sync.sync_all", refuse)
    monkeypatch.setenv("DANQING_STUDY_HUB", "lab")
    with pytest.raises(StudyError, match="DANQING_STUDY_HUB=lab: no such namespace"):
        serving.prepare(tmp_path)


def test_a_closed_study_is_not_offered(tmp_path):
    served = serving.prepare(tmp_path)
    served.catalogue.set_state(served.catalogue.get("demo"), "closed")
    assert served.plans() == []


def test_names_in_the_tab_are_text(studies):
    from dataclasses import replace

    import gradio as gr

    odd = replace(studies.plans()[0], title={"en": "<script>x</script>", "zh": "x"})
    with gr.Blocks() as blocks:
        quiz_tab([odd, replace(odd, name="other")], "/study")
    frames = [block.value for block in blocks.blocks.values() if isinstance(block, gr.HTML)]
    assert frames and not re.search("<script", frames[0])
