"""An official's day in a browser: two persons, an indicator, a payment, the bank, the books."""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from api.sign_agent import AGENT_PORT
from api.sign_agent.agent import KeyHolder
from guoku_client import KeyFileSigner
from guoku_client.sm2 import new_key_file
from ledger.deciding.state import BEIJING
from tests.console.browser import AtConsole
from tests.console.built import needs_browser, needs_built, needs_tools
from tests.console.persons import (
    LEDGER,
    PAYMENT,
    TwoPersons,
    issue_an_indicator,
    log_in,
    pay,
    two_persons,
)
from tests.console.screens import (
    BEHIND_TABS,
    BY_AGENT,
    CLEARING,
    DRAFT,
    OWN_SIGNED,
    PROJECT,
    RUN,
    SCREENS,
    payees,
)
from tests.support import asking
from tests.support.signing_agent import OwnedDevice, RunningAgent, signing_agent

pytestmark = [needs_browser, needs_built, needs_tools]

PICTURES = os.environ.get("GUOKU_SCREENSHOTS")  # a folder for what the docs show


@pytest.fixture(scope="module")
def persons() -> Iterator[TwoPersons]:
    with two_persons() as both:
        yield both


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


def test_payments_are_found_by_many_conditions_exported_and_printed(day: TwoPersons) -> None:
    checker = day.checker
    checker.open("/payments?payee_acct_name=广州样例科技有限公司&min_amt=1680.32&sort=-pay_amt")
    checker.sees("共 1 笔，合计 1,680.32 元")
    with checker.page.expect_download() as file:
        checker.press("导出 CSV")
    head, row, end = file.value.path().read_text(encoding="utf-8-sig").split("\n")
    assert head.startswith("支付申请编号,")
    assert row.startswith(PAYMENT)
    assert ",1680.32," in row
    assert end == ""
    checker.page.locator("[name=max_amt]").fill("1,000")
    checker.press("查询")
    checker.sees("没有符合条件的记录")
    checker.press("重置")
    checker.open(f"/payments/{PAYMENT}/print")
    sheet = checker.page.get_by_role("article")
    expect(sheet.first).to_contain_text("壹仟陆佰捌拾元叁角贰分")
    expect(sheet.last).to_contain_text("银行业务号")
    assert checker.barriers() == []


def test_what_is_registered_waits_for_another_person(day: TwoPersons) -> None:
    maker, checker = day.maker, day.checker
    maker.open("/units")
    maker.press("登记")
    dialog = maker.page.get_by_role("dialog")
    maker.press("提交", within=dialog)
    expect(dialog.locator("#about-agency_code")).to_contain_text("必填")
    expect(dialog.locator("#field-agency_code")).to_be_focused()
    maker.fill(agency_code="990", agency_name="样例委员会")
    dialog.locator("#field-agency_type_code").select_option("1")
    maker.submit()
    checker.agree("990", "/review?tab=division")
    maker.open("/units")
    row = maker.page.get_by_role("row").filter(has_text="样例委员会")
    expect(row).to_contain_text("1 行政")
    maker.press("变更 990", within=row)
    expect(maker.page.locator("#field-agency_name")).to_have_value("样例委员会")


def test_from_a_project_to_an_approved_budget(day: TwoPersons) -> None:
    maker, checker = day.maker, day.checker
    maker.open("/projects")
    maker.press("申报项目")
    dialog = maker.page.get_by_role("dialog")
    maker.fill(
        pro_code=PROJECT,
        pro_name="设备更新",
        agency_code="101001",
        pro_term="2",
        kpi_target="更新设备十台",
    )
    for year, amount in (("2026", "30,000"), ("2027", "20000")):
        dialog.locator(f"[name=year-{year}]").fill(amount)
    expect(dialog.get_by_text("伍万元整")).to_be_visible()
    maker.submit()

    for act in ("审核通过", "审核通过", "入库"):
        checker.open(f"/projects/{PROJECT}")
        checker.press(act)
        checker.submit()
    checker.sees("已入库")

    maker.open("/budget?tab=rows")
    maker.press("下达控制数")
    maker.fill(ceiling_no="KZ-1", agency_code="101001", pro_cat_code="3", amt="30000")
    maker.submit()
    checker.agree("KZ-1")

    maker.open("/budget")
    maker.page.locator("#cell-0-bgt_pman_id").focus()
    maker.paste(
        f"YS-1\t{PROJECT}\t2010102\t50201\t30201\t111\t20000.01\n"
        f"YS-2\t{PROJECT}\t23003\t51301\t\t111\t10000\n"
    )
    maker.sees("30,000.01")
    maker.page.reload()
    expect(maker.page.locator("#cell-0-pro_code")).to_have_value(PROJECT)
    maker.fill(draft_no=DRAFT, agency_code="101001")
    maker.press("预检")
    maker.sees("预算数字不平衡")
    maker.page.locator("#cell-0-amt").fill("20000")
    maker.press("预检")
    maker.sees("检查通过")
    maker.press("保存草案")
    for person, act in ((maker, "送审"), (checker, "审核通过")):
        person.open(f"/budget?tab=draft&draft_no={DRAFT}")
        person.press(act)
        person.submit()
    maker.open(f"/budget?tab=draft&draft_no={DRAFT}")
    expect(maker.page.locator(".voucher-head .mark")).to_have_text("已审核")
    expect(maker.page.get_by_role("button", name="批复")).to_have_count(0)  # his own
    day.approve_budget(DRAFT)
    maker.open("/budget?tab=rows")
    maker.sees("30,000.00")


def test_a_transfer_arrives_below_and_is_accepted(day: TwoPersons) -> None:
    maker, checker = day.maker, day.checker
    below = day.opened_below()
    maker.open("/transfers?tab=sent")
    maker.press("下达转移支付")
    maker.fill(
        transfer_no="ZY-1",
        rec_div_code=below.partition("-")[0],
        bgt_doc_no="粤财预〔2026〕8号",
        tp_func_code="230",
        amt="4000",
        bgt_pman_id="YS-2",
    )
    maker.submit()
    checker.agree("ZY-1")
    maker.open("/transfers")
    maker.sees("在途")
    expect(maker.page.locator(".tier").last).to_contain_text("4,000.00")
    day.arrived(below, "粤财预〔2026〕8号")
    maker.page.locator(".tier a").first.click()
    maker.page.get_by_role("tab", name="接收").click()
    maker.press("接收 粤财预〔2026〕8号")
    maker.fill(rec_no="JS-1")
    maker.submit()


def test_a_list_is_paid_and_its_errors_are_told_by_line(day: TwoPersons) -> None:
    maker, checker = day.maker, day.checker
    maker.open("/runs?bgt_id=B1")
    maker.press("新建批次")
    maker.fill(run_no=RUN, title="三月补贴")
    maker.submit()
    maker.sees("等待上传清单")
    maker.upload("补贴.csv", payees("11.00", "十二元", "13.00"))
    wrong = maker.page.get_by_role("row").filter(has_text="十二元")
    expect(wrong).to_contain_text("3")
    expect(wrong).to_contain_text("支付金额")
    maker.upload("补贴.csv", payees("11.00", "12.00", "13.00"))
    maker.sees("已载入 3 笔，合计 36.00 元")

    checker.open(f"/runs/{RUN}")
    checker.press("审核通过")
    checker.submit()
    checker.press("以“国库签章”执行")
    checker.sees("已办结 3 / 3 笔")
    checker.sees(f"{RUN}-000001")
    with checker.page.expect_download() as file:
        checker.page.get_by_role("link", name="CSV").click()
    assert file.value.path().read_text(encoding="utf-8-sig").count("paid") == 3


def test_money_comes_back_and_is_cleared(day: TwoPersons) -> None:
    maker, checker = day.maker, day.checker
    maker.open(f"/returns?pay_app_no={PAYMENT}")
    maker.press("申请退款")
    dialog = maker.page.get_by_role("dialog")
    maker.fill(refund_no="TK-1", refund_amt="1680.33", reason="多付")
    maker.press("提交", within=dialog)
    expect(dialog.locator("#about-refund_amt")).to_contain_text("退款金额超过已支付金额")
    maker.fill(refund_amt="80.32")
    maker.submit()
    checker.agree("TK-1")
    checker.open(f"/returns?pay_app_no={PAYMENT}")
    expect(checker.page.get_by_role("row").filter(has_text="TK-1")).to_contain_text("80.32")

    maker.open("/settling")
    maker.press("申请划款")
    maker.fill(clear_no=CLEARING)
    maker.submit()
    maker.page.get_by_role("link", name=CLEARING, exact=True).click()
    expect(maker.page.locator(".voucher-head .mark")).to_have_text("已清算")
    maker.sees(PAYMENT)


def test_a_voucher_is_signed_with_a_key_that_the_server_never_sees(
    day: TwoPersons, tmp_path: Path
) -> None:
    maker, checker = day.maker, day.checker
    key, no_key = new_key_file(tmp_path / "own.pem"), tmp_path / "none.pem"
    no_key.write_text("-----BEGIN CERTIFICATE-----")
    maker.open("/system?tab=certificates")
    maker.page.locator("[name=division]").select_option("000000000")
    maker.press("登记证书")
    until = datetime.now(BEIJING).date() + timedelta(days=300)
    asked = {"public_key": key.public_key.hex(), "valid_until": until.isoformat()}
    maker.fill(principal="dev.checker", **asked)
    maker.submit()
    checker.open("/review?tab=division")
    checker.page.locator("[name=division]").select_option("000000000")
    checker.page.get_by_label("全选").check()
    checker.press("批量通过")
    checker.sees("1 项成功，0 项被拒绝")

    day.approved(OWN_SIGNED, "12.00")
    checker.open("/signing")
    checker.page.get_by_label(f"选择 {OWN_SIGNED}").check()
    checker.press("以“国库签章”签章")
    checker.sees("证书未登记、未生效、已过期或已吊销")
    checker.page.locator("[name=key]").set_input_files(no_key)
    checker.sees("文件中没有可用的 SM2 私钥")
    checker.page.locator("[name=key]").set_input_files(tmp_path / "own.pem")
    checker.sees("已导入，证书序列号")
    checker.page.get_by_label(f"选择 {OWN_SIGNED}").check()
    checker.press("以“国库签章”签章")
    checker.sees("1 项成功，0 项被拒绝")
    checker.page.get_by_role("link", name="支付查询").click()
    checker.page.get_by_role("link", name=OWN_SIGNED).click()
    checker.sees("自持密钥")
    checker.page.reload()
    checker.page.get_by_role("link", name="签章", exact=True).click()
    checker.sees("导入密钥文件")
    assert checker.stored() == [], "the key was in the page's memory alone"

    day.approved(BY_AGENT, "21.00")
    holder = KeyHolder("dev.checker", "")
    device = OwnedDevice(KeyFileSigner(tmp_path / "own.pem", ""))
    with signing_agent(device, port=AGENT_PORT, origins=(day.url,), holder=holder) as agent:
        _signs_by_agent(checker, agent)


def _signs_by_agent(person: AtConsole, agent: RunningAgent) -> None:
    """Logs in and signs by an agent, whose owner declines first."""
    person.press("退出")
    person.press("以自己的密钥登录")
    assert person.barriers() == []
    person.page.locator("[name=pairing]").fill("00000000")
    person.press("连接")
    person.sees("签名代理没有签名")
    person.page.locator("[name=pairing]").fill(agent.codes[-1])
    person.press("连接")
    expect(person.page.get_by_role("heading", name="您好")).to_be_visible()
    assert any("登录 log in" in line for line in agent.saw)
    person.page.get_by_role("link", name="签章", exact=True).click()
    person.sees("已导入，证书序列号")
    agent.agrees, agent.saw = False, []
    person.page.get_by_label(f"选择 {BY_AGENT}").check()
    person.press("以“国库签章”签章")
    person.sees("签名代理没有签名")
    agent.agrees = True
    person.press("以“国库签章”签章")
    person.sees("1 项成功，0 项被拒绝")
    assert any("21.00 元 → 广州样例科技有限公司" in line for line in agent.saw)
    assert person.stored() == [], "what pairs the page is in its memory alone"


@pytest.mark.parametrize(
    "screens", [SCREENS, pytest.param(BEHIND_TABS, marks=pytest.mark.slow)], ids=["first", "tabs"]
)
def test_every_screen_is_for_everybody(day: TwoPersons, screens: tuple[str, ...]) -> None:
    """Nothing serious or critical by axe, in either light."""
    checker = day.checker
    found = {}
    for screen in screens:
        checker.open(screen)
        if PICTURES:
            name = screen.strip("/").replace("?", "-").replace("/", "-") or "workbench"
            checker.picture(Path(PICTURES) / f"{name}.png")
        if barriers := checker.barriers() + checker.barriers_in_the_dark():
            found[screen] = barriers
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
    answer = asking.get(f"{persons.url}/v1/ledgers", cookies=kept)
    assert answer.status_code == 401
    leaver.page.goto(f"{persons.url}/console/#/{LEDGER}/payments")
    expect(leaver.page.get_by_label("访问令牌")).to_be_visible()


def test_nothing_was_against_the_policy_or_from_elsewhere(day: TwoPersons) -> None:
    for person in (day.maker, day.checker):
        person.require_clean()
        assert len(person.asked) > 50, "requests are seen"
