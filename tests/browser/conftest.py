"""A running Gongdan on a simulated clock, and people who sit in front of it in Chromium."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from engine.app import Gongdan
from engine.operations.worker import work_once
from engine.people.directory import DEMO_PASSWORD
from tests.clock import Clock
from web import create_app

PATIENCE = 40_000  #: milliseconds; two busy cores are slow, and waiting costs nothing when all goes well
expect.set_options(timeout=PATIENCE)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Quiet(WSGIRequestHandler):
    """Answers without a line in the log for each request."""

    def log(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Site:
    """A Gongdan that serves pages; time passes only by :meth:`pass_time`."""

    gongdan: Gongdan
    clock: Clock
    address: str
    server: BaseWSGIServer = field(repr=False)

    def pass_time(self, **span: float) -> None:
        """Let time pass (keywords of ``timedelta``) and the worker do what is due."""
        self.clock.advance(**span)
        self.work()

    def work(self) -> None:
        """What the embedded worker does, until there is nothing left to do now."""
        while work_once(self.gongdan, datetime.fromisoformat(self.clock.now)):
            pass


@dataclass
class Desk:
    """One person at one browser window."""

    site: Site
    page: Page
    name: str
    complaints: list[str]  #: what the browser's console complained about

    def open(self, path: str) -> Page:
        """Go to a page of the site."""
        self.page.goto(self.site.address + path)
        return self.page

    def press(self, name: str) -> None:
        """Press the button of that name (the first, where rows repeat it)."""
        self.page.wait_for_load_state("load")  # a person presses what stands still; its scripts are there
        self.page.get_by_role("button", name=name, exact=True).first.click()
        expect(self.page.locator("form[data-sending]")).to_have_count(0)  # the answer is here, or a refusal


@pytest.fixture
def site(shipped: Gongdan, clock: Clock) -> Iterator[Site]:
    """A site of its own for each test."""
    app = create_app(shipped, shipped.settings)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(shipped, clock, f"http://127.0.0.1:{server.server_port}", server)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for all tests of this process."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def sit(site: Site, browser: Browser) -> Iterator[Callable[..., Desk]]:
    """``sit("agent1")``: a signed-in person at a window of their own."""
    contexts: list[BrowserContext] = []

    def sit(
        name: str | None = "agent1",
        *,
        locale: str = "zh-Hans",
        theme: str = "light",
        scripts: bool = True,
        width: int = 1440,
        height: int = 900,
    ) -> Desk:
        context = browser.new_context(
            viewport={"width": width, "height": height}, java_script_enabled=scripts, locale="zh-CN"
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.add_cookies(
            [{"name": k, "value": v, "url": site.address} for k, v in (("locale", locale), ("theme", theme))]
        )
        page = context.new_page()
        desk = Desk(site, page, name or "", [])
        page.on("console", lambda m: desk.complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: desk.complaints.append(str(error)))
        if name is not None:
            desk.open("/sign-in")
            page.locator("input[name=name]:visible").fill(name)
            page.locator("input[name=password]:visible").fill(DEMO_PASSWORD)
            page.locator("button.primary").click()
            page.wait_for_url(site.address + "/")
        return desk

    yield sit
    for context in contexts:
        context.close()
