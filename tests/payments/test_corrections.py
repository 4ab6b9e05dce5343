"""更正: a paid amount is another indicator's, and no cash moves.

Until there were corrections, what was paid from the wrong indicator could only be asked back from
the payee and be paid again.
"""

import re
from datetime import date

import pytest

from ledger.closing import ClosePeriod
from payments.clearing.claims import RequestClearing
from payments.corrections.correcting import CorrectPayment
from payments.payment import Payment
from tests.support.bookkeeper import Bookkeeper, detail, refund_notice
from tests.support.paths import ROOT

pytestmark = pytest.mark.usefixtures("decided_again")

MARCH_2, MARCH_3 = date(2026, 3, 2), date(2026, 3, 3)
LINES = [
    ("2010102", "50201", "50.00"),
    ("2010102", "50209", "30.00"),
    ("2010103", "50201", "20.00"),
]


@pytest.fixture
def b(bookkeeper: Bookkeeper) -> Bookkeeper:
    """办公费 30201 of 20,000.00, 维修费 30213 of another 20,000.00; another function."""
    bookkeeper.issue("SUPPLIES", "20000.00")
    bookkeeper.issue("REPAIR", "20000.00", dep_bgt_eco_code="30213", gov_bgt_eco_code="50209")
    bookkeeper.issue("SERVICE", "20000.00", exp_func_code="2010103")
    return bookkeeper


def correction(to_bgt_id: str, amt: str, number: str = "GZ-1", **more: object) -> CorrectPayment:
    given = {"pay_app_no": "P1", "reason": "科目用错", **more}
    return CorrectPayment(cor_no=number, to_bgt_id=to_bgt_id, amt=amt, **given)  # type: ignore[arg-type]


def claims(b: Bookkeeper, number: str, day: date) -> list[tuple[str, str, list[tuple[str, ...]]]]:
    asked = b.do(RequestClearing(clear_no=number, clear_date=day, pay_bank_code="102"))
    return [
        (
            claim.vt_code,
            claim.fund_type_code,
            [(line.exp_func_code, line.gov_bgt_eco_code, line.pay_amt) for line in claim.lines],
        )
        for claim in asked.subjects[0].requested.claims
    ]


def paid_and_left(b: Bookkeeper, bgt_id: str) -> tuple[str, str]:
    figures = b.figures(bgt_id)
    return figures["paid"], figures["available"]


def test_the_example_of_the_page_holds(bookkeeper: Bookkeeper) -> None:
    page = (ROOT / "docs" / "corrections.md").read_text(encoding="utf-8")
    [example] = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    exec(example, {"b": bookkeeper, "CorrectPayment": CorrectPayment})


def test_scenario_17_a_subject_is_corrected_and_no_cash_moves(b: Bookkeeper) -> None:
    b.pay("P1", "SUPPLIES", "12000.00")
    b.clear("C1", MARCH_2)
    before = b.books()
    payment: Payment = b.do(correction("REPAIR", "12000.00")).subjects[0]
    assert paid_and_left(b, "SUPPLIES") == ("0.00", "20000.00")
    assert paid_and_left(b, "REPAIR") == ("12000.00", "8000.00")
    assert b.books() == before
    assert [each.cor_no for each in payment.corrections] == ["GZ-1"]
    assert (payment.figures.pay_amt, payment.status) == ("0.00", "paid")
    gave, took = b.journals()[-2:]
    assert (gave.bgt_id, gave.red_flag, took.bgt_id, took.red_flag) == ("SUPPLIES", 1, "REPAIR", 0)


def test_capital_outlay_leaves_the_old_account_for_the_new_one(b: Bookkeeper) -> None:
    """30201 and 50201 to 31002 and 50306, after it was claimed: 固定资产, 资本性拨款费用."""
    b.issue("DESK", "20000.00", dep_bgt_eco_code="31002", gov_bgt_eco_code="50306")
    b.pay("P1", "SUPPLIES", "12000.00")
    b.clear("C1", MARCH_2)
    b.do(correction("DESK", "12000.00"))
    books = b.books()
    assert books["固定资产"] == books["资本性拨款费用"] == "12000.00"
    assert books["财政拨款收入"] == books["行政支出"] == "12000.00"
    assert books["国库存款"] == "-12000.00"
    assert "业务活动费用" not in books
    assert "政府机关商品和服务拨款费用" not in books


def test_what_is_not_claimed_yet_is_claimed_under_the_new_dimension(b: Bookkeeper) -> None:
    b.pay("P1", "SUPPLIES", "12000.00")
    b.do(correction("SERVICE", "5000.00"))
    assert claims(b, "C1", MARCH_2) == [
        ("2301", "111", [("2010102", "50201", "7000.00"), ("2010103", "50201", "5000.00")]),
    ]


def test_never_more_than_was_paid_and_has_not_come_back(b: Bookkeeper) -> None:
    b.pay("P1", "SUPPLIES", "12000.00")
    b.refund("P1", "2000.00")
    assert b.refusal(correction("REPAIR", "10000.01")) == "correction_exceeds_paid"
    b.do(correction("REPAIR", "6000.00", "GZ-2"))
    assert b.refusal(correction("SERVICE", "4000.01", "GZ-3")) == "correction_exceeds_paid"
    b.do(correction("SERVICE", "4000.00", "GZ-4"))
    assert b.refusal(correction("REPAIR", "0.01", "GZ-5")) == "correction_exceeds_paid"
    assert paid_and_left(b, "SUPPLIES") == ("0.00", "20000.00")


def test_of_a_named_line_never_more_than_that_line_was_paid(b: Bookkeeper) -> None:
    lines = (detail("d1", "30.00"), detail("d2", "70.00"))
    b.pay("P1", "SUPPLIES", "100.00", "d2", details=lines)
    exceeds = "correction_exceeds_paid"
    assert b.refusal(correction("REPAIR", "30.01", pay_detail_id="d1")) == exceeds
    assert b.refusal(correction("REPAIR", "0.01", "GZ-2", pay_detail_id="d2")) == exceeds
    assert b.refusal(correction("REPAIR", "1.00", "GZ-3", pay_detail_id="d9")) == "details_mismatch"
    b.do(correction("REPAIR", "30.00", "GZ-4", pay_detail_id="d1"))
    assert paid_and_left(b, "REPAIR") == ("30.00", "19970.00")


def test_what_cannot_be_corrected(b: Bookkeeper) -> None:
    b.pay("P1", "SUPPLIES", "12000.00")
    b.apply("P2", "SUPPLIES", "1.00")
    b.issue("SMALL", "11999.99")
    b.issue("OTHER-UNIT", "20000.00", agency_code="102001")
    b.issue("FUND", "20000.00", fund_type_code="121")
    assert b.refusal(correction("FUND", "1.00", "GZ-D")) == "element_mismatch"
    b.issue("NOT-YET", "20000.00", bgt_exe_flag=2)
    b.issue("PLANNED", "20000.00", is_contrlbyplan=True)
    refused = {
        code: b.refusal(correction(to, "12000.00", f"GZ-{to}"))
        for code, to in (
            ("insufficient_indicator", "SMALL"),
            ("insufficient_plan", "PLANNED"),
            ("element_mismatch", "OTHER-UNIT"),
            ("indicator_not_executable", "NOT-YET"),
            ("indicator_not_found", "NOWHERE"),
        )
    }
    assert refused == {code: code for code in refused}
    assert b.refusal(correction("SUPPLIES", "1.00", "GZ-A")) == "element_mismatch"
    assert b.refusal(correction("REPAIR", "1.00", "GZ-B", pay_app_no="P2")) == "invalid_state"
    assert b.refusal(correction("REPAIR", "1.00", "GZ-C", pay_app_no="P9")) == "payment_not_found"
    assert paid_and_left(b, "SUPPLIES") == ("12000.00", "7999.00")


def test_a_correction_is_corrected_onwards_and_back(b: Bookkeeper) -> None:
    b.pay("P1", "SUPPLIES", "100.00")
    b.do(correction("REPAIR", "60.00"))
    onwards = correction("SERVICE", "60.01", "GZ-2", from_bgt_id="REPAIR")
    assert b.refusal(onwards) == "correction_exceeds_paid"
    b.do(correction("SERVICE", "20.00", "GZ-3", from_bgt_id="REPAIR"))
    b.do(correction("SUPPLIES", "40.00", "GZ-4", from_bgt_id="REPAIR"))
    assert [paid_and_left(b, each)[0] for each in ("SUPPLIES", "REPAIR", "SERVICE")] == [
        "80.00",
        "0.00",
        "20.00",
    ]
    assert claims(b, "C1", MARCH_2) == [
        ("2301", "111", [("2010102", "50201", "80.00"), ("2010103", "50201", "20.00")]),
    ]


def test_what_comes_back_restores_who_bears_it_now_last_corrected_first(b: Bookkeeper) -> None:
    payment = b.pay("P1", "SUPPLIES", "100.00").subjects[0]
    b.do(correction("REPAIR", "30.00"))
    b.do(correction("SERVICE", "20.00", "GZ-2"))
    b.do(refund_notice(payment, [("1", 60_00)], MARCH_2, "0001"), "bank")
    assert [paid_and_left(b, each)[0] for each in ("SUPPLIES", "REPAIR", "SERVICE")] == [
        "40.00",
        "0.00",
        "0.00",
    ]
    back = b.do(refund_notice(payment, [("1", 40_00)], MARCH_2, "0002"), "bank").subjects[0]
    assert (back.status, back.borne) == ("refunded", ())
    assert b.refusal(correction("REPAIR", "0.01", "GZ-3")) == "correction_exceeds_paid"
    assert {
        name: amt for name, amt in b.books().items() if name not in ("指标来源", "支出指标")
    } == {}
    assert claims(b, "C1", MARCH_2) == [
        ("2301", "111", LINES),
        ("2302", "111", LINES),
    ]


def test_what_comes_back_of_a_line_restores_who_bears_that_line(b: Bookkeeper) -> None:
    lines = (detail("d1", "30.00"), detail("d2", "70.00"))
    payment = b.pay("P1", "SUPPLIES", "100.00", details=lines).subjects[0]
    b.do(correction("REPAIR", "30.00", pay_detail_id="d1"))
    b.do(refund_notice(payment, [("d2", 70_00)], MARCH_2, "0001"), "bank")
    assert paid_and_left(b, "SUPPLIES")[0] == "0.00"
    assert paid_and_left(b, "REPAIR")[0] == "30.00"


def test_a_payment_of_a_closed_month_is_corrected_in_the_open_one(b: Bookkeeper) -> None:
    b.pay("P1", "SUPPLIES", "100.00", effective_on=MARCH_2)
    b.clear("C1", MARCH_2)
    b.until(date(2026, 4, 20))
    b.do(ClosePeriod(through="2026-03-31"), "accountant")
    into_march = correction("REPAIR", "40.00", effective_on=MARCH_3)
    assert b.refusal(into_march) == "period_closed"
    b.do(correction("REPAIR", "40.00", "GZ-2", effective_on=date(2026, 4, 20)))
    [day] = b.sql(
        "SELECT DISTINCT effective_on FROM events WHERE ledger_id = %s"
        " AND type IN ('payment.corrected', 'payment.correction_taken')"
    )
    assert day == (date(2026, 4, 20),)
    assert paid_and_left(b, "REPAIR")[0] == "40.00"
