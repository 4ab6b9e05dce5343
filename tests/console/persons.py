"""A maker and a checker at their browsers, before one running treasury, and their first steps."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, expect

from ledger.postgres.embedded import EmbeddedPostgres
from tests.console.browser import AtConsole, chromium
from tests.support import asking
from tests.support.running_up import Running
from tests.support.waiting import wait_until

LEDGER = "440000000-2026"
PAYMENT = "SQ-2026-0001"


@dataclass
class TwoPersons:
    """A running treasury with a maker and a checker at their browsers."""

    url: str
    browser: Browser
    maker: AtConsole
    checker: AtConsole
    maker_token: str
    checker_token: str
    third_token: str  # of one who may do everything, and has made nothing

    def approved(self, pay_app_no: str, amount: str) -> None:
        """A payment of ``B1`` that waits for its signature, without the browser."""
        body = {
            "pay_app_no": pay_app_no,
            "bgt_id": "B1",
            "pay_amt": amount,
            "use_des": "办公用品",
            "payee_acct_name": "广州样例科技有限公司",
            "payee_acct_no": "6222000000000000001",
            "payee_acct_bank_name": "样例银行广州分行",
        }
        payments = f"ledgers/{LEDGER}/payments"
        self.post(payments, body, self.maker_token)
        self.post(f"{payments}/{pay_app_no}/approve", {}, self.checker_token)

    def approve_budget(self, draft_no: str) -> None:
        """By a third person: who made a draft does not make it the budget."""
        body = {"approve_doc_no": "粤人发〔2026〕1号", "approved_on": "2026-01-20"}
        asked = {**body, "draft_nos": [draft_no]}
        self.post(f"ledgers/{LEDGER}/budget-approvals", asked, self.third_token)

    def opened_below(self) -> str:
        """The ledger of a city, which the maker opens."""
        body = {"mof_div_code": "440100000", "fiscal_year": 2026, "name": "广州市 2026 年度"}
        return str(self.post("ledgers", body, self.maker_token)["ledger"])

    def post(self, path: str, body: dict[str, Any], token: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self.url}/v1/{path}"
        answer = asking.post(url, json=body, headers=headers)
        assert answer.is_success, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def arrived(self, ledger: str, document: str) -> None:
        """Waits until the program has brought a transfer to the ledger below."""
        url = f"{self.url}/v1/ledgers/{ledger}/transfers/received/{quote(document)}"
        headers = {"Authorization": f"Bearer {self.maker_token}"}
        wait_until(lambda: asking.get(url, headers=headers).is_success)


@contextmanager
def two_persons() -> Iterator[TwoPersons]:
    """One server, one browser; both have their windows and have not logged in yet."""
    with TemporaryDirectory(prefix="guoku-console-") as directory:
        data = Path(directory).resolve() / "data"
        running = Running(data)
        try:
            printed = running.wait_until_ready().printed
            url = printed["api"]
            opened = asking.post(
                f"{url}/v1/ledgers",
                json={"mof_div_code": "440000000", "fiscal_year": 2026, "name": "广东省 2026 年度"},
                headers={"Authorization": f"Bearer {printed['maker']}"},
            )
            assert opened.status_code == 201, opened.text
            with chromium() as browser:
                maker, checker = (AtConsole(browser, url, LEDGER) for _ in range(2))
                tokens = [printed[name] for name in ("maker", "checker", "token")]
                yield TwoPersons(url, browser, maker, checker, *tokens)
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
    assert maker.stored() == [], "no secret lies in the browser"
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
    checker.agree("B1")
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
