"""What all routers share."""

from collections.abc import Callable

from fastapi import APIRouter
from starlette.exceptions import HTTPException

from study.catalogue import Catalogue, Study

SEE_OTHER = 303  # after a POST: what follows is asked for by GET, so that a reload sends nothing again


def show(router: APIRouter, path: str, endpoint: Callable) -> None:
    """A page: GET, and HEAD, which FastAPI does not add by itself."""
    router.add_api_route(path, endpoint, methods=["GET", "HEAD"])


def study_of(catalogue: Catalogue, name: str) -> Study:
    """The study called `name`; HTTPException 404 if there is none."""
    try:
        return catalogue.get(name)
    except KeyError:
        raise HTTPException(404) from None
