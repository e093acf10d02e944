"""Who may see the organiser's pages: one password, guessed slowly, and forms that come from these pages only."""

import base64
import binascii
import hmac
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from study.catalogue import StudyError
from study.identity import keyed_hash
from study.web.rendering import page

SHORTEST_PASSWORD = 12
_COOKIE = "danqing-organiser"
_COOKIE_DAYS = 30
_DAY = 24 * 3600
_FRAMES = ("iframe", "frame", "embed", "object", "fencedframe")


class Turned(Exception):
    """A request that is turned away, with a sentence for a person."""

    def __init__(self, status: int, sentence: str, headers: Mapping[str, str] | None = None):
        super().__init__(sentence)
        self.status, self.sentence, self.headers = status, sentence, headers or {}


class Attempts:
    """Wrong passwords that may still be tried, by all the world together: no address is stored to tell people apart.

    Args:
        most: in a row.
        seconds: after which one more may be tried.
    """

    def __init__(self, most: int = 10, seconds: float = 5.0, clock: Callable[[], float] = time.monotonic):
        self._most, self._seconds, self._clock = most, seconds, clock
        self._left, self._at, self._lock = float(most), clock(), threading.Lock()

    def take(self) -> bool:
        """Take one, if there is one."""
        with self._lock:
            now = self._clock()
            self._left = min(self._most, self._left + (now - self._at) / self._seconds)
            self._at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def give_back(self) -> None:
        """The password was right."""
        with self._lock:
            self._left = min(self._most, self._left + 1)


class Gate:
    """Lets requests with the password through (HTTP Basic, any user name).

    While others use up the attempts, a browser that has shown the right password before still gets in: it has a cookie
    that says so. The cookie alone opens nothing.

    Args:
        password: of at least `SHORTEST_PASSWORD` characters.
        key: of the cookie's and the forms' marks.

    Raises:
        StudyError: a shorter password.
    """

    def __init__(self, password: str, key: bytes, attempts: Attempts | None = None):
        if len(password) < SHORTEST_PASSWORD:
            raise StudyError(
                f"The organiser's password has {len(password)} characters; {SHORTEST_PASSWORD} are the fewest. Set "
                "DANQING_ORGANISER_PASSWORD to a longer one, or to nothing for no organiser's pages."
            )
        self._password, self._key, self._attempts = password, key, attempts or Attempts()

    def check(self, request: Request) -> None:
        """Raises Turned: 401 without the password, 429 where too many wrong ones came before, 403 inside a frame.

        Participants' pages may be framed, by a Space for one; here a page around ours could lead a click to "Close".
        """
        if request.headers.get("sec-fetch-dest") in _FRAMES:
            raise Turned(
                403, "The organiser's pages are not shown inside another page. Open them in a tab of their own."
            )
        given = _password_of(request)
        if given is None:
            raise _unauthorised("The organiser's pages need a password.")
        known = self._is_known(request)
        if not known and not self._attempts.take():
            raise Turned(429, "Too many wrong passwords. Wait a minute, then try again.", {"Retry-After": "60"})
        # Hashes of equal length: comparing takes as long for any password.
        if not hmac.compare_digest(self._mark("password", given), self._mark("password", self._password)):
            raise _unauthorised("This is not the password.")
        if not known:
            self._attempts.give_back()

    def remember(self, request: Request, response: Response) -> None:
        """Tell the browser that it has shown the password."""
        if self._is_known(request):
            return
        response.set_cookie(
            _COOKIE,
            self._mark("browser", self._password),
            max_age=_COOKIE_DAYS * _DAY,
            path=request.scope.get("root_path", "") + "/organiser",
            secure=scheme_of(request) == "https",
            httponly=True,
            samesite="strict",
        )

    def form_token(self) -> str:
        """To be sent along with every form; good for one to two days."""
        return self._form_token(int(time.time() // _DAY))

    def check_form(self, request: Request, given: Mapping[str, str]) -> None:
        """Raises Turned for a form that was not sent from a page of ours."""
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "null")
        # Our own forms say "null" too where a browser sends no Sec-Fetch-Site: the pages are sent with no-referrer.
        foreign = site != "same-origin" if site else origin != "null" and urlsplit(origin).netloc != _host(request)
        day = int(time.time() // _DAY)
        good = [
            hmac.compare_digest(given.get("token", "").encode(), self._form_token(d).encode()) for d in (day, day - 1)
        ]
        if foreign or not any(good):
            raise Turned(
                403, "This form is too old, or was not sent from this page. Load the page again and send it anew."
            )

    def _is_known(self, request: Request) -> bool:
        given = request.cookies.get(_COOKIE, "")
        return hmac.compare_digest(given.encode(), self._mark("browser", self._password).encode())

    def _form_token(self, day: int) -> str:
        return self._mark(f"form {day}", self._password)

    def _mark(self, use: str, password: str) -> str:
        return keyed_hash(self._key, f"organiser {use}", password)


def guarded(gate: Gate) -> type[APIRoute]:
    """A class of routes that lead through `gate`; a `Turned` on the way is answered by a page."""

    class Guarded(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def handle_if_allowed(request: Request) -> Response:
                try:
                    gate.check(request)
                    response = await handle(request)
                except Turned as turned:
                    words = {"sentence": turned.sentence, "status": turned.status, "headers": turned.headers}
                    return page(request, "organiser_turned.html", allowed=("en",), **words)
                gate.remember(request, response)
                return response

            return handle_if_allowed

    return Guarded


def scheme_of(request: Request) -> str:
    """http or https, as the browser sees it."""
    return request.headers.get("x-forwarded-proto", request.url.scheme).split(",")[0].strip()


def _host(request: Request) -> str:
    return request.headers.get("x-forwarded-host", request.headers.get("host", "")).split(",")[0].strip()


def _unauthorised(sentence: str) -> Turned:
    return Turned(401, sentence, {"WWW-Authenticate": 'Basic realm="Studies: organiser", charset="UTF-8"'})


def _password_of(request: Request) -> str | None:
    """Of an Authorization header; None for none, "" for one that cannot be read. FastAPI's own reads ASCII only."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
