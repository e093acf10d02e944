"""The app: one tab per method. `python app.py`, then open the address it prints."""

import atexit
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable

# Read by gradio and huggingface_hub when they are imported: no statistics, and a temporary folder nobody else reads.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
if "GRADIO_TEMP_DIR" not in os.environ:
    os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="danqing-")
    atexit.register(shutil.rmtree, os.environ["GRADIO_TEMP_DIR"], ignore_errors=True)

import gradio as gr
import tyro

from pipelines import METHODS, get_method
from ui import Limits, Models, Services
from ui.languages import label, translations
from ui.services import KEEP_SECONDS, SWEEP_SECONDS
from ui.theme import CSS, HEAD, theme
from ui.widgets import file_limit

LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")


def build(services: Services) -> gr.Blocks:
    """The whole page; in a tab that several methods share, each has a tab of its own, named by its text NAME_part."""
    tabs: dict[str, list[str]] = {}
    for name in METHODS:
        tabs.setdefault(get_method(name).tab_title, []).append(name)
    with gr.Blocks(title="丹青 Danqing", delete_cache=(SWEEP_SECONDS, KEEP_SECONDS), analytics_enabled=False) as demo:
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
    return demo.queue(max_size=services.limits.waiting, api_open=False)


def _parts(services: Services, names: list[str], builders: list[Callable[[Services], None]]) -> None:
    """Tabs inside a tab, one a method."""
    with gr.Tabs(elem_classes="parts"):
        for name, build_tab in zip(names, builders, strict=True):
            with gr.Tab(label(f"{name}_part"), id=name):
                build_tab(services)


def serve(services: Services, host: str = LOCAL_HOSTS[0], port: int | None = None, share: bool = False) -> gr.Blocks:
    """Build the page and start serving it in the background; `.local_url` says where."""
    services.limits.set_for_process()
    demo = build(services)
    demo.launch(
        server_name=host,
        server_port=port,
        share=share,
        prevent_thread_lock=True,
        ssr_mode=False,
        max_file_size=file_limit(services.limits),
        footer_links=["api"],
        i18n=translations(),
        theme=theme(),
        css=CSS,
        head=HEAD,
    )
    return demo


def main(host: str | None = None, port: int | None = None, share: bool = False, weights: str | None = None) -> None:
    """Serve the app until interrupted.

    Args:
        host: address to listen on; by default GRADIO_SERVER_NAME, or this computer only.
        port: by default GRADIO_SERVER_PORT, or the first free one from 7860.
        share: make a public link through gradio's servers.
        weights: folder or Hub id of colorizer weights to use in place of the bundled ones.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # an orderly end, which removes the temporary files
    host = host or os.environ.get("GRADIO_SERVER_NAME") or LOCAL_HOSTS[0]
    alone = host in LOCAL_HOSTS and not share and "SPACE_ID" not in os.environ  # nobody else reaches the page
    limits = Limits.from_environment()
    sources = {"landscape_colorizer": weights} if weights else {}
    services = Services(Models(sources, folders=alone, most=limits.models), limits)
    demo = serve(services, host, port, share)
    services.models.warm_up([name for name in METHODS if services.models.has_default(name)])
    demo.block_thread()


if __name__ == "__main__":
    tyro.cli(main)
