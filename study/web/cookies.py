"""A browser's memory of its session: opening the study's address again goes on at the same place."""

import hmac

from fastapi import Request
from fastapi.responses import Response

from study.identity import keyed_hash
from study.plan import Plan
from study.sessions import Recruit
from study.web.rendering import link

_NAME = "danqing-session"


def remember(
    request: Request, response: Response, plan: Plan, key: bytes, access: str, recruit: Recruit | None
) -> None:
    """Put the session's token into a cookie of this study, with a mark of who was sent by a recruiting platform."""
    value = f"{access}.{_mark(plan, key, recruit)}"
    _set(request, response, plan, value, round(plan.session_hours * 3600))


def forget(request: Request, response: Response, plan: Plan) -> None:
    """Delete the cookie."""
    _set(request, response, plan, "", 0)


def remembered(request: Request, plan: Plan, key: bytes, recruit: Recruit | None) -> str:
    """The token of this browser's session, "" if there is none.

    Where the address says who comes, only their own session counts: two people may share a computer.
    """
    access, _, mark = request.cookies.get(_NAME, "").partition(".")
    own = recruit is None or hmac.compare_digest(mark.encode(), _mark(plan, key, recruit).encode())
    return access if own else ""


def _mark(plan: Plan, key: bytes, recruit: Recruit | None) -> str:
    if recruit is None:
        return ""
    return keyed_hash(key, plan.sha256, f"cookie\0{recruit.platform}\0{recruit.participant}\0{recruit.session}")[:32]


def _set(request: Request, response: Response, plan: Plan, value: str, seconds: int) -> None:
    path = link(request, "consent", name=plan.name).partition("?")[0]
    parts = [f"{_NAME}={value}", f"Path={path}", f"Max-Age={seconds}", "HttpOnly"]
    encrypted = request.headers.get("x-forwarded-proto", request.url.scheme).split(",")[0].strip() == "https"
    # A frame of another site, as on a Space, keeps no Lax cookie. A partitioned one stays within that site.
    framed = request.headers.get("sec-fetch-dest") == "iframe"
    if encrypted and framed:
        parts += ["SameSite=None", "Secure", "Partitioned"]  # http.cookies knows the last only from Python 3.14
    else:
        parts += ["SameSite=Lax"] + ["Secure"] * encrypted
    response.headers.append("Set-Cookie", "; ".join(parts))
