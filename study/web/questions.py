"""A session's pages, in the order people see them. Answers that are over lead on, never back."""

import math
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from study.catalogue import Catalogue
from study.places import GRACE_SECONDS, Asked, Background, Finished
from study.plan import Plan
from study.sessions import Feedback, Sessions
from study.web.forms import Form
from study.web.refusals import wants_json
from study.web.rendering import language_of, link, study_page
from study.web.routes import SEE_OTHER, show, study_of
from study.web.texts import say


class Questions:
    """Pages inside a session; `access`, its token, is part of every address."""

    def __init__(self, catalogue: Catalogue, sessions: Sessions):
        self.catalogue, self.sessions = catalogue, sessions

    def router(self) -> APIRouter:
        """All routes of this part."""
        router = APIRouter(prefix="/take/{name}/{access}")
        show(router, "", self.session)
        show(router, "/welcome", self.welcome)
        show(router, "/practice/{index}", self.practice)
        show(router, "/picture/{index}/{position}", self.picture)
        router.add_api_route("/background", self.background, methods=["POST"])
        router.add_api_route("/answer/{index}", self.answer, methods=["POST"])
        return router

    def session(self, request: Request, name: str, access: str) -> Response:
        """What the person is at: background questions, a question, or the end."""
        study = study_of(self.catalogue, name)
        place = self.sessions.place(study, access)
        common = {"language": place.language, "access": access}
        if isinstance(place, Background):
            return study_page(request, "background.html", study.plan, **common)
        if isinstance(place, Finished):
            person = self.sessions.person(study, access)
            result = result_of(place)
            return study_page(request, "end.html", study.plan, place=place, person=person, result=result, **common)
        return study_page(request, "question.html", study.plan, **common, **_asked(study.plan, place))

    def welcome(self, request: Request, name: str, access: str) -> Response:
        """After the consent: the withdrawal code, and how it goes. Starts no clock, so it may be read in peace."""
        study = study_of(self.catalogue, name)
        person = self.sessions.person(study, access)
        context = {"language": person.language, "access": access, "person": person}
        return study_page(request, "welcome.html", study.plan, **context)

    def background(self, request: Request, name: str, access: str, given: Form) -> Response:
        """Store the answers to the background questions."""
        self.sessions.background(study_of(self.catalogue, name), access, given)
        return _on(request, link(request, "session", name=name, access=access))

    def answer(self, request: Request, name: str, access: str, index: int, given: Form) -> Response:
        """Store an answer; after practice the person is told what it was worth."""
        study = study_of(self.catalogue, name)
        self.sessions.answer(study, access, index, given)
        onwards = link(request, "session", name=name, access=access)
        if index >= study.plan.practice:
            return _on(request, onwards)
        if not wants_json(request):
            return _on(request, link(request, "practice", name=name, access=access, index=index))
        feedback = self.sessions.feedback(study, access, index)
        language = language_of(request, study.plan.languages, self.sessions.person(study, access).language)
        words = [say(language, key, right=feedback.right) for key in verdict(study.plan, feedback)]
        told = {"right": feedback.right, "correct": feedback.correct, "words": words}
        return JSONResponse({"next": onwards, "feedback": told})

    def practice(self, request: Request, name: str, access: str, index: int) -> Response:
        """What the answer to a practice question was worth, for browsers without JavaScript."""
        study = study_of(self.catalogue, name)
        feedback = self.sessions.feedback(study, access, index)
        language = self.sessions.person(study, access).language
        context = {"keys": verdict(study.plan, feedback), "feedback": feedback, "access": access, "language": language}
        return study_page(request, "feedback.html", study.plan, **context)

    def picture(self, request: Request, name: str, access: str, index: int, position: int) -> Response:
        """One picture of the question the person is at."""
        png = self.sessions.picture(study_of(self.catalogue, name), access, index, position)
        return Response(png, media_type="image/png")


def _on(request: Request, path: str) -> Response:
    """To the next page: a script is told where, and goes there once it knows that the answer is stored."""
    return JSONResponse({"next": path}) if wants_json(request) else RedirectResponse(path, SEE_OTHER)


def _asked(plan: Plan, place: Asked) -> dict[str, Any]:
    """What the question's page needs. It names no condition and no picture."""
    over = None if place.seconds_left is None else math.ceil(place.seconds_left + GRACE_SECONDS) + 1
    return {"place": place, "size": plan.size, "over": over}


def verdict(plan: Plan, feedback: Feedback) -> tuple[str, str]:
    """Keys of the two sentences that follow a practice question, which is of the first block's kind."""
    kind = plan.blocks[0].kind
    ending = f"_{feedback.right}" if kind == "is_real" else ""
    return ("feedback_right" if feedback.correct else "feedback_wrong"), f"feedback_{kind}{ending}"


def result_of(place: Finished) -> dict[str, Any] | None:
    """A person's own result beside chance, in per cent and as a key of words; None where nothing was answered.

    "within" means less than two standard deviations of a binomial at chance away.
    """
    if not place.asked:
        return None
    chance = place.expected / place.asked
    away = (place.right - place.expected) / math.sqrt(place.asked * chance * (1 - chance))
    words = "end_within" if abs(away) < 2 else "end_better" if away > 0 else "end_worse"
    return {
        "words": words,
        "own": round(100 * place.right / place.asked),
        "chance": round(100 * chance),
        "expected": f"{round(place.expected, 1):g}",
    }
