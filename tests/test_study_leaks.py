"""Nothing but the pixels tells real from generated: a reader finds no mark, a classifier stays at chance.

The classifier takes part like a person: of each question's pictures it names the one that looks most generated to it,
going by everything that a browser gets beside the pixels. On pages with a leak made on purpose it must find it.
"""

import io
import re
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from fastapi.responses import Response
from PIL import Image, ImageFilter
from scipy.stats import binomtest
from starlette.testclient import TestClient

from study.assignment import assign
from study.catalogue import Study, StudyError
from study.plan import REAL, BackgroundQuestion, Block, Plan
from study.web import questions
from study_fixtures import Toy, marks, mounted, noise, toy_plan, toy_study
from study_visitors import Page

pytest_plugins = ("study_fixtures",)
MODELS = ("quokka-net", "wombat-net")
SIZE = (32, 32)
TIMES = 2  # that each picture is asked for: a single time is mostly noise
ALPHA = 1e-4  # of the test against chance: how often it fails for nothing


@dataclass
class Seen:
    """What came with one picture, and whether it was generated."""

    generated: bool
    facts: dict[str, float] = field(default_factory=dict)


def smooth_if_generated(number: int, condition: str, size: tuple[int, int]) -> Image.Image:
    """As models do: less grain than in the real ones."""
    picture = noise(number, condition, size)
    return picture if condition == REAL else picture.filter(ImageFilter.GaussianBlur(2))


def begun(client: TestClient) -> str:
    client.cookies.clear()
    return str(client.post("/study/take/toy", data={"consent": "yes"}).url).removesuffix("/welcome")


# ---- what can be observed


def chunks(png: bytes) -> Iterator[tuple[str, bytes]]:
    at = 8
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        yield name.decode("latin-1"), png[at + 8 : at + 8 + length]
        at += 12 + length


def observed(client: TestClient, html: str, number: int, source: str) -> tuple[bytes, dict[str, float]]:
    """A picture, and everything about it but its pixels: markup, place, headers, parts of the file, time."""
    replies, seconds = [], []
    for _ in range(TIMES):
        started = time.perf_counter()
        replies.append(client.get(source))
        seconds.append(time.perf_counter() - started)
    facts = {"place": number, f"place={number}": 1.0, "seconds": float(np.mean(seconds)), "fastest": min(seconds)}
    png = replies[0].content
    facts |= {"length": len(png), "status": replies[0].status_code}
    for reply in replies:
        for name, value in reply.headers.items():
            facts[f"header {name}"] = facts[f"header {name}={value}"] = 1.0
    for order, (name, data) in enumerate(chunks(png)):
        facts[f"chunk {name}"] = facts.get(f"chunk {name}", 0.0) + len(data)
        facts[f"chunk {order}={name} {len(data)}"] = 1.0
        if name != "IDAT":
            facts[f"data {name}={data.hex()}"] = 1.0
    markup = re.search(r"<li>(?:(?!<li>).)*" + re.escape(source) + r"\".*?</li>", html, re.S).group()
    for word in re.findall(r"[\w=/.-]+", markup):
        facts[f"word {word.rsplit('/', 1)[-1]}"] = 1.0
    return png, facts


def take_part(client: TestClient, toy: Toy) -> list[list[Seen]]:
    """One person's questions after practice, each the pictures in the order shown."""
    condition = {stimulus.key: stimulus.condition for stimulus in toy.plan.pictures}
    files = (toy.study.folder / "pictures").glob("*.png")
    by_pixels = {
        Image.open(file).tobytes(): condition[file.stem] for file in files
    }  # leaks change the bytes around them
    session, seen = begun(client), []
    while True:
        html = client.get(session).text
        page = Page(html)
        if "/answer/" not in page.action:
            return seen
        if not page.action.endswith("/answer/0"):
            came = [observed(client, html, i + 1, source) for i, source in enumerate(page.pictures)]
            for name in ("seconds", "fastest"):
                least = min(facts[name] for _, facts in came)
                for _, facts in came:
                    facts[name] -= least
            pixels = [Image.open(io.BytesIO(png)).tobytes() for png, _ in came]
            seen.append([Seen(by_pixels[own] != REAL, facts) for own, (_, facts) in zip(pixels, came, strict=True)])
        values = {name: options[0] for name, options in page.choices.items()}
        client.post(page.action, data=page.hidden | values)


# ---- the classifier


def table(questions_seen: list[list[Seen]], names: list[str]) -> np.ndarray:
    """(pictures, facts)."""
    rows = [[seen.facts.get(name, 0.0) for name in names] for question in questions_seen for seen in question]
    return np.array(rows, dtype=float)


def fit(questions_seen: list[list[Seen]]) -> Callable[[list[Seen]], np.ndarray]:
    """Logistic regression with a ridge, by Newton's method; returns a score for each picture of a question."""
    names = sorted({name for question in questions_seen for seen in question for name in seen.facts})
    x = table(questions_seen, names)
    y = np.array([seen.generated for question in questions_seen for seen in question], dtype=float)
    kept = x.std(axis=0) > 0
    middle, spread = x[:, kept].mean(axis=0), x[:, kept].std(axis=0)
    z = np.c_[np.ones(len(x)), (x[:, kept] - middle) / spread]
    weights = np.zeros(z.shape[1])
    ridge = np.eye(z.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(z @ weights, -30, 30)))
        hessian = (z * (p * (1 - p))[:, None]).T @ z + ridge
        weights -= np.linalg.solve(hessian, z.T @ (p - y) + ridge @ weights)
    return lambda question: (
        np.c_[np.ones(len(question)), (table([question], names)[:, kept] - middle) / spread] @ weights
    )


def found(people: list[list[list[Seen]]]) -> tuple[int, int]:
    """Train on half of the people; of the other half's questions, how many are answered right, and of how many."""
    half = len(people) // 2
    score = fit([question for person in people[:half] for question in person])
    held_out = [question for person in people[half:] for question in person]
    return sum(question[int(np.argmax(score(question)))].generated for question in held_out), len(held_out)


@contextmanager
def watched(folder: Path, people: int, count: int, **changes) -> Iterator[list[list[list[Seen]]]]:
    values = dict(families=4 * count + 3, conditions=MODELS, size=SIZE, blocks=(Block(count=count),)) | changes
    with toy_study(folder, f"sqlite:///{folder}.sqlite", draw=smooth_if_generated, **values) as toy:
        client = TestClient(mounted(toy))
        yield [take_part(client, toy) for _ in range(people)]


@pytest.mark.parametrize("number", [8, pytest.param(50, marks=pytest.mark.slow)])
def test_a_classifier_is_at_chance(number, tmp_path, lasting):
    with watched(tmp_path / "s", people=number, count=8, gold=1) as people:
        right, asked = found(people)
    assert asked == number // 2 * 9
    assert binomtest(right, asked, 0.25, "greater").pvalue > ALPHA, f"{right} of {asked}"


# ---- leaks on purpose: the same classifier finds them


def compressed(monkeypatch) -> None:
    """An ordinary PNG: smooth pictures are shorter."""

    def picture(self: Study, key: str) -> bytes:
        buffer = io.BytesIO()
        Image.open(self.folder / "pictures" / f"{key}.png").save(buffer, "PNG")
        return buffer.getvalue()

    monkeypatch.setattr(Study, "picture", picture)


def padded(monkeypatch) -> None:
    """Compressed and padded to one length in a chunk of its own: the length of the rest still tells."""

    def picture(self: Study, key: str) -> bytes:
        buffer = io.BytesIO()
        Image.open(self.folder / "pictures" / f"{key}.png").save(buffer, "PNG")
        png, room = buffer.getvalue(), 6000 - len(buffer.getvalue())
        return png[:-12] + struct.pack(">I4s", room, b"paDd") + bytes(room) + bytes(4) + png[-12:]

    monkeypatch.setattr(Study, "picture", picture)


def headed(monkeypatch) -> None:
    """A header as a cache in front of one of two folders would add it."""
    plain = Study.picture

    def picture(self: Study, key: str) -> bytes:
        headed.now = self.stimuli[key].condition
        return plain(self, key)

    def answer(*arguments, **options) -> Response:
        return Response(*arguments, **options, headers={"x-cache": "HIT" if headed.now == REAL else "MISS"})

    monkeypatch.setattr(Study, "picture", picture)
    monkeypatch.setattr(questions, "Response", answer)


def slow(monkeypatch) -> None:
    """Generated pictures take a little longer."""
    plain = Study.picture

    def picture(self: Study, key: str) -> bytes:
        if self.stimuli[key].condition != REAL:
            time.sleep(0.02)
        return plain(self, key)

    monkeypatch.setattr(Study, "picture", picture)


def sorted_by_kind(monkeypatch) -> None:
    """The generated picture always comes first."""

    def first(plan: Plan, number: int):
        return tuple(
            replace(one, pictures=(one.item, *(key for key in one.pictures if key != one.item)), right="1")
            for one in assign(plan, number)
        )

    monkeypatch.setattr("study.sessions.assign", first)


@pytest.mark.parametrize("leak", [compressed, padded, headed, slow, sorted_by_kind])
def test_the_classifier_finds_a_leak(leak, tmp_path, lasting, monkeypatch):
    leak(monkeypatch)
    with watched(tmp_path / "s", people=6, count=4) as people:
        right, asked = found(people)
    assert binomtest(right, asked, 0.25, "greater").pvalue < ALPHA, f"{right} of {asked}"


def test_pictures_of_different_lengths_are_not_served(tmp_path, lasting):
    """The commonest leak does not get as far as a browser."""

    def ordinary(image: Image.Image) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        return buffer.getvalue()

    with (
        pytest.raises(StudyError, match="differ in length"),
        toy_study(tmp_path / "s", f"sqlite:///{tmp_path}/s.sqlite", encoded=ordinary, draw=smooth_if_generated),
    ):
        pass


# ---- what practice and checks tell


def test_what_is_told_says_nothing_of_what_is_asked(tmp_path):
    """Practice says its answer, gold and instructed questions show it: the positions of the others do not follow.

    With 10 questions of 4 pictures two positions come up three times and two come up twice; who could tell which from
    the practice question would be right in 30 % without looking.
    """
    plan = toy_plan(tmp_path, families=44, blocks=(Block(count=10),), size=(16, 16), gold=1, instructed=1)
    everyone = [assign(plan, number) for number in range(160)]
    for role in ("practice", "gold", "instructed"):
        same = [
            one.right == next(other.right for other in own if other.role == role)
            for own in everyone
            for one in own
            if one.role == "question"
        ]
        assert binomtest(sum(same), len(same), 0.25).pvalue > 0.01, f"{role}: {np.mean(same):.3f}"


def test_practice_of_single_pictures_says_nothing_of_how_many_are_real(tmp_path):
    plan = toy_plan(tmp_path, families=44, blocks=(Block("is_real", 9, 1),), size=(16, 16), conditions=("m",))
    real = {"real": [], "generated": []}
    for number in range(200):
        first, *others = assign(plan, number)
        real[first.right].append(sum(one.right == "real" for one in others))
    assert abs(np.mean(real["real"]) - np.mean(real["generated"])) < 0.2  # it is 1 where both follow the number


# ---- a reader finds no mark


BACKGROUND = (BackgroundQuestion("age", {"en": "Age?", "zh": "年龄？"}, {"18": {"en": "18", "zh": "18"}}),)


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> Iterator[tuple[Plan, dict[str, list]]]:
    """Two people's whole sessions: every reply, as (address, headers and body without pixels), by kind of page."""
    folder = tmp_path_factory.mktemp("marks") / "s"
    changes = dict(gold=2, instructed=1, families=24, background=BACKGROUND, question_seconds=30, conditions=MODELS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("study.catalogue.ephemeral_reason", lambda url: None)
        with toy_study(folder, f"sqlite:///{folder}.sqlite", prefix="landscape-", **changes) as toy:
            replies: dict[str, list] = {"page": [], "picture": [], "question": [], "gold": [], "practice": []}
            client = TestClient(mounted(toy))
            for _ in range(2):
                listen(client, toy, replies)
            yield toy.plan, replies


def listen(client: TestClient, toy: Toy, replies: dict[str, list]) -> None:
    def note(kind: str, reply) -> None:
        for one in [*reply.history, reply]:
            head = "\n".join(f"{name}: {value}" for name, value in one.headers.multi_items())
            replies[kind].append((str(one.url), head, one.content))

    client.cookies.clear()
    note("page", client.get("/study/"))
    note("page", client.get("/study/take/toy"))
    note("page", begin := client.post("/study/take/toy", data={"consent": "yes"}))
    session = str(begin.url).removesuffix("/welcome")
    note("page", client.post(f"{session}/background", data={"age": "18"}))
    for name in ("study.css", "study.js", "icon.svg"):
        note("page", client.get(f"/study/static/{name}"))
    roles = [one.role for one in assign(toy.plan, len(replies["gold"]) // 2)]
    for index, role in enumerate(roles):
        reply = client.get(session)
        note(role if role in replies else "page", reply)
        page = Page(reply.text)
        for source in page.pictures:
            note("picture", client.get(source))
        values = {name: options[0] for name, options in page.choices.items()}
        headers = {"accept": "application/json"} if index % 2 else {}
        note("page", client.post(page.action, data=page.hidden | values, headers=headers))
        note("page", client.post(page.action, data={"key": "forged"}))
        note("page", client.get(f"{session}/picture/{index + 1}/0", headers={"accept": "application/json"}))
    note("page", client.get(session))
    assert "completion code" in client.get(session).text


def without_pixels(body: bytes) -> bytes:
    if not body.startswith(b"\x89PNG"):
        return body
    return b"".join(name.encode() + (b"" if name == "IDAT" else data) for name, data in chunks(body))


def test_no_mark_reaches_the_browser(everything):
    plan, replies = everything
    wanted = [mark.encode() for mark in marks(plan)]
    assert len(wanted) > 300
    for url, head, body in (reply for kind in replies.values() for reply in kind):
        received = url.encode() + b"\n" + head.encode() + b"\n" + without_pixels(body)
        assert not [mark for mark in wanted if mark in received], url


def test_pages_of_all_roles_and_conditions_are_one_page(everything):
    """But for the token, the key and the numbers a question's page is the same for all pictures, gold ones too."""
    _, replies = everything

    def masked(reply: tuple[str, str, bytes]) -> str:
        text = reply[2].decode()
        text = re.sub(r'name="key" value="\w{32}"', "KEY", text)
        text = re.sub(r"/take/toy/[\w-]{43}", "/SESSION", text)
        text = re.sub(r"/(answer|picture)/\d+", r"/\1", text)
        text = re.sub(
            r'\d+ of 7|value="\d+" aria-labelledby|data-left="[\d.]+"|data-next="\d+"|content="\d+"', "N", text
        )
        return re.sub(r"content-length: \d+", "", reply[1]) + re.sub(r"\d+ s left", "", text)

    pages = [masked(reply) for kind in ("question", "gold") for reply in replies[kind]]
    assert len(pages) == 2 * (4 + 2) and len(set(pages)) == 1
    assert not re.search(r"\b(gold|practice|right|correct|fake|condition|family|item|key=)", pages[0], re.I)


def test_all_pictures_come_alike(everything):
    """Headers, length, chunks: one and the same for all."""
    _, replies = everything
    heads = {head for _, head, _ in replies["picture"]}
    shapes = {tuple((name, len(data)) for name, data in chunks(body)) for _, _, body in replies["picture"]}
    assert len(replies["picture"]) == 2 * 4 * 7 and len(heads) == len(shapes) == 1
    assert [name for name, _ in shapes.pop()] == ["IHDR", "IDAT", "IEND"]
    assert sorted(line.split(":")[0] for line in heads.pop().splitlines()) == [
        "cache-control",
        "content-length",
        "content-security-policy",
        "content-type",
        "cross-origin-resource-policy",
        "permissions-policy",
        "referrer-policy",
        "x-content-type-options",
        "x-robots-tag",
    ]


def test_no_picture_is_asked_for_or_told_before_its_question(everything):
    """Neither a page nor a picture's address names anything of another question."""
    _, replies = everything
    for url, _, body in replies["question"] + replies["gold"]:
        page = Page(body.decode())
        index = int(page.action.rsplit("/", 1)[1])
        named = {int(found) for found in re.findall(r"/picture/(\d+)/", body.decode())}
        assert named == {index}, url
