"""Whether the app is well: /health, for containers, Spaces and whoever watches them."""

import os
import subprocess
import time
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ui import memory
from ui.services import Services

_ROOT = Path(__file__).resolve().parent.parent


def commit() -> str:
    """What runs here: DANQING_COMMIT, else the working tree's commit, else "unknown"."""
    if named := os.environ.get("DANQING_COMMIT", "").strip():
        return named[:40]
    try:
        done = subprocess.run(
            ["git", "-C", str(_ROOT), "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip() or "unknown"


def health_route(services: Services) -> Route:
    """GET /health: plain JSON, 503 once the app is closing. It names no person, file or foreign model."""
    start, version = time.monotonic(), commit()

    async def health(request: Request) -> JSONResponse:
        working, waiting = services.workers.counts()
        closing = services.workers.closing
        answer = {
            "status": "closing" if closing else "ok",
            "commit": version,
            "uptime_seconds": round(time.monotonic() - start),
            "models": services.models.loaded(),
            "working": working,
            "waiting": waiting,
            "memory_megabytes": memory.resident_bytes() // 1_000_000,
            "memory_limit_megabytes": memory.memory_limit() // 1_000_000,
        }
        return JSONResponse(answer, 503 if closing else 200, {"Cache-Control": "no-store"})

    return Route("/health", health)
