"""What a browser gets when something was not possible: a page with a sentence and a way on, or the same as JSON."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from study.plan import LANGUAGES
from study.sessions import Refused, Sessions
from study.web.headers import HEADERS, NO_STORE
from study.web.rendering import language_of, link, page
from study.web.texts import say

LOG = logging.getLogger("study")
STATUS = {
    "malformed": 422,
    "forged": 403,
    "unknown": 404,
    "changed": 409,
    "early": 409,
    "late": 409,
    "repeated": 409,
    "taken": 409,
    "closed": 410,
    "expired": 410,
}
_OVER = ("unknown", "expired", "closed", "taken")  # no session to go on with
_ERRORS = {404: "error_missing", 405: "error_method", 413: "error_large", 422: "refused_malformed"}


def wants_json(request: Request) -> bool:
    """Whether the page's script asks, which moves on by itself."""
    return "application/json" in request.headers.get("accept", "")


class Refusals:
    """Handlers of exceptions.

    Args:
        sessions: to answer in the language of the session, and to lead back to it.
    """

    def __init__(self, sessions: Sessions):
        self.sessions = sessions

    def install(self, application: FastAPI) -> None:
        """Answer every exception of `application` by a page."""
        application.add_exception_handler(Refused, self.on_refused)
        application.add_exception_handler(HTTPException, self.on_http)
        application.add_exception_handler(RequestValidationError, self.on_invalid)
        for busy in (OperationalError, InterfaceError, IntegrityError, PoolTimeout):
            application.add_exception_handler(busy, self.on_database)
        application.add_exception_handler(Exception, self.on_bug)

    def on_refused(self, request: Request, error: Any) -> Response:
        """A `Refused`."""
        return self._reply(request, STATUS[error.reason], f"refused_{error.reason}", error.reason)

    def on_http(self, request: Request, error: Any) -> Response:
        """An `HTTPException`: no such page, or a form that cannot be read. Headers such as Allow are kept."""
        key = _ERRORS.get(error.status_code, "error_unexpected")
        return self._reply(request, error.status_code, key, "malformed", headers=dict(error.headers or {}))

    def on_invalid(self, request: Request, error: Any) -> Response:
        """An address with a word where a number belongs."""
        return self._reply(request, 422, "refused_malformed", "malformed")

    def on_database(self, request: Request, error: Any) -> Response:
        """The database is busy or away: nothing was stored, and trying again is right. The log says more."""
        _log(request, error)
        return self._reply(request, 503, "error_busy", "busy", headers={"Retry-After": "2"}, look_up=False)

    def on_bug(self, request: Request, error: Any) -> Response:
        """Anything else. The server logs it; this answer is made outside the middleware, so it carries its headers."""
        headers = HEADERS | {"Cache-Control": NO_STORE}
        return self._reply(request, 500, "error_unexpected", "error", headers=headers, look_up=False)

    def _reply(
        self, request: Request, status: int, key: str, reason: str, headers: dict | None = None, look_up: bool = True
    ) -> Response:
        language, way_on = self._way_on(request, reason, look_up)
        if wants_json(request):
            message = say(language_of(request, session=language), key)
            return JSONResponse({"error": reason, "message": message, "next": way_on[1]}, status, headers)
        words = {"message": key, "way_on": way_on, "title_key": "refused_title"}
        return page(request, "refused.html", status=status, language=language, headers=headers, **words)

    def _way_on(self, request: Request, reason: str, look_up: bool) -> tuple[str, tuple[str, str]]:
        """Language of the session ("" if there is none), and where to go from here: a text's key and a path."""
        name, access = (request.path_params.get(part, "") for part in ("name", "access"))
        try:
            study = self.sessions.catalogue.get(name)
        except KeyError:
            return "", ("to_studies", link(request, "studies"))
        language = study.plan.languages[0] if set(study.plan.languages) != set(LANGUAGES) else ""
        if access and look_up and reason not in _OVER:
            try:
                language = self.sessions.person(study, access).language
            except Refused:
                access = ""
        if access and reason not in _OVER:
            return language, ("go_on", link(request, "session", name=name, access=access))
        return language, ("to_start", link(request, "consent", name=name))


def _log(request: Request, error: Exception) -> None:
    """Names the kind of error only: its text may hold what a person typed."""
    LOG.error("database: %s, at %s", type(error).__name__, request.scope["route"].path)
