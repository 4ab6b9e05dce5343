"""库款调度与结算: cash goes ahead of transfers, and is settled against them."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from budget.transfer_events import EventPlace
from ledger.account_set import ledger_text
from ledger.closing import ClosePeriod
from ledger.deciding.registers import AnyRegister
from ledger.postgres.database import Database
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_objects
from ledger.writing.submitting import submit_to
from payments.clearing.cash import CASH, Cash
from projections.transfer_lists import status_now
from tests.accounting.test_verifying import found
from tests.payments.test_closing import blockers
from tests.support.bookkeeper import Bookkeeper
from tests.support.openings import TREASURY, cash_opened
from tests.support.tier_cash import (
    arrival_of,
    dispatch,
    dispatched,
    receipt_of,
    return_of,
    settlement,
)
from tests.support.tiers import CITY, COUNTY, PROVINCE, Tiers, sending, tiers_on
from tests.transfers.test_both_ends import CLOSE_DECEMBER, NEW_YEAR
from transfers.arriving import NoteArrival
from transfers.bringing_funds import BringingFunds
from transfers.reducing import ReduceTransfer
from transfers.settling import TakeSettlement
from transfers.tier_funds import FUND_DISPATCH, TIER_FUNDS, TierFunds
from transfers.transfer import TRANSFER

pytestmark = pytest.mark.usefixtures("decided_again")
GENERAL = f"{CITY}/11/"
NOWHERE = EventPlace(f"{CITY}-2026", 3, "ab" * 32, "cd" * 32)


@pytest.fixture
def tiers(database: Database) -> Iterator[Tiers]:
    with tiers_on(database) as opened:
        opened.province.do(cash_opened(f111="1000.00"), "accountant")
        yield opened


def brought(tiers: Tiers) -> int:
    """By a program that has just started."""
    province = tiers.province
    return BringingFunds(province.pool, submit_to(province.sequencer)).look()


def between(keeper: Bookkeeper, key: str) -> TierFunds:
    found: TierFunds = row(keeper, TIER_FUNDS, key)
    return found


def status(keeper: Bookkeeper, transfer_no: str) -> str:
    with keeper.pool.connection() as connection:
        found = read_objects(connection, keeper.ledger_id, TRANSFER, [transfer_no])
        return status_now(connection, keeper.ledger_id, found[transfer_no])


def row(keeper: Bookkeeper, register: AnyRegister, key: str) -> Any:
    with keeper.pool.connection() as connection:
        return read_rows(connection, keeper.ledger_id, register, [key]).get(key, register.row())


def test_cash_is_lent_ahead_and_settled_against_what_was_sent(tiers: Tiers) -> None:
    province, city = tiers.province, tiers.city
    ordered = province.do(dispatch("DD-1", CITY, "300.00")).subjects[0]
    assert ordered.ordered.voucher_no == "5207:440000000-2026:dispatch:DD-1"
    assert ordered.ordered.payee_acct_no == f"011{CITY}01", "nobody names another account"
    assert row(province, CASH, f"{TREASURY}/11") == Cash(free=700_00, claimed=300_00)
    assert "与下级往来" not in province.books(), "nothing has left"

    province.do(receipt_of(ordered), "pboc")
    assert (province.books()["与下级往来"], province.books()["国库存款"]) == ("300.00", "700.00")
    assert province.books()["资金结存—上下级调拨结存"] == "300.00"
    assert between(province, GENERAL).in_transit == 300_00
    assert brought(tiers) == 0, "it is not there"

    city.do(arrival_of(province, ordered), "pboc")
    assert (city.books()["国库存款"], city.books()["与上级往来"]) == ("300.00", "300.00")
    assert city.books()["资金结存—上下级调拨结存"] == "-300.00"
    assert brought(tiers) == 1
    assert between(province, GENERAL).in_transit == 0

    assert province.refusal(settlement("JS-1", CITY, "300.00")) == "insufficient_budget"
    province.do(sending(amt="250.00"))
    assert province.refusal(settlement("JS-1", CITY, "250.01")) == "insufficient_budget"
    province.do(settlement("JS-1", CITY, "250.00"))
    assert (province.books()["补助费用"], province.books()["与下级往来"]) == ("250.00", "50.00")
    assert province.books()["补助预算支出"] == "250.00"
    assert brought(tiers) == 2, "booked there, and known here"
    assert brought(tiers) == 0
    assert (city.books()["补助收入"], city.books()["与上级往来"]) == ("250.00", "50.00")
    assert city.books()["补助预算收入"] == "250.00"
    above, below = between(city, f"{PROVINCE}/11/"), between(province, GENERAL)
    assert above.due_to_above == below.due_from_below == 50_00

    back = city.do(dispatch("TH-1", PROVINCE, "50.00")).subjects[0]
    city.do(receipt_of(back), "pboc")
    province.do(arrival_of(city, back, tre_code=TREASURY), "pboc")
    assert brought(tiers) == 1
    for keeper, account in ((province, "与下级往来"), (city, "与上级往来")):
        assert keeper.books().get(account) is None, "settled"
        assert keeper.books().get("资金结存—上下级调拨结存") is None
    assert province.books()["国库存款"] == "750.00"


def test_what_the_lower_tier_owes_is_paid_up_before_or_after_it_is_settled(tiers: Tiers) -> None:
    province, city = tiers.province, tiers.city
    dispatched(province, city, "DD-1", CITY, "100.00")
    province.do(settlement("SJ-1", CITY, "30.00", settle_kind="remittance"))
    assert brought(tiers) == 3
    assert (province.books()["上解收入"], province.books()["与下级往来"]) == ("30.00", "130.00")
    assert province.books()["上解预算收入"] == "30.00"
    assert (city.books()["上解费用"], city.books()["与上级往来"]) == ("30.00", "130.00")
    assert city.books()["上解预算支出"] == "30.00"
    assert city.refusal(settlement("SJ-2", PROVINCE, "1.00")) == "element_invalid"


def test_never_above_cash_never_to_a_tier_that_is_none_and_not_of_other_funds(
    tiers: Tiers,
) -> None:
    province = tiers.province
    assert province.refusal(dispatch("DD-1", CITY, "1000.01")) == "insufficient_cash"
    assert province.refusal(dispatch("DD-1", CITY, "1.00", fund_type_code="121")) == (
        "insufficient_cash"
    )
    for fund in ("2", "31", "1"):
        assert province.refusal(dispatch("DD-1", CITY, "1.00", fund_type_code=fund)) == (
            "element_invalid"
        )
    assert province.refusal(dispatch("DD-1", "430100000", "1.00")) == "element_invalid"
    assert province.refusal(dispatch("DD-1", PROVINCE, "1.00")) == "element_invalid"
    rejected = province.do(dispatch("DD-1", CITY, "1000.00")).subjects[0]
    done = province.do(receipt_of(rejected, paid=False), "pboc").subjects[0]
    assert done.status == "rejected"
    assert row(province, CASH, f"{TREASURY}/11") == Cash(free=1000_00)
    assert between(province, GENERAL) == TierFunds()


def test_what_comes_back_is_as_if_it_had_not_left_and_arrives_no_more(
    tiers: Tiers, database: Database, tmp_path: Path
) -> None:
    province, city = tiers.province, tiers.city
    ordered = province.do(dispatch("DD-1", CITY, "300.00")).subjects[0]
    assert province.refusal(return_of(ordered), "pboc") == "receipt_mismatch", "it has not left"
    province.do(receipt_of(ordered), "pboc")
    assert province.refusal(return_of(ordered, "299.99"), "pboc") == "receipt_mismatch"
    back = province.do(return_of(ordered), "pboc").subjects[0]
    assert (back.status, province.books()["国库存款"]) == ("returned", "1000.00")
    assert province.books().get("与下级往来") is None
    assert province.books().get("资金结存—上下级调拨结存") is None
    assert between(province, GENERAL) == TierFunds()
    assert row(province, CASH, f"{TREASURY}/11") == Cash(free=1000_00)
    again = return_of(ordered, notice_no="3208-2")
    assert province.refusal(again, "pboc") == "receipt_mismatch", "once"
    there = NoteArrival(dispatch_no="DD-1", amt="300.00", arrived=NOWHERE)
    assert province.refusal(there, "guoku") == "invalid_state"

    dispatched(province, city, "DD-2", CITY, "100.00")
    brought(tiers)
    [arrived] = province.do(dispatch("DD-3", CITY, "1.00")).subjects
    province.do(receipt_of(arrived), "pboc")
    city.do(arrival_of(province, arrived), "pboc")
    province.do(return_of(arrived, notice_no="3208-3"), "pboc")  # the bank says both
    findings = [each for each in found(database, city, tmp_path) if "tier_funds" in each]
    assert len(findings) == 1
    assert "调度已退回" in findings[0]


def test_cash_of_direct_funds_is_kept_apart(tiers: Tiers) -> None:
    province, city = tiers.province, tiers.city
    province.do(sending("tp-1", "200.00", is_dir_code="01", track_pro_code="Z01"))
    province.do(sending("tp-2", "80.00", bgt_doc_no="粤财预〔2026〕9号"))
    direct = {"is_dir_code": "01"}
    assert province.refusal(dispatch("DD-1", CITY, "200.01", **direct)) == "insufficient_budget"
    assert province.refusal(dispatch("DD-1", COUNTY, "1.00", **direct)) == "insufficient_budget"
    dispatched(province, city, "DD-1", CITY, "150.00", **direct)
    assert province.refusal(dispatch("DD-2", CITY, "50.01", **direct)) == "element_mismatch"
    assert city.refusal(dispatch("DD-1", PROVINCE, "1.00", **direct)) == "element_mismatch"
    # 80.00 is what others are for, whatever cash of direct funds there is
    assert province.refusal(settlement("JS-1", CITY, "100.00")) == "element_mismatch"
    assert province.refusal(settlement("JS-1", CITY, "200.01", **direct)) == "insufficient_budget"
    province.do(settlement("JS-1", CITY, "150.00", **direct))
    assert brought(tiers) == 3
    assert between(province, f"{CITY}/11/01").due_from_below == 0
    assert between(city, f"{PROVINCE}/11/01").due_to_above == 0


def test_an_arrival_is_booked_once_and_never_of_what_lies_beside(tiers: Tiers) -> None:
    province, city = tiers.province, tiers.city
    ordered = province.do(dispatch("DD-1", CITY, "300.00")).subjects[0]
    arrival = arrival_of(province, ordered)
    city.do(arrival, "pboc")
    assert city.do(arrival, "pboc").replayed
    other = arrival_of(province, ordered, notice_no="DZ-2")
    assert city.refusal(other, "pboc") == "idempotency_conflict"
    beside = arrival_of(province, ordered, from_ledger="440200000-2026", voucher_no="x")
    assert city.refusal(beside, "pboc") == "receipt_mismatch"
    assert city.books()["国库存款"] == "300.00"
    assert brought(tiers) == 0, "the sender's own receipt is not in"
    province.do(receipt_of(ordered), "pboc")
    assert brought(tiers) == 1
    with province.pool.connection() as connection:
        there = read_objects(connection, province.ledger_id, FUND_DISPATCH, ["DD-1"])["DD-1"]
    assert there.status == "arrived"
    assert there.noted.arrived.ledger == ledger_text(city.ledger_id)


def test_what_was_settled_is_not_taken_back(tiers: Tiers) -> None:
    province = tiers.province
    province.do(sending(amt="250.00"))
    province.do(settlement("JS-1", CITY, "200.00"))
    reduced = ReduceTransfer(transfer_no="tp-1", reduce_no="TJ-1", amt="50.01")
    assert province.refusal(reduced) == "invalid_state"
    province.do(ReduceTransfer(transfer_no="tp-1", reduce_no="TJ-1", amt="50.00"))


def test_a_year_ends_when_nothing_is_on_its_way_and_what_can_be_is_settled(tiers: Tiers) -> None:
    province, city = tiers.province, tiers.city
    province.do(sending(amt="250.00"))
    tiers.delivered()
    city.accept()
    tiers.delivered()
    ordered = province.do(dispatch("DD-1", CITY, "300.00")).subjects[0]
    province.clock.now = NEW_YEAR
    assert blockers(province.ask(CLOSE_DECEMBER, "accountant")) == [("ordered", "DD-1", "300.00")]
    province.do(receipt_of(ordered), "pboc")
    province.do(CLOSE_DECEMBER, "accountant")
    late = ClosePeriod(through="2026-13")
    assert blockers(province.ask(late)) == [
        ("funds_in_transit", GENERAL, "300.00"),
        ("funds_unsettled", GENERAL, "250.00"),
    ]
    city.do(arrival_of(province, ordered), "pboc")
    assert status(province, "tp-1") == "accepted"
    province.do(settlement("JS-1", CITY, "250.00", effective_on=date(2026, 12, 31)))
    assert status(province, "tp-1") == "settled"
    assert blockers(province.ask(late)) == [("funds_in_transit", GENERAL, "550.00")]
    brought(tiers)
    assert province.ask(late, "accountant").problem is None, "50.00 stays owed"


def test_who_enters_what_the_other_end_has_not_said_is_found(
    database: Database, tmp_path: Path
) -> None:
    with tiers_on(database) as tiers:
        province, city = tiers.province, tiers.city
        province.do(cash_opened(f111="1000.00"), "accountant")
        province.do(sending(amt="250.00"))
        dispatched(province, city, "DD-1", CITY, "300.00")
        province.do(settlement("JS-1", CITY, "250.00"))
        brought(tiers)
        made_up = EventPlace(f"{PROVINCE}-2026", 3, "ab" * 32, "cd" * 32)
        told = {"fund_type_code": "111", "is_dir_code": "", "amt": "9.00"}
        forged = TakeSettlement(settle_no="JS-9", settle_kind="subsidy", settled=made_up, **told)
        city.do(forged, "guoku")
        findings = [each for each in found(database, city, tmp_path) if "tier_funds" in each]
        assert len(findings) == 1
        assert "摘要不符" in findings[0]
        findings = [each for each in found(database, province, tmp_path) if "tier_funds" in each]
        assert findings == []
