"""People who take part over HTTP, as a browser without JavaScript would, many at a time; and their server."""

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import aiohttp

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 120.0  # seconds a visitor goes on trying while the server is away


class Server:
    """`python -m study serve` in a process of its own; `start` again after `kill` listens at the same address."""

    def __init__(self, studies: Path, url: str):
        self.studies, self.url, self.port = studies, url, 0
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/study/"

    def start(self) -> None:
        command = [sys.executable, "-m", "study", "serve", "--port", str(self.port), "--studies", str(self.studies)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [*command, "--database", self.url], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        assert found, f"the server said {line!r}"
        self.port = int(found.group(1))

    def kill(self) -> None:
        """SIGKILL: nothing is tidied up."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process.stdout.close()
            self.process = None


class Page(HTMLParser):
    """The parts of a page that a visitor acts on."""

    def __init__(self, text: str):
        super().__init__()
        self.action, self.hidden, self.choices = "", {}, {}
        self.pictures: list[str] = []
        self.onwards, self.code = "", ""
        self._in_code = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        has = dict(attrs)
        name, value = has.get("name"), has.get("value", "")
        if tag == "form" and has.get("method") == "post" and not self.action:
            self.action = has["action"]
        elif tag == "input" and has.get("type") == "hidden" and name:
            self.hidden[name] = value
        elif (tag == "input" and has.get("type") in ("radio", "checkbox")) or (tag == "button" and name):
            self.choices.setdefault(name, []).append(value)
        elif tag == "img":
            self.pictures.append(has["src"])
        elif tag == "a" and "primary" in (has.get("class") or "") and not self.onwards:
            self.onwards = has["href"]
        elif tag == "output" and not self.code:
            self._in_code = True

    def handle_data(self, data: str) -> None:
        if self._in_code:
            self.code, self._in_code = data.strip(), False


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Visitor:
    """One person.

    Args:
        client: their browser.
        address: of the study's consent page.
        seed: of their answers and their pace.
        thinking: seconds on every page before going on from it, from and to.
        twice: send every answer twice at once, as an impatient person clicks.
    """

    client: aiohttp.ClientSession
    address: str
    seed: int
    thinking: tuple[float, float] = (0.0, 0.1)
    twice: bool = False
    acknowledged: dict[str, str] = field(default_factory=dict)  # idempotency key -> answer
    latencies: list[float] = field(default_factory=list)
    pictures: int = 0
    code: str = ""

    async def take_part(self) -> None:
        """From the consent to the code."""
        self.chance = random.Random(self.seed)
        await asyncio.sleep(self.chance.uniform(*self.thinking))
        page = await self._get(self.address)
        for _ in range(200):
            await asyncio.sleep(self.chance.uniform(*self.thinking))  # the consent and what follows are read as well
            if page.action and "/withdraw/" not in page.action:
                page = await self._fill_in(page)
            elif page.onwards and not self._finished(page):
                page = await self._get(urljoin(self.here, page.onwards))
            else:
                break
        assert self._finished(page), f"visitor {self.seed} got stuck at {self.here}"
        self.code = page.code

    def _finished(self, page: Page) -> bool:
        return bool(page.code) and "/welcome" not in self.here and not page.action.endswith("/begin")

    async def _fill_in(self, page: Page) -> Page:
        data = dict(page.hidden)
        for source in page.pictures:
            answer = await self._patiently("GET", urljoin(self.here, source))
            assert answer.status == 200 and answer.body[:4] == b"\x89PNG"
            self.pictures += 1
        data |= {name: self.chance.choice(values) for name, values in page.choices.items() if values}
        question = "/answer/" in page.action
        target = urljoin(self.here, page.action)
        started = time.perf_counter()
        sending = [self._patiently("POST", target, data=data) for _ in range(1 + (self.twice and question))]
        answers = await asyncio.gather(*sending)
        if question:
            self.latencies.append(time.perf_counter() - started)
            assert all(answer.status == 303 for answer in answers), answers[-1].body[:500]
            self.acknowledged[data["key"]] = data["answer"]
        return await self._get(urljoin(target, answers[0].headers["location"]))

    async def _get(self, address: str) -> Page:
        answer = await self._patiently("GET", address)
        while answer.status in (302, 303, 307):
            address = urljoin(address, answer.headers["location"])
            answer = await self._patiently("GET", address)
        assert answer.status == 200, f"{address}: {answer.status}"
        self.here = address
        return Page(answer.body.decode())

    async def _patiently(self, method: str, address: str, **options) -> Answer:
        """Until the server answers: what was sent before is sent again, as the page's script does."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                async with self.client.request(method, address, allow_redirects=False, **options) as answer:
                    return Answer(answer.status, answer.headers, await answer.read())
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError):
                if time.monotonic() > end:
                    raise
                await asyncio.sleep(0.2)


async def visit(address: str, people: int, **options) -> list[Visitor]:
    """Let `people` take part at once, each with cookies of their own; `options` of `Visitor`."""
    async with aiohttp.TCPConnector(limit=people) as lines:
        visitors = [Visitor(_browser(lines), address, seed, **options) for seed in range(people)]
        await asyncio.gather(*(one.take_part() for one in visitors))
    return visitors


def _browser(lines: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    """A browser with cookies of its own, kept for a bare address too."""
    return aiohttp.ClientSession(
        connector=lines,
        connector_owner=False,
        cookie_jar=aiohttp.CookieJar(unsafe=True),
        timeout=aiohttp.ClientTimeout(total=60),
    )
