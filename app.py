"""The app: one tab per method. `python app.py`, then open the address it prints."""

import atexit
import os
import shutil
import signal
import tempfile
from collections.abc import Callable

# Read by gradio and huggingface_hub when they are imported: no statistics, and a temporary folder nobody else reads.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("VIPS_WARNING", "0")  # libvips would write names of files to the log
if "GRADIO_TEMP_DIR" not in os.environ:
    os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="danqing-")
    atexit.register(shutil.rmtree, os.environ["GRADIO_TEMP_DIR"], ignore_errors=True)

import gradio as gr
import tyro
from starlette.routing import BaseRoute, Mount

from pipelines import METHODS, get_method
from pipelines.pinned import pinned_models
from study import serving, tab
from study.catalogue import StudyError
from ui import Limits, Models, Services
from ui.languages import label, translations
from ui.leaflet import leaflet_routes
from ui.mcp_tools import shape_results
from ui.memory import ceiling
from ui.page import Page
from ui.services import KEEP_SECONDS, SWEEP_SECONDS
from ui.theme import CSS, HEAD, theme
from ui.web import end, served

LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")


def build(services: Services, studies: serving.Served | None = None) -> gr.Blocks:
    """The whole page; in a tab that several methods share, each has a tab of its own, named by its text NAME_part."""
    tabs: dict[str, list[str]] = {}
    for name in METHODS:
        tabs.setdefault(get_method(name).tab_title, []).append(name)
    with Page(title="丹青 Danqing", delete_cache=(SWEEP_SECONDS, KEEP_SECONDS), analytics_enabled=False) as demo:
        with gr.Column(elem_id="masthead"):
            gr.HTML("<h1><span lang='zh'>丹青</span>Danqing</h1>", padding=False)
            gr.Markdown(label("app_promise"))
        for title, names in tabs.items():
            builders = [get_method(name).load("tab") for name in names]  # importing a tab adds its texts
            with gr.Tab(label(f"{title.lower()}_tab"), id=title.lower()):
                if len(builders) == 1:
                    builders[0](services)
                else:
                    _parts(services, names, builders)
        with gr.Tab(label("quiz_tab"), id="quiz"):
            tab.quiz_tab(studies.plans() if studies else None, serving.PATH)
    return demo.queue(max_size=services.limits.waiting, api_open=False)


def _parts(services: Services, names: list[str], builders: list[Callable[[Services], None]]) -> None:
    """Tabs inside a tab, one a method."""
    with gr.Tabs(elem_classes="parts"):
        for name, build_tab in zip(names, builders, strict=True):
            with gr.Tab(label(f"{name}_part"), id=name):
                build_tab(services)


def serve(
    services: Services,
    host: str = LOCAL_HOSTS[0],
    port: int | None = None,
    share: bool = False,
    mcp: bool = False,
    studies: serving.Served | None = None,
) -> gr.Blocks:
    """Build the page and start serving it in the background; `.local_url` says where. Studies have their own routes."""
    demo = build(services, studies)
    css = CSS + tab.CSS
    look = {"theme": theme(), "css": css, "head": HEAD, "i18n": translations(), "footer_links": ["api"]}
    routes: list[BaseRoute] = [*leaflet_routes()]
    routes += [Mount(serving.PATH, app=studies.application)] if studies else []
    demo.launch(server_name=host, server_port=port, share=share, **look, **served(services, mcp, routes))
    shape_results(demo)
    return demo


def open_studies() -> serving.Served | None:
    """The studies and the demonstration; None, with a line in the log, where they cannot be stored."""
    try:
        studies = serving.prepare()
    except StudyError as error:
        print(f"studies are off: {error}", flush=True)
        return None
    for sentence in studies.refused:
        print(f"study not opened: {sentence}", flush=True)
    return studies


def main(
    host: str | None = None,
    port: int | None = None,
    share: bool = False,
    mcp: bool = False,
    weights: str | None = None,
) -> None:
    """Serve the app until interrupted.

    Args:
        host: address to listen on; by default GRADIO_SERVER_NAME, or this computer only.
        port: by default GRADIO_SERVER_PORT, or the first free one from 7860.
        share: make a public link through gradio's servers.
        mcp: offer the tabs' actions to language models as MCP tools; or GRADIO_MCP_SERVER=True.
        weights: folder or Hub id of colorizer weights to use in place of the bundled ones.
    """
    host = host or os.environ.get("GRADIO_SERVER_NAME") or LOCAL_HOSTS[0]
    alone = host in LOCAL_HOSTS and not share and "SPACE_ID" not in os.environ  # nobody else reaches the page
    limits = Limits.from_environment()
    sources = pinned_models() | ({"landscape_colorizer": weights} if weights else {})
    models = Models(sources, folders=alone, most=limits.models, ceiling=ceiling(limits.memory_megabytes))
    services = Services(models, limits)
    signal.signal(signal.SIGTERM, lambda *_: end(services))
    mcp = mcp or os.environ.get("GRADIO_MCP_SERVER", "").lower() == "true"
    demo = serve(services, host, port, share, mcp, open_studies())
    models.warm_up([name for name in METHODS if models.has_default(name)])
    demo.block_thread()  # until Ctrl-C
    end(services)


if __name__ == "__main__":
    tyro.cli(main)
