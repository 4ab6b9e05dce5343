"""Journals as an accountant would write them, by the chart of December 2026; no database.

Each is a case of the standards (财库〔2022〕41号, 财会〔2017〕25号) that the chart before has
booked otherwise, or could not.
"""

from datetime import date

import pytest

from ledger.books import load_charts, shipped_books
from tests.ledger.test_postings import codes_of

Entries = list[tuple[str, str]]  # debit and credit, by the names of the accounts

APPROPRIATED = ("财政拨款收入", "财政拨款预算收入")


def entries(rule: str, codes: dict[str, str], book_titles: str, **fen: int) -> Entries:
    """The entries of a rule in the books of the unit or the treasury."""
    books = shipped_books()
    journal = books.post(rule.partition(" ")[0], source=1, number="x", amounts_fen=fen, codes=codes)
    lines = [books.accounts[line.account] for line in journal.lines]
    pairs = zip(lines[::2], lines[1::2], strict=True)
    return [(dr.name, cr.name) for dr, cr in pairs if book_titles in books.titles[dr.book]]


def of_the_unit(gov: str, dep: str, fund: str = "111", kind: str = "1") -> Entries:
    """What a unit of a kind books on the bank's receipt."""
    return entries("voucher.receipted", codes_of(gov, dep, fund, kind), "单位", paid=100, failed=0)


def of_the_treasury(gov: str, fund: str = "111") -> Entries:
    """What the treasury books when the central bank has settled a claim."""
    rule = "clearing.2301_special" if fund.startswith("2") else "clearing.2301"
    return entries(rule, codes_of(gov, "", fund), "财政总会计", claim=100)


@pytest.mark.parametrize(
    ("dep", "asset"),
    [
        ("31002", "固定资产"),  # 办公设备
        ("30903", "固定资产"),
        ("31013", "固定资产"),  # 公务用车
        ("30901", "在建工程"),  # 房屋建筑物购建, of 基本建设
        ("31005", "在建工程"),  # 基础设施
        ("31006", "在建工程"),  # 大型修缮
        ("31007", "无形资产"),  # 信息网络及软件
        ("30922", "无形资产"),
        ("31008", "政府储备物资"),
        ("30921", "文物资源"),
        ("31009", "业务活动费用"),  # 土地补偿 leaves the unit no asset
        ("31012", "业务活动费用"),
        ("30201", "业务活动费用"),
    ],
)
def test_capital_is_an_asset_of_its_kind(dep: str, asset: str) -> None:
    """All of it was 固定资产."""
    assert of_the_unit("50306", dep) == [
        (asset, "财政拨款收入"),
        ("行政支出", "财政拨款预算收入"),
    ]


@pytest.mark.parametrize(
    ("kind", "outlay"), [("1", "行政支出"), ("2", "行政支出"), ("3", "事业支出"), ("4", "事业支出")]
)
@pytest.mark.parametrize(
    ("gov", "dep"), [("50502", "30201"), ("50905", "30302"), ("50701", "31204"), ("59999", "39999")]
)
def test_an_outlay_goes_by_what_the_unit_is(gov: str, dep: str, kind: str, outlay: str) -> None:
    assert of_the_unit(gov, dep, kind=kind) == [
        ("业务活动费用", "财政拨款收入"),
        (outlay, "财政拨款预算收入"),
    ]


def test_a_school_pays_from_its_special_account() -> None:
    """财政专户返还 is 事业收入, and the treasury's expense has its own name, whatever it is for."""
    assert of_the_unit("50502", "30201", "2", "3") == [
        ("业务活动费用", "事业收入"),
        ("事业支出", "事业预算收入"),
    ]
    assert of_the_treasury("50201", "2") == [
        ("财政专户管理资金支出", "其他财政存款"),
        ("财政专户管理资金支出", "资金结存—专户资金结存"),
    ]


def test_interest_is_the_treasurys_own() -> None:
    """51101 was an expense of the unit as well."""
    assert of_the_unit("51101", "30701") == []
    assert of_the_treasury("51101") == [
        ("财务费用", "国库存款"),
        ("一般公共预算支出", "资金结存—库款资金结存"),
    ]


@pytest.mark.parametrize(("fund", "kind"), [("112", "1"), ("122", "3")])
def test_principal_repaid_is_no_expense_of_anybody(fund: str, kind: str) -> None:
    assert of_the_unit("51201", "", fund, kind) == []
    assert of_the_treasury("51201", fund) == [
        ("应付长期政府债券", "国库存款"),
        ("债务还本预算支出", "资金结存—库款资金结存"),
    ]


def test_money_for_the_tier_below() -> None:
    assert of_the_unit("51301", "") == []
    assert of_the_treasury("51301") == [
        ("补助费用", "国库存款"),
        ("补助预算支出", "资金结存—库款资金结存"),
    ]
    assert of_the_treasury("51303", "122") == [
        ("应收地方政府债券转贷款", "国库存款"),
        ("债务转贷预算支出", "资金结存—库款资金结存"),
    ]


def test_capital_of_an_enterprise_is_equity() -> None:
    """资本金注入: it was 对企业补助拨款费用. An institution that invests holds the share itself."""
    assert of_the_treasury("50803")[0] == ("股权投资", "国库存款")
    assert of_the_treasury("50899")[0] == ("资本性拨款费用", "国库存款")
    assert of_the_treasury("50701")[0] == ("对企业补助拨款费用", "国库存款")
    assert of_the_unit("50803", "31201", kind="3") == [
        ("长期股权投资", "财政拨款收入"),
        ("投资支出", "财政拨款预算收入"),
    ]
    assert of_the_unit("50701", "31204", kind="3")[0] == ("业务活动费用", "财政拨款收入")
    assert of_the_unit("50803", "31201", kind="1")[0] == ("业务活动费用", "财政拨款收入")


@pytest.mark.parametrize("gov", ["51401", "51402", "51304", "51305", "51306", "512", "513"])
def test_what_is_never_paid_is_refused_when_it_is_issued(gov: str) -> None:
    """预备费 is moved to another subject first; 调出资金 and the like move no money."""
    assert shipped_books().uncovered(codes_of(gov, "39999")) == "gov_bgt_eco_code"


@pytest.mark.parametrize("fund", ["1", "14"])  # 31 and 39 are units' own money, which has accounts
def test_what_is_nobodys_money_is_refused(fund: str) -> None:
    assert shipped_books().uncovered(codes_of("50201", "30201", fund)) == "fund_type_code"


def test_money_that_comes_back_leaves_the_account_it_went_to() -> None:
    codes = codes_of("50306", "31007", kind="3")
    assert entries("payment.refunded", codes, "单位", refund=100) == [
        ("财政拨款收入", "无形资产"),
        ("财政拨款预算收入", "事业支出"),
    ]
    assert entries("payment.refunded", codes_of("51101", "30701"), "单位", refund=100) == []


@pytest.mark.parametrize(
    ("gov", "dep", "kind", "spent", "outlay"),
    [
        ("50201", "30201", "1", "业务活动费用", "行政支出"),
        ("50502", "30201", "3", "业务活动费用", "事业支出"),
        ("50306", "31002", "1", "固定资产", "行政支出"),
        ("50601", "31005", "3", "在建工程", "事业支出"),
        ("50803", "31201", "4", "长期股权投资", "投资支出"),
        ("50101", "30101", "2", "应付职工薪酬", "行政支出"),
    ],
)
def test_what_was_carried_over_is_drawn_on_and_no_revenue_again(
    gov: str, dep: str, kind: str, spent: str, outlay: str
) -> None:
    """It was 财政拨款收入 of both years: when it was carried over, and when it was paid."""
    codes = {**codes_of(gov, dep, kind=kind), "is_carried": "1"}
    returnable, in_budget = "财政应返还额度", "资金结存—财政应返还额度"
    paid = [(spent, returnable), (outlay, in_budget)]
    back = [(returnable, spent), (in_budget, outlay)]
    assert entries("voucher.receipted", codes, "单位", paid=100, failed=0) == paid
    assert entries("payment.correction_taken", codes, "单位", corrected=100, claimed=0) == paid
    for rule in ("payment.refunded", "payment.refund_shared"):
        assert entries(rule, codes, "单位", refund=100) == back, rule
    assert entries("payment.corrected", codes, "单位", corrected=100, claimed=0) == back
    assert entries("indicator.carried_over", codes, "单位", amount=100) == [], "it stands already"


def test_interest_that_was_carried_over_is_the_treasurys_own_still() -> None:
    codes = {**codes_of("51101", "30701"), "is_carried": "1"}
    assert entries("voucher.receipted", codes, "单位", paid=100, failed=0) == []


def test_a_ledger_keeps_to_the_edition_that_it_was_opened_with() -> None:
    charts, day = load_charts(), date(2026, 11, 30)
    assert charts.on(day, 1).version == "2026.1"
    assert charts.on(day, 2).version == charts.on(day).version == "2026.12"
    before_the_standard = charts.on(date(2022, 12, 31), 2)
    assert before_the_standard.version == "2026.1"


def test_a_follower_has_all_that_it_does_not_say() -> None:
    first, newest = shipped_books(1), shipped_books(2)
    assert newest.accounts == first.accounts
    assert list(newest.rules) == list(first.rules)
    assert newest.titles == first.titles


def test_a_number_of_the_unit_system_stands_behind_its_books_letter() -> None:
    """D and E are 财会〔2017〕25号: every account has its code, and no two have the same."""
    accounts = shipped_books().accounts.values()
    of_units = [a for a in accounts if a.book in ("unit_financial", "unit_budgetary")]
    codes = [a.code for a in of_units]
    assert all(codes)
    assert len(set(codes)) == len(codes)
    assert [a.id for a in of_units if a.id[1:] != a.code] == ["D1", "D2", "D3", "E1", "E2", "E3"]
    firsts = {"D": "12345", "E": "678"}
    assert all(a.code[0] in firsts[a.id[0]] for a in of_units)
