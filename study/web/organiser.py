"""The organiser's pages: what stands, the results so far, the files; behind a password."""

import io
import zipfile
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from study.catalogue import Catalogue, Study
from study.export.card import exclusion_rules
from study.export.files import FORMATS, export_files
from study.export.tables import read_tables
from study.plan import GOLD, REAL, Plan, Stimulus
from study.sessions import Sessions
from study.web.forms import PLATFORMS, Form
from study.web.organiser_gate import Gate, guarded, scheme_of
from study.web.organiser_numbers import REASONS, Numbers, Standing
from study.web.organiser_report import Reports
from study.web.rendering import link, page
from study.web.routes import SEE_OTHER

FAMILIES_A_PAGE = 24
_REPORTS = {"md": "text/markdown", "tex": "application/x-tex", "json": "application/json"}


def router(catalogue: Catalogue, sessions: Sessions, password: str, key: bytes) -> APIRouter:
    """All routes, below /organiser.

    Args:
        password: of at least 12 characters.
        key: of the marks in cookies and forms.

    Raises:
        StudyError: a shorter password.
    """
    return Organiser(catalogue, Gate(password, key)).router()


class Organiser:
    """The pages. Endpoints are plain functions, so that what takes time runs in the thread pool."""

    def __init__(self, catalogue: Catalogue, gate: Gate):
        self.catalogue, self.gate = catalogue, gate
        self.numbers = Numbers(catalogue.database)
        self.reports = Reports(catalogue.database, self.numbers)

    def router(self) -> APIRouter:
        """All routes of this part."""
        router = APIRouter(prefix="/organiser", route_class=guarded(self.gate))
        pages = {
            "": self.organiser,
            "/{name}": self.organiser_study,
            "/{name}/results": self.organiser_results,
            "/{name}/pictures": self.organiser_pictures,
            "/{name}/log": self.organiser_log,
            "/{name}/plan.json": self.organiser_plan,
            "/{name}/plot/{table}.png": self.organiser_plot,
            "/{name}/picture/{key}.png": self.organiser_picture,
            "/{name}/report.{kind}": self.organiser_report,
            "/{name}/export/{form}.zip": self.organiser_export,
        }
        for path, endpoint in pages.items():
            router.add_api_route(path, endpoint, methods=["GET", "HEAD"])
        router.add_api_route("/{name}/state", self.organiser_set_state, methods=["POST"])
        router.add_api_route("/{name}/recruiting", self.organiser_set_recruiting, methods=["POST"])
        return router

    # Pages

    def organiser(self, request: Request) -> Response:
        """All studies."""
        return self._page(request, "organiser.html", standings=self.numbers.all())

    def organiser_study(self, request: Request, name: str) -> Response:
        """One study: numbers, invitations, settings, plan, files."""
        return self._study_page(request, self._standing(name))

    def organiser_results(self, request: Request, name: str) -> Response:
        """The analysis so far."""
        from study.analysis.plots import alt_text

        standing = self._standing(name)
        analysed = self.reports.of(name)
        drawn = {table.name for table in analysed.report.tables if has_plot(table.name) and table.rows}
        context = {"standing": standing, "analysed": analysed, "drawn": drawn, "alt_text": alt_text}
        return self._page(request, "organiser_results.html", **context)

    def organiser_pictures(self, request: Request, name: str) -> Response:
        """The pool: a line for each original, a column for each condition. `?page=` from 1."""
        standing, study = self._standing(name), self._study(name)
        families: dict[str, dict[str, list[Stimulus]]] = {}
        for stimulus in study.plan.pictures:
            families.setdefault(stimulus.family, {}).setdefault(stimulus.condition, []).append(stimulus)
        pages = max(1, -(-len(families) // FAMILIES_A_PAGE))
        asked = request.query_params.get("page", "1")
        number = min(max(int(asked), 1), pages) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
        shown = list(families.items())[(number - 1) * FAMILIES_A_PAGE : number * FAMILIES_A_PAGE]
        columns = {REAL: "Real", **{c.name: c.label for c in study.plan.conditions}, GOLD: "Gold"}
        used = {condition for _, pictures in shown for condition in pictures}
        columns = {name: label for name, label in columns.items() if name in used}
        context = {"standing": standing, "families": shown, "columns": columns, "number": number, "pages": pages}
        return self._page(request, "organiser_pictures.html", **context, total=len(families))

    def organiser_log(self, request: Request, name: str) -> Response:
        """What was refused."""
        standing = self._standing(name)
        context = {"standing": standing, "events": self.numbers.events(name), "reasons": REASONS}
        return self._page(request, "organiser_log.html", **context)

    # Files

    def organiser_plan(self, request: Request, name: str) -> Response:
        """The plan as it was fixed."""
        plan = self._standing(name).plan
        return _file((plan.to_json() + "\n").encode(), f"{_stem(plan)}-plan.json", "application/json")

    def organiser_plot(self, request: Request, name: str, table: str) -> Response:
        """A plot of the results."""
        self._standing(name)
        picture = self.reports.picture(name, table)
        if picture is None:
            raise HTTPException(404)
        return Response(picture, media_type="image/png")

    def organiser_picture(self, request: Request, name: str, key: str) -> Response:
        """A picture of the pool."""
        try:
            return Response(self._study(name).picture(key), media_type="image/png")
        except KeyError:
            raise HTTPException(404) from None

    def organiser_report(self, request: Request, name: str, kind: str) -> Response:
        """The results as Markdown, LaTeX or JSON."""
        plan = self._standing(name).plan
        if kind not in _REPORTS:
            raise HTTPException(404)
        report = self.reports.of(name).report
        text = {"md": report.to_markdown, "tex": report.to_latex, "json": report.to_json}[kind]()
        return _file(text.encode(), f"{_stem(plan)}-report.{kind}", _REPORTS[kind])

    def organiser_export(self, request: Request, name: str, form: str) -> Response:
        """The tables with plan, data dictionary and card, in one format or ("all") in all, as .zip."""
        self._standing(name)
        if form not in (*FORMATS, "all"):
            raise HTTPException(404)
        tables = read_tables(self.catalogue.database, name)
        files, stem = export_files(tables, FORMATS if form == "all" else (form,)), _stem(tables.plan)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file, content in files.items():
                archive.writestr(f"{stem}/{file}", content)
        return _file(packed.getvalue(), f"{stem}-{form}.zip", "application/zip")

    # Changes

    def organiser_set_state(self, request: Request, name: str, given: Form) -> Response:
        """Open or close a study."""
        self.gate.check_form(request, given)
        study = self._study(name)
        try:
            self.catalogue.set_state(study, given.get("state", ""))
        except ValueError as error:
            return self._study_page(request, self._standing(name), str(error))
        return RedirectResponse(link(request, "organiser_study", name=name), SEE_OTHER)

    def organiser_set_recruiting(self, request: Request, name: str, given: Form) -> Response:
        """Return link and completion code."""
        self.gate.check_form(request, given)
        study = self._study(name)
        try:
            self.catalogue.set_recruiting(study, given.get("return_link", ""), given.get("completion_code", ""))
        except ValueError as error:
            return self._study_page(request, self._standing(name), str(error), given)
        return RedirectResponse(link(request, "organiser_study", name=name) + "#recruiting", SEE_OTHER)

    def _study_page(
        self, request: Request, standing: Standing, error: str = "", given: dict[str, str] | None = None
    ) -> Response:
        """Args: error: why a form was not taken; given: what it held."""
        plan = standing.plan
        context = {
            "standing": standing,
            "error": error,
            "given": given or {"return_link": standing.return_link, "completion_code": standing.completion_code},
            "invitations": invitations(request, plan.name) if self._is_served(plan.name) else {},
            "rules": exclusion_rules(plan.exclusions, plan),
            "formats": (*FORMATS, "all"),
            "token": self.gate.form_token(),
        }
        return self._page(request, "organiser_study.html", status=422 if error else 200, **context)

    def _page(self, request: Request, template: str, **context: Any) -> Response:
        return page(request, template, allowed=("en",), is_served=self._is_served, **context)

    def _standing(self, name: str) -> Standing:
        try:
            return self.numbers.of(name)
        except ValueError:
            raise HTTPException(404) from None

    def _study(self, name: str) -> Study:
        """A study whose pictures are here; one that was imported has none."""
        try:
            return self.catalogue.get(name)
        except KeyError:
            raise HTTPException(404) from None

    def _is_served(self, name: str) -> bool:
        return name in self.catalogue.names()


def invitations(request: Request, name: str) -> dict[str, str]:
    """Addresses to send people to, by where they come from."""
    host = request.headers.get("x-forwarded-host", request.headers.get("host", "")).split(",")[0].strip()
    plain = f"{scheme_of(request)}://{host}" + link(request, "consent", name=name).partition("?")[0]
    prolific = "&".join(f"{one}={{{{%{one}%}}}}" for one in PLATFORMS["prolific"])
    mturk = urlencode({one: f"${{{one}}}" for one in PLATFORMS["mturk"]}, safe="${}")
    return {"anybody": plain, "prolific": f"{plain}?{prolific}", "mturk": f"{plain}?{mturk}"}


def has_plot(table: str) -> bool:
    """Whether the table called `table` has a plot."""
    from study.analysis.plots import alt_text

    try:
        return bool(alt_text(table))
    except StopIteration:
        return False


def _stem(plan: Plan) -> str:
    return f"{plan.name}-{plan.sha256[:12]}"


def _file(content: bytes, name: str, kind: str) -> Response:
    return Response(content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
