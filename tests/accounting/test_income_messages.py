"""收入日报报文: the central bank's signed 3401 is booked as a report from a file is."""

from datetime import date
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from accounting.income import CorrectIncome
from accounting.income_events import IncomeReceived
from budget.year_end.closing import CloseYear
from ledger.closing import ClosePeriod
from ledger.events import decode
from ledger.reading.documents import decompress
from ledger.reading.objects import read_bodies
from payments.clearing.cash import Cash
from payments.income_order_events import IncomeRefundOrdered, IncomeRefundReceipted
from payments.messages.income_orders import receipt_of
from payments.signing.orders import income_order
from payments.verification.agreement import NamedDocument, disagreement
from tests.accounting.test_income import (
    FINES,
    FRIDAY,
    LAND,
    MONDAY,
    THURSDAY,
    VAT,
    cash,
)
from tests.payments.test_channel_orders import verified
from tests.support import asking
from tests.support.bookkeeper import Bookkeeper
from tests.support.central_bank_reports import SigningCentralBank, income_day, told
from tests.support.channel_parties import BANK, ReceiptServer, SigningTreasury, central_bank
from tests.support.income_orders import answered, correction, refund
from tests.support.openings import TREASURY, income
from tests.support.sending import rows, sending
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("decided_again")


@pytest.fixture
def treasury(bookkeeper: Bookkeeper, tmp_path: Path) -> SigningTreasury:
    return SigningTreasury(bookkeeper, tmp_path)


@pytest.fixture
def pboc(treasury: SigningTreasury) -> SigningCentralBank:
    return SigningCentralBank(treasury)


def test_a_day_is_booked_on_the_central_banks_word_alone(
    bookkeeper: Bookkeeper, pboc: SigningCentralBank
) -> None:
    """Scenario 25, as a message: 增值税 2,000,000.00 and 罚没 345,678.90."""
    day = income_day("R1", THURSDAY, (VAT, "111", "2000000.00"), (FINES, "111", "345678.90"))
    assert told(pboc.report(day)) == ["created"]
    assert bookkeeper.books() == {
        "国库存款": "2345678.90",
        "税收收入": "2000000.00",
        "非税收入": "345678.90",
        "资金结存—库款资金结存": "2345678.90",
        "一般公共预算收入": "2345678.90",
    }
    assert cash(bookkeeper) == {f"{TREASURY}/11": Cash(free=234_567_890)}
    assert told(pboc.report(day)) == ["replayed"]  # signed anew, the same bytes
    assert bookkeeper.books()["国库存款"] == "2345678.90"


def test_the_signed_bytes_are_kept_with_what_they_booked(
    bookkeeper: Bookkeeper, pboc: SigningCentralBank
) -> None:
    day = income_day("R1", THURSDAY, (VAT, "111", "5.00"), (LAND, "121", "0.00"))
    pboc.report(day)
    [event] = [e for _, _, e in bookkeeper.events() if isinstance(e, IncomeReceived)]
    digest = bytes.fromhex(event.notice_sm3)
    with bookkeeper.pool.connection() as connection:
        bodies = read_bodies(connection, bookkeeper.ledger_id, [digest])
    assert decompress(bodies[digest]) == day.voucher
    assert [line.amt for line in event.lines] == ["5.00"]  # the other stands there for its month


def test_days_come_in_their_order_whichever_way(
    bookkeeper: Bookkeeper, pboc: SigningCentralBank
) -> None:
    bookkeeper.do(income("F1", THURSDAY, (VAT, "111", "1.00")), "accountant")
    monday = income_day("R3", MONDAY, (VAT, "111", "3.00"))
    [missing] = pboc.report(monday)
    assert missing.problem is not None
    assert missing.problem.code.text == "invalid_state"
    assert missing.problem.extra["missing_days"] == ["2026-01-16"]
    before = income_day("R0", date(2026, 1, 14), (VAT, "111", "1.00"))
    assert told(pboc.report(before)) == ["already_reported"]
    friday = income_day("R2", FRIDAY)  # nothing came
    assert told(pboc.report(friday, monday)) == ["created", "created"]
    other_way = income("R3", MONDAY, (VAT, "111", "3.00"))
    assert bookkeeper.refusal(other_way, "accountant") == "already_reported"
    assert bookkeeper.books()["国库存款"] == "4.00"
    refused = [e.code for _, _, e in bookkeeper.events() if e.TYPE == "command.refused"]
    assert refused == ["invalid_state", "already_reported", "already_reported"]


def test_a_signed_report_of_a_year_that_is_closed_for_good_moves_no_book_of_it(
    bookkeeper: Bookkeeper, pboc: SigningCentralBank
) -> None:
    """It was booked on 31 December, when the next year had begun without it."""
    bookkeeper.until(date(2027, 1, 4))
    bookkeeper.do(ClosePeriod(through="2026-12-31"), "accountant")  # before the reports begin
    bookkeeper.do(CloseYear(), "accountant")
    assert told(pboc.report(income_day("R1", date(2026, 12, 31), (VAT, "111", "5.00")))) == [
        "period_closed"
    ]
    assert bookkeeper.books() == {}


def test_a_signed_report_stands_in_the_place_of_the_files(
    bookkeeper: Bookkeeper, pboc: SigningCentralBank
) -> None:
    """A file loaded first made the signed report of its day already_reported; nobody saw that the
    central bank had said something else."""
    thursday = income("F1", THURSDAY, (VAT, "111", "100.00"), (FINES, "111", "9.00"))
    for by_file in (thursday, income("F2", FRIDAY, (VAT, "111", "5.00"))):
        of_level = (replace(line, budget_level_code="2") for line in by_file.lines)
        bookkeeper.do(replace(by_file, lines=tuple(of_level)), "accountant")
    day = income_day("R1", THURSDAY, (VAT, "111", "120.00"), (LAND, "121", "3.00"))
    assert told(pboc.report(day, income_day("R2", FRIDAY, (VAT, "111", "5.00")))) == ["created"] * 2
    first, second = (e for _, _, e in bookkeeper.events() if isinstance(e, IncomeReceived))
    assert (first.replaces, second.replaces, second.differences) == ("F1", "F2", ())
    assert [(line.inc_sort_code, line.amt) for line in first.differences] == [
        (VAT, "20.00"),
        (FINES, "-9.00"),
        (LAND, "3.00"),
    ]
    books = bookkeeper.books()
    assert (books["国库存款"], books["税收收入"]) == ("128.00", "125.00")
    another = income_day("R9", THURSDAY, (VAT, "111", "1.00"))
    assert told(pboc.report(day, another)) == ["replayed", "already_reported"]
    right = CorrectIncome(report_no="F1", correct_no="C1", lines=(), reason="多计")
    assert bookkeeper.refusal(right, "accountant") == "invalid_state"
    monday = income_day("R3", MONDAY)
    assert told(pboc.report(monday)) == ["created"]  # the order of days goes on


def test_a_number_is_taken_once_whichever_way(
    bookkeeper: Bookkeeper, pboc: SigningCentralBank
) -> None:
    bookkeeper.do(income("R1", THURSDAY, (VAT, "111", "1.00")), "accountant")
    assert told(pboc.report(income_day("R1", FRIDAY, (VAT, "111", "1.00")))) == ["already_reported"]


def test_nobody_else_signs_for_the_central_bank(
    bookkeeper: Bookkeeper, pboc: SigningCentralBank
) -> None:
    day = income_day("R1", THURSDAY, (VAT, "111", "1.00"))
    by_an_agent_bank = pboc.signed(day, BANK)
    signed = pboc.signed(day)
    changed = msgspec.structs.replace(signed, voucher=day.voucher.replace(b"1.00", b"9.00"))
    unsigned = pboc.hand_in([day])
    assert (
        told([*unsigned, *pboc.hand_in([by_an_agent_bank, changed])]) == ["signature_invalid"] * 3
    )
    assert bookkeeper.books() == {}


def test_what_contradicts_itself_is_refused_and_what_cannot_be_read_waits(
    bookkeeper: Bookkeeper, pboc: SigningCentralBank
) -> None:
    day = income_day("R1", THURSDAY, (VAT, "111", "1.00"))
    wrong_sum = day.voucher.replace(b"<SumMoney>1.00", b"<SumMoney>2.00")
    nameless = day.voucher.replace(TREASURY.encode(), b"")
    assert told(pboc.report(msgspec.structs.replace(day, voucher=wrong_sum))) == [
        "receipt_mismatch"
    ]
    [held] = pboc.report(msgspec.structs.replace(day, voucher=nameless))
    assert held.subjects[0].held.vt_code == "3401"
    assert told(pboc.report(day)) == ["created"]


def test_a_message_of_the_standards_form_names_its_fund_once(
    bookkeeper: Bookkeeper, pboc: SigningCentralBank
) -> None:
    day = income_day("R1", THURSDAY, (LAND, "", "7.00"))
    in_the_main_form = day.voucher.replace(
        b"<FundTypeCode></FundTypeCode>", b"<FundTypeCode>121</FundTypeCode>", 1
    )
    assert told(pboc.report(msgspec.structs.replace(day, voucher=in_the_main_form))) == ["created"]
    assert bookkeeper.books()["政府性基金预算收入"] == "7.00"


def test_a_signed_report_is_corrected_as_any_other(
    bookkeeper: Bookkeeper, pboc: SigningCentralBank
) -> None:
    pboc.report(income_day("R1", THURSDAY, (VAT, "111", "100.00")))
    right = CorrectIncome(report_no="R1", correct_no="C1", lines=(), reason="重复入库")
    outcome = bookkeeper.do(right, "accountant")
    assert outcome.subjects[0].correct_nos == ("C1",)
    assert cash(bookkeeper) == {f"{TREASURY}/11": Cash()}


def test_dry_run_stores_nothing(bookkeeper: Bookkeeper, pboc: SigningCentralBank) -> None:
    day = pboc.signed(income_day("R1", THURSDAY, (VAT, "111", "1.00")))
    assert told(pboc.hand_in([day], dry_run=True)) == ["created"]
    assert bookkeeper.books() == {}


def test_the_simulated_central_bank_sends_when_it_is_told(
    bookkeeper: Bookkeeper, treasury: SigningTreasury
) -> None:
    lines = [{"inc_sort_code": VAT, "fund_type_code": "111", "amt": "12.00"}]
    day = {"report_date": THURSDAY.isoformat(), "tre_code": TREASURY, "lines": lines}
    with ReceiptServer(treasury) as server, central_bank(treasury, server.url) as simulated:

        def tell(body: object) -> httpx.Response:
            return asking.post(f"{simulated.url}/sim/income", json=body)

        answer = tell(day).json()
        assert answer == {"report_no": "3401-4400000000-20260115", "vt_code": "3401"}
        wait_until(lambda: bookkeeper.books().get("国库存款") == "12.00")
        tell({**day, "ledger": "440000000-2026", "report_no": "R2", "report_date": "2026-01-16"})
        wait_until(lambda: bookkeeper.books()["国库存款"] == "24.00")
        parts = [{"budget_level_code": level, "percent": "50.00"} for level in "12"]
        shared = {
            "report_date": "2026-01-19",
            "income": lines,
            "shares": [{"inc_sort_code": "101", "start_date": "2026-01-01", "parts": parts}],
            "treasuries": [{"budget_level_code": "2", "tre_code": TREASURY}],
        }
        [sent] = asking.post(f"{simulated.url}/sim/shared-income", json=shared).json()
        assert sent["report_no"] == "3401-4400000000-20260119"
        wait_until(lambda: bookkeeper.books()["国库存款"] == "30.00")
        assert tell({**day, "lines": [{**lines[0], "amt": "1"}]}).json()["code"] == "invalid_amount"
        assert tell({**day, "day": 1}).json()["code"] == "malformed"


def test_a_former_event_says_that_nobody_had_signed() -> None:
    former = b'{"tre_code":"4400000000","report_date":"2026-01-15","report_no":"R1"}'
    assert not decode("income.day_reported", former).is_signed  # type: ignore[attr-defined]


# ---- closing a month


def _march_to(bookkeeper: Bookkeeper, last: int) -> None:
    for day in range(2, last + 1):
        if (on := date(2026, 3, day)).weekday() < 5:
            bookkeeper.do(income(f"F{day}", on, (VAT, "111", "1.00")), "accountant")


def test_a_month_waits_for_the_reports_of_its_days(bookkeeper: Bookkeeper) -> None:
    """March closed without the report of its last day: that was period_closed then, and each later
    one had it missing, so that no income of the account was booked any more."""
    bookkeeper.until(date(2026, 4, 2))
    bookkeeper.do(ClosePeriod(through="2026-02-28"), "admin")  # no report has begun
    _march_to(bookkeeper, 27)
    problem = bookkeeper.ask(ClosePeriod(through="2026-03-31"), "admin").problem
    assert problem is not None
    assert (problem.code.text, problem.extra["blockers"]) == (
        "period_not_ready",
        [
            {
                "kind": "income_missing",
                "number": f"{TREASURY}/2026-03-30",
                "amt": "0.00",
                "acts": ["bank.receipts"],
            },
        ],
    )
    for day in (30, 31):
        bookkeeper.do(income(f"F{day}", date(2026, 3, day)), "accountant")  # nothing came
    bookkeeper.do(ClosePeriod(through="2026-03-31"), "admin")


def test_a_signed_report_of_a_closed_month_is_booked_on_the_first_open_day(
    bookkeeper: Bookkeeper, pboc: SigningCentralBank
) -> None:
    bookkeeper.until(date(2026, 4, 2))
    bookkeeper.do(ClosePeriod(through="2026-03-31"), "admin")  # before the reports begin
    by_file = income("F31", date(2026, 3, 31), (VAT, "111", "5.00"))
    assert bookkeeper.refusal(by_file, "accountant") == "period_closed"
    late = income_day("R31", date(2026, 3, 31), (VAT, "111", "5.00"))
    after = income_day("R01", date(2026, 4, 1), (VAT, "111", "6.00"))
    assert told(pboc.report(late, after)) == ["created", "created"]
    assert bookkeeper.books()["国库存款"] == "11.00"
    asked = "SELECT effective_on FROM events WHERE ledger_id = %s AND type = %s ORDER BY position"
    booked_on = [day for (day,) in bookkeeper.sql(asked, "income.received")]
    assert booked_on == [date(2026, 4, 1), date(2026, 4, 1)]
    said = [e.report_date for _, _, e in bookkeeper.events() if isinstance(e, IncomeReceived)]
    assert said == ["2026-03-31", "2026-04-01"]
    early = income_day("R03", date(2026, 4, 3), (VAT, "111", "5.00"))
    assert told(pboc.report(early)) == ["future_date"]


def test_verification_compares_what_a_receipt_repeats_of_its_order(
    bookkeeper: Bookkeeper,
) -> None:
    """It looked at the number, the account and the amount alone."""
    bookkeeper.do(income("R1", THURSDAY, (VAT, "111", "5.00")), "accountant")
    asked = refund("TF-1", VAT, "5.00", FRIDAY)
    bookkeeper.do(asked, "accountant")
    bookkeeper.do(answered(bookkeeper.ledger_id, asked, FRIDAY), "pboc")
    by_type = {type(event): event for _, _, event in bookkeeper.events()}
    given: Any = by_type[IncomeRefundOrdered]
    order = income_order(bookkeeper.ledger_id, given)

    def found(**otherwise: str) -> str:
        text = receipt_of(replace(order, **otherwise), "SB1", FRIDAY, done=True)
        receipted = by_type[IncomeRefundReceipted]
        return disagreement(NamedDocument(bookkeeper.ledger_id, text, receipted, [given]))

    assert found() == found(payee_acct_name="", reason="") == ""
    assert found(income_sort_code=FINES).startswith("IncomeSortCode: the signed document says")
    assert found(fund_type_code="121").startswith("FundTypeCode")
    assert found(payee_acct_name="别人").startswith("PayeeAcctName")


def test_a_refund_is_ordered_and_paid_by_real_processes(
    treasury: SigningTreasury, tmp_path: Path
) -> None:
    """5209 through the outbox to the simulated central bank, and its receipt into the books."""
    keeper = treasury.keeper
    keeper.do(income("R1", THURSDAY, (VAT, "111", "1000.00")), "accountant")
    keeper.do(refund("TF-1", VAT, "300.00", FRIDAY), "accountant")
    keeper.do(correction("SG-1", VAT, FINES, "200.00", FRIDAY), "accountant")
    with (
        ReceiptServer(treasury) as server,
        central_bank(treasury, server.url) as bank,
        sending(treasury, "", bank.url),
    ):
        wait_until(lambda: keeper.books()["国库存款"] == "700.00")
        wait_until(lambda: rows(treasury) == [])
    assert verified(treasury, tmp_path) == [], "what the bank has signed is what is booked"
    books = keeper.books()
    assert (books["税收收入"], books["非税收入"]) == ("500.00", "200.00")
