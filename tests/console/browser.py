"""A person at a browser: what the console shows him, and what the browser had to refuse it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.console.built import CHROMIUM, CONSOLE

WAIT_MS = 30_000
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_LISTEN = """
window.refusedByPolicy = [];
document.addEventListener('securitypolicyviolation', (event) =>
  window.refusedByPolicy.push(`${event.effectiveDirective} ${event.blockedURI}`));
"""
_AXE = """
async () => (await axe.run(document, { resultTypes: ['violations'] })).violations
  .filter((each) => ['serious', 'critical'].includes(each.impact))
  .map((each) => `${each.id}: ${each.nodes.map((node) => node.html).slice(0, 3)}`)
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser with a fresh profile."""
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@cache
def axe() -> str:
    return (CONSOLE / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


class AtConsole:
    """A person with a browser window of his own; ``ledger`` is the one that he works in."""

    def __init__(self, browser: Browser, url: str, ledger: str) -> None:
        self.url, self.ledger = url, ledger
        self.context: BrowserContext = browser.new_context(
            locale="zh-CN", viewport={"width": 1440, "height": 900}
        )
        self.context.set_default_timeout(WAIT_MS)
        self.context.add_init_script(_LISTEN)
        self.page: Page = self.context.new_page()
        self.asked: list[str] = []
        self.broken: list[str] = []
        self.refused: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.broken.append(str(error)))

    # ---- going somewhere

    def open(self, screen: str) -> None:
        """``screen`` is what stands behind the ledger in the address."""
        self.note_refusals()
        address = f"{self.url}/console/#/{self.ledger}{screen}"
        if self.page.url == address:
            self.page.reload()
        else:
            self.page.goto(address)
        expect(self.page.locator("h1")).to_be_visible()
        self.page.wait_for_load_state("networkidle")

    def log_in(self, token: str) -> None:
        self.page.goto(f"{self.url}/console/")
        self.page.get_by_label("访问令牌").fill(token)
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_role("heading", name=re.compile("您好"))).to_be_visible()

    # ---- what is there

    def sees(self, text: str) -> None:
        expect(self.page.get_by_text(text, exact=False).first).to_be_visible()

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.page.locator(f"#field-{name}").fill(value)

    def press(self, name: str, *, within: Locator | None = None) -> None:
        (within or self.page).get_by_role("button", name=name, exact=True).first.click()

    def picture(self, path: Path) -> None:
        self.page.screenshot(path=path, full_page=True)

    # ---- what must not be

    def note_refusals(self) -> None:
        if self.page.url.startswith(self.url):
            self.refused += self.page.evaluate("window.refusedByPolicy.splice(0)")

    def barriers(self) -> list[str]:
        """What axe finds on this screen that is serious or critical."""
        self.page.evaluate(axe())
        found: list[str] = self.page.evaluate(_AXE)
        return found

    def require_clean(self) -> None:
        """No script failed, nothing was against the policy, nothing came from another host."""
        self.note_refusals()
        assert (self.broken, self.refused) == ([], [])
        elsewhere = [url for url in self.asked if not url.startswith(self.url)]
        assert [url for url in elsewhere if not url.startswith("blob:")] == []
