"""The way in and the way out: the list of studies, the consent, the withdrawal."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from study.catalogue import Catalogue, Study
from study.plan import Plan
from study.sessions import Recruit, Refused, Sessions
from study.web.cookies import forget, remember, remembered
from study.web.forms import NAMES, Form, is_preview, recruit_of, width_of
from study.web.rendering import language_of, link, page, study_page
from study.web.routes import SEE_OTHER, show, study_of

_SECONDS_A_QUESTION = 12  # for the length that the consent page tells


class Arrival:
    """Pages outside a session.

    Args:
        key: of the mark in the cookie.
    """

    def __init__(self, catalogue: Catalogue, sessions: Sessions, key: bytes):
        self.catalogue, self.sessions, self._key = catalogue, sessions, key

    def router(self) -> APIRouter:
        """All routes of this part."""
        router = APIRouter()
        show(router, "/", self.studies)
        show(router, "/take/{name}", self.consent)
        router.add_api_route("/take/{name}", self.begin, methods=["POST"])
        show(router, "/withdraw/{name}", self.withdrawal)
        router.add_api_route("/withdraw/{name}", self.withdraw, methods=["POST"])
        return router

    def studies(self, request: Request) -> Response:
        """The open studies, demonstrations last."""
        known = [self.catalogue.get(name) for name in self.catalogue.names()]
        plans = [study.plan for study in known if self.catalogue.state(study) == "open"]
        return page(request, "studies.html", title_key="studies", plans=plans, length=length)

    def consent(self, request: Request, name: str) -> Response:
        """What taking part means; a browser that is in a session of this study already goes on there.

        `?new=1` begins anew, for several people at one computer.
        """
        study = study_of(self.catalogue, name)
        values = dict(request.query_params)
        recruit = recruit_of(values)
        if "new" not in values and (access := self._own(request, study, recruit)):
            return RedirectResponse(link(request, "session", name=name, access=access), SEE_OTHER)
        if self.catalogue.state(study) != "open":
            raise Refused("closed")
        hidden = {key: values[key] for key in NAMES if recruit is not None and values.get(key)}
        context = {"hidden": hidden, "preview": is_preview(values), "length": length}
        response = study_page(request, "consent.html", study.plan, **context)
        if "new" in values:
            forget(request, response, study.plan)
        return response

    def begin(self, request: Request, name: str, given: Form) -> Response:
        """Enter the person; sent twice by one browser it enters them once."""
        study = study_of(self.catalogue, name)
        recruit = recruit_of(given)
        if given.get("consent") != "yes" or is_preview(given):
            raise Refused("malformed")
        access = self._own(request, study, recruit)
        if not access:
            language = language_of(request, study.plan.languages)
            access = self.sessions.begin(study, language, recruit, width_of(given)).access
        welcome = link(request, "welcome", name=name, access=access).partition("?")[0]  # the session knows its language
        response = RedirectResponse(welcome, SEE_OTHER)
        remember(request, response, study.plan, self._key, access, recruit)
        return response

    def _own(self, request: Request, study: Study, recruit: Recruit | None) -> str:
        """The token of the session that this browser is in, "" for none."""
        access = remembered(request, study.plan, self._key, recruit)
        try:
            return access if access and self.sessions.person(study, access) else ""
        except Refused:
            return ""

    def withdrawal(self, request: Request, name: str) -> Response:
        """The form that takes a withdrawal code."""
        return study_page(request, "withdraw.html", study_of(self.catalogue, name).plan, unknown=False)

    def withdraw(self, request: Request, name: str, given: Form) -> Response:
        """Delete the person whose code was given."""
        study = study_of(self.catalogue, name)
        try:
            self.sessions.withdraw(study, given.get("code", "")[:200])
        except Refused:
            return study_page(request, "withdraw.html", study.plan, unknown=True, status=404)
        response = study_page(request, "withdrawn.html", study.plan)
        forget(request, response, study.plan)
        return response


def length(plan: Plan) -> dict[str, int]:
    """Questions of one participant, and about how many minutes they take."""
    questions = sum(block.count for block in plan.blocks) + plan.gold + plan.instructed + plan.practice
    return {"questions": questions, "minutes": max(1, round(questions * _SECONDS_A_QUESTION / 60))}
