"""Taking part in a browser: mouse, keyboard and touch, reload, lost connection, without JavaScript, accessibility."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI

from browser_fixtures import Visit
from study.catalogue import Catalogue, Study
from study.database import Database, now
from study.plan import BackgroundQuestion, Block
from study.sessions import Sessions
from study.tables import AnswerRow, ParticipantRow, ShownRow
from study.web.application import build
from study_fixtures import KEY, marks, toy_plan

pytest_plugins = ("browser_fixtures", "study_fixtures")
MODELS = ("quokka-net", "wombat-net")
BACKGROUND = (
    BackgroundQuestion(
        key="training",
        text={"en": "Have you had any training in art or design?", "zh": "您受过美术或设计方面的训练吗？"},
        options={"yes": {"en": "Yes", "zh": "是"}, "no": {"en": "No", "zh": "否"}},
    ),
    BackgroundQuestion(key="words", text={"en": "Anything else?", "zh": "还有什么想说的吗？"}),
)
STUDIES = {
    "full": dict(gold=1, instructed=1, background=BACKGROUND),
    "single": dict(blocks=(Block("is_real", 3, 1),), confidence=False, practice=0),
    "pair": dict(blocks=(Block("more_real", 3, 2),), practice=0),
    "timed": dict(blocks=(Block(count=2),), question_seconds=60, practice=0),
}


@dataclass(frozen=True)
class Served:
    """Studies on a server in this process."""

    address: str
    database: Database
    studies: dict[str, Study]

    def url(self, name: str, query: str = "") -> str:
        return f"{self.address}/take/{name}{query}"

    def latest(self, name: str) -> tuple[ParticipantRow, list[tuple[ShownRow, AnswerRow]]]:
        """The person who came last, and what they answered, in order."""
        with self.database.reading() as session:
            people = sa.select(ParticipantRow).where(ParticipantRow.study_id == self.studies[name].row)
            person = session.scalars(people.order_by(ParticipantRow.id.desc()).limit(1)).one()
            rows = sa.select(ShownRow, AnswerRow).join(AnswerRow).where(ShownRow.participant_id == person.id)
            return person, [tuple(row) for row in session.execute(rows.order_by(ShownRow.index))]


@contextmanager
def running(application) -> Iterator[str]:
    """Serve on a free port; yields the address."""
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("studies")
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("study.catalogue.ephemeral_reason", lambda url: None)
        for module in ("study.places", "study.web.questions"):
            patch.setattr(f"{module}.GRACE_SECONDS", 0.3)  # a test need not wait for slow lines
        database = Database(f"sqlite:///{folder}/s.sqlite")
        stack.callback(database.close)
        catalogue = Catalogue(database)
        for name, changes in STUDIES.items():
            toy_plan(folder, name, conditions=MODELS, prefix="landscape-", **changes)
        studies = {name: catalogue.open(folder / name) for name in STUDIES}
        outer = FastAPI()
        outer.mount("/study", build(catalogue, Sessions(catalogue, KEY), key=KEY))
        address = stack.enter_context(running(outer))
        yield Served(f"{address}/study", database, studies)


class Person(Visit):
    """Somebody who takes part."""

    def begin(self) -> None:
        self.page.check("[name=consent]")
        self.page.click("main button.primary")
        self.page.wait_for_url("**/welcome")
        self.page.click("main a.primary")
        self.page.wait_for_url(lambda url: not url.endswith("/welcome"))

    def question(self) -> int:
        """Wait until a question can be answered; its index."""
        form = self.page.wait_for_selector("form[data-question]:not(.waiting):not([data-sent]):has(.answers:enabled)")
        return int(form.get_attribute("action").split("?")[0].rsplit("/", 1)[1])

    def answer(self, choice: int = 0, sure: int = 3) -> None:
        """By mouse or finger."""
        press = self.page.tap if self.touch else self.page.click
        press(f"[data-answer] >> nth={choice}")
        if self.page.locator(".scale").count():
            press(f".scale label >> nth={sure - 1}")
            press(".send button")

    touch = False

    def do_as_told(self) -> None:
        """The answer that an instructed question names."""
        told = re.search("“(.+)”", self.page.inner_text("h1")).group(1)
        (self.page.tap if self.touch else self.page.click)(f".word:has-text('{told}')")

    def pictures(self) -> list[str]:
        """What is painted, in order, as a hash of the pixels."""
        return self.page.evaluate(
            """() => [...document.querySelectorAll(".pictures img")].map(image => {
                const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
                const context = canvas.getContext("2d");
                context.drawImage(image, 0, 0);
                return [...context.getImageData(0, 0, canvas.width, canvas.height).data]
                    .reduce((sum, value) => (sum * 31 + value) % 4294967291, 7).toString();
            })"""
        )

    def is_accessible(self) -> bool:
        """No finding of axe, WCAG and best practice, in light and dark."""
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            found = Axe().run(self.page).response["violations"]
            told = [(one["id"], one["help"], [node["html"][:200] for node in one["nodes"]]) for one in found]
            assert not told, f"{self.page.url}, {scheme}: {json.dumps(told, indent=1)}"
        return True

    def fits(self) -> bool:
        """Nothing is cut off or wider than the window."""
        width = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width[0] <= width[1], f"{self.page.url}: {width}"
        assert not self.cut_off()
        return True


@pytest.fixture
def person(chromium) -> Iterator:
    people = []

    def start(url: str, width: int = 1280, height: int = 800, locale: str = "en-US", **options) -> Person:
        people.append(Person(chromium, url, width, height, locale, **options))
        return people[-1]

    yield start
    for one in people:
        one.context.close()


def test_from_consent_to_code(person, served):
    """By mouse and keyboard, with a reload and the back button in the middle; every page passes axe."""
    desk = person(served.url("full"))
    page, bodies = desk.page, []
    page.on("response", lambda reply: bodies.append((reply.url, reply.headers, reply.status)))
    assert desk.is_accessible() and desk.fits()
    desk.begin()
    assert desk.is_accessible() and desk.fits()
    page.check("[name=training][value=no]")
    page.fill("[name=words]", "<b>none</b>")
    page.click("form button.primary")

    assert desk.question() == 0  # practice, by keyboard
    assert desk.is_accessible() and desk.fits()
    page.keyboard.press("2")
    page.keyboard.press("4")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-verdict]:not([hidden])")
    assert "generated one" in page.inner_text("[data-verdict]") and page.locator(".is-answer").count() == 1
    assert desk.is_accessible()
    page.keyboard.press("Enter")  # the way on has the focus

    assert desk.question() == 1
    desk.answer(2, 5)
    page.get_by_text("2 of 6").wait_for()
    assert desk.question() == 2
    before = desk.pictures()
    page.check("[name=answer][value='3']", force=True)
    page.reload()
    assert desk.question() == 2 and desk.pictures() == before
    assert not page.is_checked("[name=answer][value='3']")
    page.go_back()
    page.wait_for_url("**/welcome")  # no question has an entry of its own to go back to
    page.goto(served.url("full"))  # the study's address leads on, too
    assert desk.question() == 2 and desk.pictures() == before

    for _ in range(6):
        index = desk.question()
        if page.locator(".pictures").count():
            page.keyboard.press("ArrowRight")
            page.keyboard.press("ArrowRight")
            page.keyboard.press("Tab")
            for _ in range(12):  # past the buttons that enlarge
                if page.evaluate("document.activeElement.name") == "confidence":
                    break
                page.keyboard.press("Tab")
            page.keyboard.press("Space")
            page.keyboard.press("Enter")
        else:
            assert desk.is_accessible() and desk.fits()
            desk.do_as_told()
        page.wait_for_selector(f"main:not(:has(form[action$='/{index}']))")
        if page.locator(".box output").count():
            break
    assert desk.is_accessible() and desk.fits()
    participant, rows = served.latest("full")
    assert page.inner_text(".box output") == participant.code and participant.state == "finished"
    assert participant.background == {"training": "no", "words": "<b>none</b>"} and participant.width == 1280
    answers = {shown.index: (answer.answer, answer.confidence) for shown, answer in rows}
    assert len(rows) == 7 and answers[0] == ("2", 4) and answers[1] == ("3", 5)
    others = [answer for shown, answer in rows if shown.index > 1 and shown.role != "instructed"]
    assert [(one.answer, one.confidence) for one in others] == [("2", 1)] * 4
    assert all(answer.correct for shown, answer in rows if shown.role == "instructed")
    assert all(0 < answer.seconds <= answer.server_seconds for _, answer in rows)
    assert all(status < 400 for _, _, status in bodies)
    assert desk.is_clean()


def test_nothing_that_arrives_tells(person, served):
    """What the browser got, pixels aside; test_study_leaks reads the same without a browser, all of it."""
    desk = person("about:blank")
    page, received = desk.page, []
    page.on("response", lambda reply: received.append(reply))
    page.goto(served.url("full"))
    told = "".join(reply.text() for reply in received)  # page, style and script: bodies are gone after the next page
    desk.begin()
    page.click("form button.primary")
    for _ in range(3):
        index = desk.question()
        told += page.content()
        desk.answer(1, 1)
        page.wait_for_selector(f"[data-verdict]:not([hidden]), form:not([action$='/{index}'])[data-question]")
        if page.is_visible("[data-verdict]"):
            told += page.content() + next(reply.text() for reply in received if "/answer/" in reply.url)
            page.click("[data-verdict] a")
    desk.question()
    pictures = []
    for reply in received:
        headers = {name: value for name, value in reply.all_headers().items() if name != "date"}
        told += f"{reply.url} {headers}"
        if "/picture/" in reply.url:
            pictures.append((reply.request.resource_type, json.dumps(headers)))
    told += json.dumps(desk.context.cookies())
    told += page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert len(pictures) == 4 * 4 and len(set(pictures)) == 1  # each once, none beforehand
    assert not [mark for mark in marks(served.studies["full"].plan) if mark in told]


def test_an_answer_given_offline_is_stored_once(person, served):
    desk = person(served.url("pair"))
    desk.begin()
    assert desk.question() == 0
    desk.context.set_offline(True)
    desk.answer(0, 2)
    desk.page.get_by_text("Not saved yet, trying again.").wait_for()
    desk.page.wait_for_timeout(1500)
    assert not served.latest("pair")[1] and desk.page.locator(".answers:disabled").count()
    desk.context.set_offline(False)
    assert desk.question() == 1
    assert [(answer.answer, answer.confidence) for _, answer in served.latest("pair")[1]] == [("1", 2)]
    assert not desk.outside


def test_a_reply_that_is_lost_leads_to_no_second_answer(person, served):
    """The answer arrives, the confirmation does not: what is sent again bears the same key."""
    desk = person(served.url("pair"))
    desk.begin()
    desk.question()
    sent = []

    def lose_the_first(route) -> None:
        sent.append(route.request.post_data)
        if len(sent) == 1:
            route.fetch()
            route.abort()
        elif len(sent) == 2:
            route.fulfill(status=503, body="busy")
        else:
            route.continue_()

    desk.page.route("**/answer/*", lose_the_first)
    desk.answer(1, 4)
    assert desk.question() == 1
    assert len(sent) == 3 and len(set(sent)) == 1
    assert [(answer.answer, answer.confidence) for _, answer in served.latest("pair")[1]] == [("2", 4)]


def test_pictures_are_shown_together_and_the_clock_starts_then(person, served):
    desk = person(served.url("pair"))
    page, held = desk.page, []

    def hold(route) -> None:
        if route.request.url.endswith("/picture/0/1") and not held:
            route.abort()  # it does not arrive; the page asks again, which is held back
            held.append(None)
        elif route.request.url.endswith("/picture/0/1"):
            held.append(route)
        else:
            route.continue_()

    page.route("**/picture/**", hold)
    desk.begin()
    page.get_by_text("A picture did not arrive. Trying again.").wait_for()
    while len(held) < 2:
        page.wait_for_timeout(50)
    page.wait_for_timeout(1200)
    assert page.locator(".waiting .pictures").count() and page.locator(".answers:disabled").count()
    assert [page.locator(".pictures img").nth(i).is_visible() for i in (0, 1)] == [False, False]
    page.keyboard.press("1")
    assert not page.locator("[name=answer]:checked").count()
    held[1].continue_()
    desk.question()
    assert [page.locator(".pictures img").nth(i).is_visible() for i in (0, 1)] == [True, True]
    desk.answer(0, 1)
    assert desk.question() == 1
    answer = served.latest("pair")[1][0][1]
    assert answer.server_seconds - answer.seconds > 2  # what it took to load does not count as thinking


def test_on_a_chinese_phone_by_touch(person, served):
    options = dict(has_touch=True, is_mobile=True, color_scheme="dark")
    phone = person(served.url("full"), 390, 844, "zh-CN", **options)
    phone.touch = True
    page = phone.page
    assert page.get_attribute("html", "lang") == "zh-Hans"
    assert phone.is_accessible() and phone.fits()
    page.tap("[name=consent]")
    page.tap("main button.primary")
    page.wait_for_url("**/welcome")
    assert phone.is_accessible() and phone.fits()
    page.tap("main a.primary")
    page.wait_for_selector("textarea")
    assert phone.is_accessible() and phone.fits()
    page.tap("form button.primary")
    index = phone.question()
    boxes = [page.locator(".card").nth(i).bounding_box() for i in range(4)]
    assert boxes[0]["y"] == boxes[1]["y"] < boxes[2]["y"] == boxes[3]["y"] and boxes[0]["x"] == boxes[2]["x"]
    for target in ("[data-answer]", ".scale label", ".send button", "[data-enlarge]"):
        box = page.locator(target).first.bounding_box()
        assert box["width"] >= 44 and box["height"] >= 32, target
    button = page.locator(".send button").bounding_box()
    assert button["y"] + button["height"] <= 844  # a question is seen whole
    for _ in range(9):
        assert phone.fits()
        if not page.locator(".pictures").count():
            phone.do_as_told()
        else:
            phone.answer(3, 2)
        page.wait_for_selector(f"[data-verdict]:not([hidden]), main:not(:has(form[action$='/{index}']))")
        if page.is_visible("[data-verdict]"):
            page.tap("[data-verdict] a")
        page.wait_for_selector(f"main:not(:has(form[action$='/{index}']))")
        if page.locator(".box output").count():
            break
        index = phone.question()
    assert "谢谢您" in page.inner_text("h1")
    assert phone.is_accessible() and phone.fits() and phone.is_clean()
    assert page.inner_text(".box output") == served.latest("full")[0].code
    page.set_viewport_size({"width": 320, "height": 640})
    assert phone.fits()


def test_without_javascript(person, served):
    desk = person(served.url("full"), java_script_enabled=False)
    page = desk.page
    desk.begin()
    page.check("[name=training][value=yes]")
    page.click("form button.primary")
    for _ in range(9):
        page.wait_for_load_state()
        if page.locator(".box output").count():
            break
        if page.locator("form[data-question]").count() == 0:
            assert "Practice" in page.inner_text("h1")
            page.click("main a.primary")
            continue
        if page.locator(".pictures").count():
            page.click(".card >> nth=1")
            page.click(".scale label >> nth=2")
            page.click(".send button")
        else:
            desk.do_as_told()
    participant, rows = served.latest("full")
    assert page.inner_text(".box output") == participant.code
    assert len(rows) == 7 and all(answer.seconds is None for _, answer in rows)
    page.click("summary")
    page.click("button.danger")
    assert page.inner_text("h1") == "Deleted"
    assert served.latest("full")[0].id != participant.id


def test_letters_choose_and_can_be_switched_off(person, served):
    desk = person(served.url("single"))
    page = desk.page
    desk.begin()
    desk.question()
    page.click("[data-keys] button")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_timeout(200)
    assert desk.question() == 0
    page.click("[data-keys] button")
    page.locator("h1").click()
    page.keyboard.press("g")
    page.wait_for_selector("form[action$='/1']")
    desk.question()
    page.keyboard.press("r")
    page.wait_for_selector("form[action$='/2']")
    desk.question()
    page.keyboard.press("ArrowRight")  # a press that is meant, not one on the way
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector(".box output")
    assert [answer.answer for _, answer in served.latest("single")[1]] == ["generated", "real", "generated"]
    assert desk.is_clean()


def test_pictures_are_enlarged_by_button_and_by_holding(person, served):
    desk = person(served.url("pair"))
    page, asked = desk.page, []
    desk.begin()
    desk.question()
    page.on("request", lambda request: asked.append(request.url))
    page.focus("[aria-label='Enlarge picture 2']")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] canvas[aria-label='Picture 2 of 2']")
    assert desk.is_accessible()
    assert page.locator("dialog canvas").bounding_box()["height"] > 500
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog:not([open])", state="attached")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Enlarge picture 2"
    page.locator(".card img").first.hover()
    page.mouse.down()
    page.wait_for_selector("dialog[open] canvas[aria-label='Picture 1 of 2']")
    page.mouse.up()
    page.wait_for_selector("dialog:not([open])", state="attached")
    assert not page.locator("[name=answer]:checked").count() and not asked
    page.click(".card >> nth=0")
    assert page.locator("[name=answer]:checked").count() == 1
    assert desk.is_clean()


def test_what_is_missing_is_said(person, served):
    desk = person(served.url("pair"))
    desk.begin()
    desk.question()
    desk.page.click(".send button")
    desk.page.get_by_text("Choose an answer first.").wait_for()
    desk.page.keyboard.press("1")
    desk.page.keyboard.press("Enter")
    desk.page.get_by_text("Say how sure you are, too.").wait_for()
    assert not served.latest("pair")[1] and desk.is_accessible()


def test_another_windows_answer_is_not_overwritten(person, served):
    desk = person(served.url("pair"))
    desk.begin()
    desk.question()
    other = desk.context.new_page()
    other.goto(desk.page.url)
    other.wait_for_selector("form[data-question]:not(.waiting)")
    desk.answer(0, 1)
    assert desk.question() == 1
    other.click("[data-answer] >> nth=1")
    other.click(".scale label >> nth=1")
    other.click(".send button")
    other.get_by_text("the first answer counts").wait_for()
    other.click("text=Go on")
    other.wait_for_selector("form[action$='/1']")
    assert [answer.answer for _, answer in served.latest("pair")[1]] == ["1"]


def test_time_runs_out(person, served, monkeypatch):
    """The clocks of browser and server are put forward, so that nobody waits and a busy machine is in time."""
    late = [0.0]
    monkeypatch.setattr("study.sessions.now", lambda: now() + timedelta(seconds=late[0]))
    desk = person("about:blank")
    page = desk.page
    page.clock.install()
    page.goto(served.url("timed"))
    desk.begin()
    assert desk.question() == 0
    page.clock.fast_forward(40_000)
    page.locator(".timer", has_text=re.compile(r"^1\d s left$|^20 s left$")).wait_for()
    late[0] = 61
    page.clock.fast_forward(20_000)
    page.get_by_text("The time for this question is over.").wait_for()
    assert page.locator(".answers:disabled").count()
    page.clock.fast_forward(2_000)
    assert desk.question() == 1
    page.click("[data-answer] >> nth=1")
    page.click(".scale label >> nth=1")  # complete, but not sent: it is not lost
    page.clock.fast_forward(60_000)
    page.wait_for_selector(".box output")
    rows = served.latest("timed")[1]
    assert [(shown.index, answer.answer) for shown, answer in rows] == [(1, "2")]
    assert desk.is_clean()


def test_static_files_hold_no_comment_for_participants():
    """Comments reach every browser: they may explain the code, not the study."""
    static = Path(__file__).resolve().parent.parent / "study" / "web" / "static"
    words = "".join(file.read_text() for file in static.iterdir()).lower()
    assert not [word for word in ("gold", "attention check", "condition", "todo") if word in words]
