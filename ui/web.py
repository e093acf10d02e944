"""How the page is served: its guard, its health, and nothing that watches who comes."""

import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from ui import temporary
from ui.guard import Guard
from ui.health import health_route
from ui.job_log import set_up, write_line
from ui.services import KEEP_SECONDS, SWEEP_SECONDS, Services

DRAIN_SECONDS = 8  # for what runs when the app is told to end; a container's host waits ten


def served(services: Services, mcp: bool = False, routes: Sequence[BaseRoute] = ()) -> dict[str, Any]:
    """Arguments of `Blocks.launch` that all pages of this app have, whatever they look like.

    Args:
        mcp: offer the endpoints as tools.
        routes: further ones; they come before gradio's.
    """
    set_up()
    services.limits.set_for_process()
    temporary.keep_swept(SWEEP_SECONDS, KEEP_SECONDS)
    without = dict.fromkeys(("docs_url", "redoc_url", "openapi_url"))  # gradio's own API page is the one
    return {
        "prevent_thread_lock": True,
        "ssr_mode": False,
        "max_file_size": f"{services.limits.upload_megabytes}mb",
        "state_session_capacity": services.limits.sessions,
        "enable_monitoring": False,
        "run_history": False,  # it would keep people's pictures in their browsers
        "mcp_server": mcp,
        "app_kwargs": {
            "routes": [health_route(services), *routes],
            "middleware": [Middleware(Guard, services=services, mcp=mcp)],
            **without,
        },
    }


def end(services: Services) -> None:
    """An orderly end of the process: no more work is taken, what runs may finish, temporary files go.

    Threads of libraries that still run would abort the interpreter while it is taken down, so it is not.
    """
    finished = services.workers.close(DRAIN_SECONDS)
    write_line("end", outcome="done" if finished else "stopped")
    temporary.remove_own()
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)
