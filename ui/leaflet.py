"""Leaflet, the library that shows big pictures tile by tile: its files, served from an installed package.

The package is django-leaflet, which carries the files of a Leaflet release; it is found, never imported. The page asks
for them when it first shows a picture.
"""

from importlib.util import find_spec
from pathlib import Path

from starlette.responses import FileResponse, Response
from starlette.routing import Route

FOLDER = "viewer"  # where the page finds them, below its own address
_TYPES = {"leaflet.js": "text/javascript", "leaflet.css": "text/css"}
_A_DAY = {"Cache-Control": "public, max-age=86400"}


def leaflet_folder() -> Path:
    """Where leaflet.js and leaflet.css lie; RuntimeError if the package is not installed."""
    spec = find_spec("leaflet")
    if spec is None or not spec.origin:
        raise RuntimeError("The viewer needs Leaflet: run `pip install django-leaflet`, which carries its files.")
    return Path(spec.origin).parent / "static" / "leaflet"


def leaflet_routes() -> list[Route]:
    """Routes for `launch(app_kwargs={"routes": ...})`: the two files, and nothing else of the package."""
    return [Route(f"/{FOLDER}/{name}", _sender(leaflet_folder() / name, kind)) for name, kind in _TYPES.items()]


def _sender(file: Path, kind: str):
    if not file.is_file():
        raise RuntimeError(f"The installed django-leaflet has no {file.name}; install the version in requirements.txt.")

    async def send(_) -> Response:
        return FileResponse(file, media_type=kind, headers=_A_DAY)

    return send
