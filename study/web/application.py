"""The studies' pages as one ASGI application, mounted beside the Gradio app or served alone."""

import os

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from study.catalogue import Catalogue
from study.sessions import Sessions
from study.web.arrival import Arrival
from study.web.headers import SecurityHeaders
from study.web.questions import Questions
from study.web.refusals import Refusals
from study.web.rendering import STATIC


def build(catalogue: Catalogue, sessions: Sessions, organiser_password: str | None = None, *, key: bytes) -> FastAPI:
    """The application; its links work under any mount point and proxy prefix.

    Args:
        catalogue: the studies that can be taken part in.
        sessions: on the same database.
        organiser_password: opens the organiser's pages; without it there are none.
        key: secret of the cookies' marks, the same on every server of one database.
    """
    application = FastAPI(title="Studies", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    application.add_middleware(SecurityHeaders)
    Refusals(sessions).install(application)
    application.mount("/static", KeptFiles(directory=STATIC), name="static")
    application.include_router(Arrival(catalogue, sessions, key).router())
    application.include_router(Questions(catalogue, sessions).router())
    if organiser_password:
        from study.web import organiser

        application.include_router(organiser.router(catalogue, sessions, organiser_password, key))
    return application


class KeptFiles(StaticFiles):
    """Static files that browsers keep: their addresses change with their content."""

    def file_response(
        self, full_path: str | os.PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """As the base class, with a Cache-Control header."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
