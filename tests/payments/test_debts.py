"""地方政府债务: bonds within limits, what comes for them, what is paid, whose money it is."""

from datetime import date
from typing import Any

import pytest

from budget.debt_register import DEBT, DEBT_LIMIT, Debt
from budget.debts import AccrueInterest
from budget.indicators import ReallocateIndicator
from budget.issuing import IssueIndicator
from ledger.reading.loading import read_rows
from tests.support.allocations import allocation, receipt_of, return_of
from tests.support.bookkeeper import ELEMENTS, Bookkeeper, payment
from tests.support.debts import INTEREST, PRINCIPAL, bond, issue, limits, ordered, paid
from tests.support.openings import credit, debit, income, opening
from tests.support.vouchers import cr, dr, voucher

pytestmark = pytest.mark.usefixtures("decided_again")

JANUARY_15 = date(2026, 1, 15)
GENERAL, SPECIAL = "2605001", "2605002"
PROJECT = ELEMENTS["pro_code"]
OTHER_PROJECT = PROJECT[:-1] + ("1" if PROJECT[-1] != "1" else "2")
LENT = {
    "exp_func_code": "23011",
    "gov_bgt_eco_code": "51303",
    "dep_bgt_eco_code": "",
    "fund_type_code": "111",
}
SPENT = {"fund_type_code": "122", "exp_func_code": "2290402"}


def owed(keeper: Bookkeeper, code: str) -> Debt:
    with keeper.pool.connection() as connection:
        return read_rows(connection, keeper.ledger_id, DEBT).get(code, Debt())


def free(keeper: Bookkeeper) -> dict[str, int]:
    with keeper.pool.connection() as connection:
        rows = read_rows(connection, keeper.ledger_id, DEBT_LIMIT)
    return {kind: row.free for kind, row in rows.items()}


def told(keeper: Bookkeeper) -> None:
    """Limits of 500 and 300; a general bond of 400.00 and a special one of 200.00, whose money the
    central bank has reported."""
    keeper.do(limits("500.00", "300.00"))
    keeper.do(bond(GENERAL, "1", "400.00"))
    keeper.do(bond(SPECIAL, "2", "200.00", pro_code=PROJECT))
    lines = ("105", "112", "400.00"), ("105", "122", "200.00")
    keeper.do(income("R1", JANUARY_15, *lines), "accountant")


def refused_issue(keeper: Bookkeeper, bgt_id: str, amount: str, **more: Any) -> tuple[str, str]:
    """The code with which an indicator is refused, and where it points."""
    problem = keeper.ask(IssueIndicator(bgt_id=bgt_id, amount=amount, **more)).problem
    assert problem is not None
    return problem.code.text, problem.extra["pointer"]


def money(books: dict[str, str]) -> dict[str, str]:
    """Of the books what is not the indicators'."""
    indicator = ("指标来源", "支出预算", "支出指标", "支付申请", "支付")
    return {name: amt for name, amt in books.items() if name not in indicator}


def test_a_bond_is_issued_on_the_central_banks_word(bookkeeper: Bookkeeper) -> None:
    """3401 books 400.00 and 200.00 of 债务收入; each is a bond's, within limit and principal."""
    told(bookkeeper)
    assert bookkeeper.books() == {
        "国库存款": "600.00",
        "应付长期政府债券": "600.00",
        "资金结存—库款资金结存": "600.00",
        "债务预算收入": "600.00",
    }
    bookkeeper.do(issue(GENERAL, "300.00"), "accountant")
    bookkeeper.do(issue(SPECIAL, "200.00"), "accountant")
    assert owed(bookkeeper, GENERAL) == Debt(owed=30_000, lendable=30_000, issued=30_000)
    assert free(bookkeeper) == {"1": 20_000, "2": 10_000}
    # no more than has come and is of no bond, nor than the bond is over
    assert bookkeeper.refusal(issue(GENERAL, "100.01"), "accountant") == "exceeds_debt"
    bookkeeper.do(issue(GENERAL, "100.00", "FX-2"), "accountant")
    bookkeeper.do(bond("2605003", "1", "500.00"))
    assert bookkeeper.refusal(issue("2605003", "0.01"), "accountant") == "exceeds_received"


def test_no_debt_above_its_limit(bookkeeper: Bookkeeper) -> None:
    told(bookkeeper)
    bookkeeper.do(income("R2", date(2026, 1, 16), ("105", "112", "200.00")), "accountant")
    bookkeeper.do(issue(GENERAL, "400.00"), "accountant")
    bookkeeper.do(bond("2605003", "1", "200.00"))
    assert bookkeeper.refusal(issue("2605003", "100.01"), "accountant") == "insufficient_ceiling"
    assert bookkeeper.refusal(limits("399.99", "300.00", "XE-2")) == "insufficient_ceiling"
    bookkeeper.do(limits("600.00", "300.00", "XE-3"))
    bookkeeper.do(issue("2605003", "200.00"), "accountant")
    assert free(bookkeeper) == {"1": 0, "2": 30_000}


def test_a_ledger_without_limits_keeps_no_bonds(bookkeeper: Bookkeeper) -> None:
    assert bookkeeper.refusal(bond(GENERAL, "1", "400.00")) == "invalid_state"
    bookkeeper.issue("B1", "100.00", **PRINCIPAL)
    bookkeeper.pay("SQ-1", "B1", "100.00")  # as before


def test_principal_and_interest_are_paid(bookkeeper: Bookkeeper) -> None:
    """还本 100.00 of 400.00, 付息 4.80 of which 4.00 were accrued: no unit has an entry."""
    told(bookkeeper)
    bookkeeper.do(issue(GENERAL, "400.00"), "accountant")
    accrued = AccrueInterest(bond_code=GENERAL, int_accrual_no="JT-1", amt="4.00")
    bookkeeper.do(accrued, "accountant")
    bookkeeper.issue("B1", "150.00", bond_code=GENERAL, **PRINCIPAL)
    bookkeeper.issue("B2", "10.00", bond_code=GENERAL, **INTEREST)
    order = ordered(bookkeeper, "SB-1", "B1", "100.00", bond_code=GENERAL)
    assert owed(bookkeeper, GENERAL).outstanding == 40_000
    assert owed(bookkeeper, GENERAL).owed == 30_000
    bookkeeper.do(receipt_of(order), "pboc")
    paid(bookkeeper, "SB-2", "B2", "4.80", bond_code=GENERAL)
    assert owed(bookkeeper, GENERAL) == Debt(owed=30_000, lendable=40_000, issued=40_000)
    assert free(bookkeeper)["1"] == 20_000
    assert money(bookkeeper.books()) == {
        "国库存款": "495.20",
        "应付长期政府债券": "500.00",
        "财务费用": "4.80",
        "资金结存—库款资金结存": "495.20",
        "债务预算收入": "600.00",
        "债务还本预算支出": "100.00",
        "一般公共预算支出": "4.80",
    }


def test_no_more_is_repaid_than_is_owed_and_what_is_rejected_is_owed(
    bookkeeper: Bookkeeper,
) -> None:
    told(bookkeeper)
    bookkeeper.do(issue(GENERAL, "100.00"), "accountant")
    bookkeeper.issue("B1", "500.00", bond_code=GENERAL, **PRINCIPAL)
    over = allocation("SB-1", "B1", "100.01", bond_code=GENERAL)
    assert bookkeeper.refusal(over, "accountant") == "exceeds_debt"
    order = ordered(bookkeeper, "SB-2", "B1", "100.00", bond_code=GENERAL)
    again = allocation("SB-3", "B1", "0.01", bond_code=GENERAL)
    assert bookkeeper.refusal(again, "accountant") == "exceeds_debt"
    bookkeeper.do(receipt_of(order, paid=False), "pboc")
    assert owed(bookkeeper, GENERAL).owed == 10_000
    done = paid(bookkeeper, "SB-4", "B1", "100.00", bond_code=GENERAL)
    assert free(bookkeeper)["1"] == 50_000
    bookkeeper.do(return_of(done, "40.00"), "pboc")
    assert owed(bookkeeper, GENERAL).owed == 4_000
    assert bookkeeper.books()["应付长期政府债券"] == "540.00"


def test_interest_that_comes_back_is_owed_again(bookkeeper: Bookkeeper) -> None:
    told(bookkeeper)
    bookkeeper.do(issue(GENERAL, "400.00"), "accountant")
    accrued = AccrueInterest(bond_code=GENERAL, int_accrual_no="JT-1", amt="3.00")
    bookkeeper.do(accrued, "accountant")
    bookkeeper.issue("B2", "10.00", bond_code=GENERAL, **INTEREST)
    done = paid(bookkeeper, "SB-2", "B2", "4.80", bond_code=GENERAL)
    bookkeeper.do(return_of(done, "2.00"), "pboc")
    assert owed(bookkeeper, GENERAL).accrued == 200
    books = bookkeeper.books()
    assert (books["应付利息"], books["财务费用"]) == ("2.00", "4.80")


def test_what_is_paid_for_debts_names_its_bond(bookkeeper: Bookkeeper) -> None:
    told(bookkeeper)
    bookkeeper.do(issue(GENERAL, "400.00"), "accountant")
    said = {**ELEMENTS, **PRINCIPAL}
    unnamed = refused_issue(bookkeeper, "B1", "100.00", **said)
    assert unnamed == ("element_invalid", "/bond_code")
    assert refused_issue(bookkeeper, "B1", "1.00", bond_code="9999", **said)[0] == "element_invalid"
    bookkeeper.issue("B1", "100.00", bond_code=GENERAL, **PRINCIPAL)
    assert bookkeeper.refusal(payment("SQ-1", "B1", "1.00")) == "element_invalid"
    plain = allocation("SB-1", "B1", "1.00")
    assert bookkeeper.refusal(plain, "accountant") == "element_mismatch"


def test_special_bonds_are_for_their_project_alone(bookkeeper: Bookkeeper) -> None:
    """专项债券专款专用: its indicators, payments and whatever gives or takes name the same bond."""
    told(bookkeeper)
    bookkeeper.do(issue(SPECIAL, "200.00"), "accountant")
    other = {**ELEMENTS, **SPENT, "pro_code": OTHER_PROJECT}
    assert refused_issue(bookkeeper, "B1", "100.00", bond_code=SPECIAL, **other) == (
        "element_mismatch",
        "/pro_code",
    )
    plain = {**ELEMENTS, **SPENT}
    assert refused_issue(bookkeeper, "B1", "9.00", **plain) == ("element_invalid", "/bond_code")
    general = {**ELEMENTS, **SPENT}
    wrong = refused_issue(bookkeeper, "B1", "9.00", bond_code=GENERAL, **general)
    assert wrong == ("element_mismatch", "/fund_type_code")
    bookkeeper.issue("B1", "100.00", bond_code=SPECIAL, **SPENT)
    bookkeeper.issue(
        "B2", "100.00", **{**SPENT, "fund_type_code": "121", "exp_func_code": "2120801"}
    )
    there = ReallocateIndicator(
        bgt_id="B1", adj_no="TJ-1", to_bgt_id="B2", amt="1.00", reason="调剂"
    )
    assert bookkeeper.refusal(there) == "element_mismatch"
    mismatch = payment("SQ-1", "B1", "1.00", bond_code=GENERAL)
    assert bookkeeper.refusal(mismatch) == "element_mismatch"
    applied = bookkeeper.apply("SQ-2", "B1", "60.00").subjects[0]
    assert applied.applied.bond_code == SPECIAL


def test_debts_of_before_are_registered_with_what_is_owed(bookkeeper: Bookkeeper) -> None:
    """存量债务: 1,000.00 of the opening, of which 900.00 are repaid."""
    rows = debit("1000.00", acct_cls_id="B71"), credit("1000.00", acct_cls_id="B57")
    bookkeeper.do(opening("treasury_financial", *rows), "accountant")
    bookkeeper.do(limits("1000.00", "0.00"))
    bookkeeper.do(bond(GENERAL, "1", "2000.00", opening_amt="1000.00"))
    over = bond("2605009", "1", "2000.00", opening_amt="0.01")
    assert bookkeeper.refusal(over) == "insufficient_ceiling"
    bookkeeper.issue("B1", "900.00", bond_code=GENERAL, **PRINCIPAL)
    paid(bookkeeper, "SB-1", "B1", "900.00", bond_code=GENERAL)
    assert owed(bookkeeper, GENERAL).owed == 10_000
    assert bookkeeper.books()["应付长期政府债券"] == "100.00"


def test_a_bond_is_lent_on_and_never_more_than_came(bookkeeper: Bookkeeper) -> None:
    """转贷 250.00 of 400.00 to a county: the tier below owes it, and the bond is owed as before."""
    told(bookkeeper)
    bookkeeper.do(issue(GENERAL, "400.00"), "accountant")
    bookkeeper.issue("B1", "500.00", bond_code=GENERAL, **LENT)
    nowhere = allocation("SB-1", "B1", "250.00", bond_code=GENERAL)
    assert bookkeeper.refusal(nowhere, "accountant") == "element_invalid"
    to_county = {"bond_code": GENERAL, "rec_div_code": "440523000"}
    over = allocation("SB-2", "B1", "400.01", **to_county)
    assert bookkeeper.refusal(over, "accountant") == "exceeds_debt"
    paid(bookkeeper, "SB-3", "B1", "250.00", **to_county)
    assert owed(bookkeeper, GENERAL) == Debt(
        owed=40_000, lent=25_000, lendable=15_000, issued=40_000
    )
    books = bookkeeper.books()
    assert books["应收地方政府债券转贷款"] == "250.00"
    assert books["债务转贷预算支出"] == "250.00"
    assert books["应付长期政府债券"] == "600.00"


def test_a_loan_of_the_tier_above_is_owed_to_it(bookkeeper: Bookkeeper) -> None:
    """债务转贷收入 250.00 of the province; 100.00 are repaid: 应付地方政府债券转贷款."""
    bookkeeper.do(limits("250.00", "0.00"))
    bookkeeper.do(bond(GENERAL, "1", "250.00", from_div_code="450000000"))
    bookkeeper.do(income("R1", JANUARY_15, ("11011", "112", "250.00")), "accountant")
    bookkeeper.do(issue(GENERAL, "250.00"), "accountant")
    assert bookkeeper.books()["债务转贷预算收入"] == "250.00"
    bookkeeper.issue("B1", "100.00", bond_code=GENERAL, **PRINCIPAL)
    done = paid(bookkeeper, "SB-1", "B1", "100.00", bond_code=GENERAL)
    assert money(bookkeeper.books()) == {
        "国库存款": "150.00",
        "应付地方政府债券转贷款": "150.00",
        "资金结存—库款资金结存": "150.00",
        "债务转贷预算收入": "250.00",
        "债务还本预算支出": "100.00",
    }
    bookkeeper.do(return_of(done, "30.00"), "pboc")
    assert bookkeeper.books()["应付地方政府债券转贷款"] == "180.00"
    assert owed(bookkeeper, GENERAL).owed == 18_000


def test_nobody_books_debts_by_hand(bookkeeper: Bookkeeper) -> None:
    told(bookkeeper)
    lines = (
        dr("9.00", "B57", fund_type_code="111"),
        cr("9.00", "B54", fund_type_code="111"),
    )
    by_hand = voucher("JZ-1", *lines, book="treasury_financial")
    assert bookkeeper.refusal(by_hand, "accountant") == "account_invalid"
