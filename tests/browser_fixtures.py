"""A real browser for tests: `pytest_plugins = ("browser_fixtures",)`.

Test modules import `Visit` by name too, so PYTEST_DONT_REWRITE: pytest would warn about each.
"""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright import sync_api as playwright_api

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]
PATIENCE = 180_000  # ms: a busy machine is slow, not wrong


@pytest.fixture(scope="module")  # no longer: while it is open asyncio.run() refuses to work in this thread
def chromium() -> Iterator:
    """The browser; where there is none the tests are skipped, or fail under DANQING_REQUIRE_DATA=1."""
    if CHROMIUM is None:
        message = "No Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM to its path."
        if os.environ.get("DANQING_REQUIRE_DATA") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """One page with a record of what it asked for and complained about."""

    def __init__(self, browser, url: str, width: int, height: int, locale: str, **options):
        self.context = browser.new_context(viewport={"width": width, "height": height}, locale=locale, **options)
        self.page, self.errors, self.outside = self.context.new_page(), [], []
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._note)
        self.page.goto(url)

    def _note(self, request) -> None:
        if not request.url.startswith(("http://127.0.0.1", "data:", "blob:")):
            self.outside.append(request.url)

    def cut_off(self) -> list[str]:
        """Labels that do not fit where they stand."""
        return self.page.evaluate(
            """() => [...document.querySelectorAll("button, label, h1, p, span")]
            .filter(e => e.offsetParent && e.clientWidth > 1 && e.scrollWidth > e.clientWidth + 1 && e.innerText.trim()
                    && getComputedStyle(e).overflow !== "visible").map(e => e.innerText)"""
        )

    def is_clean(self) -> bool:
        assert not self.outside
        assert not self.errors
        return True
