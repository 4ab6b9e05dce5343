"""收入日报报文: the central bank's signed 3401 is booked as a report from a file is."""

from pathlib import Path

import httpx
import msgspec
import pytest

from accounting.income import CorrectIncome
from accounting.income_events import IncomeReceived
from ledger.events import decode
from ledger.reading.documents import decompress
from ledger.reading.objects import read_bodies
from payments.clearing.cash import Cash
from tests.accounting.test_income import (
    FINES,
    FRIDAY,
    LAND,
    MONDAY,
    THURSDAY,
    VAT,
    cash,
)
from tests.support.bookkeeper import Bookkeeper
from tests.support.central_bank_reports import SigningCentralBank, income_day, told
from tests.support.channel_parties import BANK, ReceiptServer, SigningTreasury, central_bank
from tests.support.openings import TREASURY, income
from tests.support.waiting import HANG_S, wait_until

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
    again = income_day("R1", THURSDAY, (VAT, "111", "1.00"))
    assert told(pboc.report(again)) == ["already_reported"]
    friday = income_day("R2", FRIDAY)  # nothing came
    assert told(pboc.report(friday, monday)) == ["created", "created"]
    other_way = income("R3", MONDAY, (VAT, "111", "3.00"))
    assert bookkeeper.refusal(other_way, "accountant") == "already_reported"
    assert bookkeeper.books()["国库存款"] == "4.00"
    refused = [e.code for _, _, e in bookkeeper.events() if e.TYPE == "command.refused"]
    assert refused == ["invalid_state", "already_reported", "already_reported"]


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
            return httpx.post(
                f"{simulated.url}/sim/income", json=body, timeout=HANG_S, trust_env=False
            )

        answer = tell(day).json()
        assert answer == {"report_no": "3401-4400000000-20260115", "vt_code": "3401"}
        wait_until(lambda: bookkeeper.books().get("国库存款") == "12.00")
        tell({**day, "ledger": "440000000-2026", "report_no": "R2", "report_date": "2026-01-16"})
        wait_until(lambda: bookkeeper.books()["国库存款"] == "24.00")
        assert tell({**day, "lines": [{**lines[0], "amt": "1"}]}).json()["code"] == "invalid_amount"
        assert tell({**day, "day": 1}).json()["code"] == "malformed"


def test_a_former_event_says_that_nobody_had_signed() -> None:
    former = b'{"tre_code":"4400000000","report_date":"2026-01-15","report_no":"R1"}'
    assert not decode("income.day_reported", former).is_signed  # type: ignore[attr-defined]
