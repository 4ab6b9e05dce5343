"""An official's day in a browser: two persons, an indicator, a payment, the bank, the books."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from playwright.sync_api import Browser, expect

from ledger.postgres.embedded import EmbeddedPostgres
from tests.console.browser import AtConsole, chromium
from tests.console.built import needs_browser, needs_built, needs_tools
from tests.support.running_up import Running

pytestmark = [needs_browser, needs_built, needs_tools]

LEDGER = "440000000-2026"
PAYMENT = "SQ-2026-0001"
SCREENS = (
    "", "/indicators", "/indicators?by=agency", "/indicators/B1", "/apply?bgt_id=B1", "/review",
    "/review?tab=applied", "/review?tab=approved", "/payments", f"/payments/{PAYMENT}", "/books",
    "/journals?book=indicator", "/closing", "/closing?tab=statements&name=budget_execution",
    f"/audit?of=payment&number={PAYMENT}", "/audit?of=indicator&number=B1", "/audit?tab=history",
    "/audit?tab=refusals", "/system",
)  # fmt: skip
PICTURES = os.environ.get("GUOKU_SCREENSHOTS")  # a folder for what the docs show


@dataclass
class TwoPersons:
    """A running treasury with a maker and a checker at their browsers."""

    url: str
    browser: Browser
    maker: AtConsole
    checker: AtConsole
    maker_token: str
    checker_token: str


@pytest.fixture(scope="module")
def persons() -> Iterator[TwoPersons]:
    with TemporaryDirectory(prefix="guoku-console-") as directory:
        data = Path(directory).resolve() / "data"
        running = Running(data)
        try:
            printed = running.wait_until_ready().printed
            url = printed["api"]
            opened = httpx.post(
                f"{url}/v1/ledgers",
                json={"mof_div_code": "440000000", "fiscal_year": 2026, "name": "广东省 2026 年度"},
                headers={"Authorization": f"Bearer {printed['maker']}"},
                trust_env=False,
            )
            assert opened.status_code == 201, opened.text
            with chromium() as browser:
                maker, checker = (AtConsole(browser, url, LEDGER) for _ in range(2))
                yield TwoPersons(url, browser, maker, checker, printed["maker"], printed["checker"])
        finally:
            running.stop()
            if EmbeddedPostgres(data).postmaster_pid() is not None:
                with EmbeddedPostgres(data).own():
                    pass


def log_in(persons: TwoPersons) -> None:
    maker, checker = persons.maker, persons.checker
    maker.page.goto(f"{persons.url}/console/")
    maker.page.get_by_label("访问令牌").fill("gk_nobody")
    maker.page.keyboard.press("Enter")
    maker.sees("令牌无效、已到期或已吊销")
    assert maker.barriers() == []
    maker.log_in(persons.maker_token)
    checker.log_in(persons.checker_token)
    maker.page.reload()
    expect(maker.page.get_by_role("heading", name="您好")).to_be_visible()
    stored = "Object.keys(localStorage).concat(Object.keys(sessionStorage))"
    assert maker.page.evaluate(stored) == [], "no secret lies in the browser"
    assert maker.page.evaluate("document.cookie") == "", "no script reads the session"


def issue_an_indicator(persons: TwoPersons) -> None:
    maker, checker = persons.maker, persons.checker
    maker.open("/indicators")
    maker.press("下达指标")
    dialog = maker.page.get_by_role("dialog")
    maker.fill(
        bgt_id="B1",
        agency_code="101001",
        pro_code="440000260000000000001",
        exp_func_code="9999999",
        gov_bgt_eco_code="50201",
        dep_bgt_eco_code="30201",
        amount="1,000,000",
    )
    expect(dialog.get_by_text("壹佰万元整")).to_be_visible()
    maker.press("提交", within=dialog)
    expect(dialog.locator("#about-exp_func_code")).to_contain_text("代码不在本年度")
    maker.fill(exp_func_code="2010102")
    maker.press("提交", within=dialog)
    maker.sees("已提交，等待 国库审核 审核")
    expect(dialog).to_be_hidden()

    checker.open("")
    checker.sees("待审文件")
    checker.open("/review")
    checker.page.get_by_label("选择 B1").check()
    checker.press("批量通过")
    checker.sees("1 项成功，0 项被拒绝")
    checker.open("/indicators")
    checker.sees("1,000,000.00")


def pay(persons: TwoPersons) -> None:
    maker, checker = persons.maker, persons.checker
    maker.open("/apply?bgt_id=B1")
    maker.sees("一般行政管理事务")
    maker.fill(
        pay_app_no=PAYMENT,
        pay_amt="1,000,000.01",
        use_des="办公用品",
        payee_acct_name="广州样例科技有限公司",
        payee_acct_no="6222000000000000001",
        payee_acct_bank_name="样例银行广州分行",
    )
    maker.sees("金额超过指标可用余额")
    maker.press("预检")
    expect(maker.page.locator("#about-pay_amt")).to_contain_text("指标可用余额不足")
    expect(maker.page.locator("#about-pay_amt")).to_contain_text("1,000,000.00")
    expect(maker.page.locator("#field-pay_amt")).to_be_focused()
    maker.fill(pay_amt="1680.32")
    maker.sees("壹仟陆佰捌拾元叁角贰分")
    maker.press("提交申请")
    maker.sees(f"申请 {PAYMENT} 已提交")

    maker.open(f"/payments/{PAYMENT}")
    maker.sees("等待审核")
    expect(maker.page.get_by_role("button", name="审核通过")).to_have_count(0)

    checker.open("/review?tab=applied")
    checker.page.get_by_label("全选").check()
    checker.sees("合计 1,680.32 元")
    checker.press("批量通过")
    checker.sees("1 项成功，0 项被拒绝")
    checker.open(f"/payments/{PAYMENT}")
    checker.press("以“国库签章”签章")
    expect(checker.page.locator(".voucher-head .mark")).to_have_text("已支付")
    checker.sees("银行业务号")


@pytest.fixture(scope="module")
def day(persons: TwoPersons) -> TwoPersons:
    """Both are logged in, an indicator is issued, and a payment of it is paid."""
    log_in(persons)
    issue_an_indicator(persons)
    pay(persons)
    return persons


def test_the_books_have_it_and_every_figure_leads_to_its_entries(day: TwoPersons) -> None:
    checker = day.checker
    checker.open("/books?book=indicator")
    checker.sees("借贷平衡")
    row = checker.page.get_by_role("row").filter(has_text="支付").filter(has_text="贷").last
    row.get_by_role("link", name="1,680.32").last.click()
    checker.sees("会计分录")
    checker.page.get_by_role("link", name=PAYMENT).first.click()
    expect(checker.page.locator(".voucher-head")).to_contain_text("壹仟陆佰捌拾元叁角贰分")
    checker.open("/closing?tab=statements&name=budget_execution")
    checker.page.get_by_role("button", name="1,680.32").last.click()
    checker.sees("的构成")
    expect(checker.page.get_by_role("link", name=PAYMENT)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_screen_is_for_everybody(day: TwoPersons, scheme: str) -> None:
    """Nothing serious or critical by axe, in either light."""
    checker = day.checker
    checker.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    found = {}
    for screen in SCREENS:
        checker.open(screen)
        if barriers := checker.barriers():
            found[screen] = barriers
        if PICTURES and scheme == "light":
            name = screen.strip("/").replace("?", "-").replace("/", "-") or "workbench"
            checker.picture(Path(PICTURES) / f"{name}.png")
    assert found == {}


def test_in_english_and_by_keyboard_alone(day: TwoPersons) -> None:
    maker = day.maker
    maker.open("")
    maker.page.get_by_label("语言").select_option("en")
    maker.sees("Execution rate")
    maker.page.get_by_role("link", name="Payments", exact=True).focus()
    maker.page.keyboard.press("Enter")
    expect(maker.page.get_by_role("heading", name="Payments")).to_be_visible()
    maker.open("/payments/none")
    maker.sees("No such payment")
    expect(maker.page.get_by_role("button", name="Try again")).to_be_visible()
    maker.page.get_by_label("Language").select_option("zh")
    maker.sees("没有这笔支付")


def test_groups_of_indicators_are_opened_by_keyboard(day: TwoPersons) -> None:
    checker = day.checker
    checker.open("/indicators?by=agency")
    group = checker.page.get_by_role("button", name="101001").first
    expect(group).to_have_attribute("aria-expanded", "false")
    group.focus()
    checker.page.keyboard.press("Enter")
    expect(group).to_have_attribute("aria-expanded", "true")
    expect(checker.page.get_by_role("link", name="B1", exact=True)).to_be_visible()
    assert checker.barriers() == []


def test_leaving_ends_the_session(persons: TwoPersons) -> None:
    leaver = AtConsole(persons.browser, persons.url, LEDGER)
    leaver.log_in(persons.maker_token)
    kept = {each["name"]: each["value"] for each in leaver.context.cookies()}
    assert set(kept) == {"guoku_session"}
    leaver.press("退出")
    expect(leaver.page.get_by_role("heading", name="登录")).to_be_visible()
    answer = httpx.get(f"{persons.url}/v1/ledgers", cookies=kept, trust_env=False)
    assert answer.status_code == 401
    leaver.page.goto(f"{persons.url}/console/#/{LEDGER}/payments")
    expect(leaver.page.get_by_label("访问令牌")).to_be_visible()


def test_nothing_was_against_the_policy_or_from_elsewhere(day: TwoPersons) -> None:
    for person in (day.maker, day.checker):
        person.require_clean()
        assert len(person.asked) > 50, "requests are seen"
