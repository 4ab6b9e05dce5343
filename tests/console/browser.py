"""A person at a browser: what the console shows him, and what the browser had to refuse it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from api.sign_agent import AGENT_PORT
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
window.underWay = 0;
const fetched = window.fetch;
window.fetch = async (...asked) => {
  window.underWay += 1;
  try { return await fetched(...asked); } finally { window.underWay -= 1; }
};
"""
_SETTLED = """
() => new Promise((settled) => {
  const look = (quiet) => {
    const waits = window.underWay > 0 || document.querySelector('.awaited, .is-loading');
    if (quiet === 3) settled(); else setTimeout(look, 25, waits ? 0 : quiet + 1);
  };
  look(0);
})
"""
_AXE = """
async (only) => {
  const bounded = (each) => each.effect.getTiming().iterations !== Infinity;
  const moving = document.getAnimations().filter(bounded).map((each) => each.finished);
  await Promise.allSettled(moving);
  const asked = { resultTypes: ['violations'], ...(only ? { runOnly: [only] } : {}) };
  return (await axe.run(document, asked)).violations
    .filter((each) => ['serious', 'critical'].includes(each.impact))
    .map((each) => `${each.id}: ${each.nodes.map((node) => node.html).slice(0, 3)}`);
}
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
        if self.page.url.partition("?")[0] == address.partition("?")[0]:
            self.page.goto("about:blank")  # the same screen asked otherwise, and from its beginning
        self.page.evaluate("document.querySelector('h1')?.setAttribute('data-left', '')")
        self.page.goto(address)
        expect(self.page.locator("h1:not([data-left])")).to_be_visible()
        self.settle()

    def settle(self) -> None:
        """Waits until nothing is under way any more."""
        self.page.evaluate(_SETTLED)

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

    def paste(self, text: str) -> None:
        """Into what has the focus, as from a spreadsheet."""
        self.page.evaluate(
            """(text) => {
              const clipboardData = new DataTransfer()
              clipboardData.setData('text/plain', text)
              const said = { clipboardData, bubbles: true, cancelable: true }
              document.activeElement.dispatchEvent(new ClipboardEvent('paste', said))
            }""",
            text,
        )

    def upload(self, name: str, content: str) -> None:
        file = {"name": name, "mimeType": "text/csv", "buffer": content.encode("utf-8")}
        self.page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]

    def agree(self, number: str, queue: str = "/review") -> None:
        """Agrees to a document that somebody else has submitted."""
        self.open(queue)
        self.page.get_by_label(f"选择 {number}", exact=True).check()
        self.press("批量通过")
        self.sees("1 项成功，0 项被拒绝")

    def stored(self) -> list[str]:
        """Names of what lies in the browser's storage."""
        names: list[str] = self.page.evaluate(
            "Object.keys(localStorage).concat(Object.keys(sessionStorage))"
        )
        return names

    def submit(self) -> None:
        """What the dialog asks for; it closes when the act is on record."""
        dialog = self.page.get_by_role("dialog")
        self.press("提交", within=dialog)
        expect(dialog).to_be_hidden()

    def picture(self, path: Path) -> None:
        self.page.screenshot(path=path, full_page=True)

    # ---- what must not be

    def note_refusals(self) -> None:
        if self.page.url.startswith(self.url):
            self.refused += self.page.evaluate("window.refusedByPolicy.splice(0)")

    def barriers(self, only: str = "") -> list[str]:
        """What axe finds on this screen that is serious or critical, by all rules or one."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(axe())
        found: list[str] = self.page.evaluate(_AXE, only)
        return found

    def barriers_in_the_dark(self) -> list[str]:
        """The same where colours alone are others."""
        self.page.emulate_media(color_scheme="dark")
        try:
            return self.barriers("color-contrast")
        finally:
            self.page.emulate_media(color_scheme="light")

    def require_clean(self) -> None:
        """No script failed, nothing was against the policy, nothing came from another host."""
        self.note_refusals()
        assert (self.broken, self.refused) == ([], [])
        elsewhere = [url for url in self.asked if not url.startswith(self.url)]
        own = ("blob:", f"http://127.0.0.1:{AGENT_PORT}/")  # the agent at the person's own machine
        assert [url for url in elsewhere if not url.startswith(own)] == []
