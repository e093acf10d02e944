"""From a template and a request to a page: language, links that keep a proxy's prefix, static files."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from study.plan import LANGUAGES, Plan, Text
from study.web.texts import say

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
TAGS = {"en": "en", "zh": "zh-Hans"}  # for the lang attribute
NAMES = {"en": "English", "zh": "中文"}

ENVIRONMENT = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def language_of(request: Request, allowed: Sequence[str] = LANGUAGES, session: str = "") -> str:
    """The page's language, one of `allowed`: what the address asks for, else the session's, else the browser's."""
    for wanted in (request.query_params.get("lang", ""), session):
        if wanted in allowed:
            return wanted
    return _accepted(request.headers.get("accept-language", ""), allowed) or allowed[0]


def _accepted(header: str, allowed: Sequence[str]) -> str | None:
    """The first choice of an Accept-Language header, "zh-TW,zh;q=0.9,en;q=0.8", that is among `allowed`."""
    choices = []
    for place, part in enumerate(header[:500].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            choices.append((-float(weight or 1), place, tag.split("-")[0].lower()))
        except ValueError:
            continue
    return next((tag for weight, _, tag in sorted(choices) if tag in allowed and weight < 0), None)


def link(request: Request, route: str, **parameters: Any) -> str:
    """The path of a route as the browser knows it, mount point and proxy prefix included; keeps `?lang=`."""
    path = quote(request.scope.get("root_path", "") + str(request.app.url_path_for(route, **parameters)))
    asked = request.query_params.get("lang")
    return f"{path}?lang={asked}" if asked in LANGUAGES else path


def static(request: Request, name: str) -> str:
    """The path of a static file; its address changes with its content, so that browsers may keep it for good."""
    path = request.scope.get("root_path", "") + str(request.app.url_path_for("static", path=name))
    return f"{quote(path)}?v={_digest(name)}"


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def page(
    request: Request,
    template: str,
    *,
    language: str = "",
    allowed: Sequence[str] = LANGUAGES,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> HTMLResponse:
    """Render `template`.

    Args:
        language: of the session, if there is one.
        allowed: the languages of the study.
        context: what the template names beside the functions `t` (a text by key), `own` (a text of the plan), `link`
            and `static`.
    """
    chosen = language_of(request, allowed, language)
    others = [one for one in allowed if one != chosen and request.method != "POST"]  # a POST cannot be asked for again
    values = {
        "language": chosen,
        "tag": TAGS[chosen],
        "others": [(_switch(request, one), TAGS[one], NAMES[one]) for one in others],
        "t": partial(say, chosen),
        "own": partial(own_text, chosen),
        "link": partial(link, request),
        "static": partial(static, request),
    }
    html = ENVIRONMENT.get_template(template).render(values | context)
    return HTMLResponse(html, status, headers)


def _switch(request: Request, language: str) -> str:
    """The same address in another language; what else the address asks for stays."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    return "?" + urlencode([*kept, ("lang", language)])


def own_text(language: str, text: Text) -> str:
    """A text of a plan in `language`, or in the first language that it has."""
    return text.get(language) or next(iter(text.values()), "")


def study_page(request: Request, template: str, plan: Plan, **values: Any) -> HTMLResponse:
    """A page of one study, in one of its languages."""
    return page(request, template, allowed=plan.languages, plan=plan, **values)
