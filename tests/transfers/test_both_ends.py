"""转移支付 at both ends: what a verification finds, online and offline, and how a year ends."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from accounting.handing_over import HandingOver
from budget.transfer_events import EventPlace, TransferTerms
from budget.year_end.carrying import CarryOver
from budget.year_end.closing import CloseYear
from budget.year_end_events import CarryOverItem
from ledger.books import load_charts
from ledger.closing import ClosePeriod, ReopenPeriod
from ledger.postgres.database import Database
from ledger.writing.submitting import submit_to
from tests.accounting.test_verifying import found
from tests.payments.test_closing import blockers
from tests.support.bookkeeper import Bookkeeper
from tests.support.exports import export
from tests.support.tiers import CITY, DOCUMENT, PROVINCE, Tiers, sending, tiers_on
from tests.transfers.test_sending import of_document
from tests.verifier.test_offline_verifier import run
from transfers.answering import NoteAcceptance
from transfers.receiving import ReceiveTransfer

NOWHERE = EventPlace(f"{PROVINCE}-2026", 3, "ab" * 32, "cd" * 32)
TERMS = TransferTerms(tp_func_code="23003", fund_type_code="111", amt="1000.00")
CLOSE_DECEMBER = ClosePeriod(through="2026-12-31")
NEW_YEAR = datetime(2027, 1, 4, 2, tzinfo=UTC)


@pytest.fixture
def tiers(database: Database) -> Iterator[Tiers]:
    with tiers_on(database) as opened:
        yield opened


def told(database: Database, keeper: Bookkeeper, folder: Path) -> list[str]:
    """What of transfers the audit finds; beside it nothing."""
    every = found(database, keeper, folder)
    assert all(each.startswith("transfer at") for each in every), every
    return [each.partition(": ")[2] for each in every]


def test_both_ends_agree(tiers: Tiers, database: Database, tmp_path: Path) -> None:
    tiers.province.do(sending(amt="600.00"))
    tiers.province.do(sending("tp-2", "400.00", bgt_doc_no="粤财预〔2026〕9号"))
    tiers.delivered()
    tiers.city.accept()
    tiers.delivered()
    for keeper in (tiers.province, tiers.city):
        assert told(database, keeper, tmp_path) == []


@pytest.mark.parametrize("forged", ["nothing sent", "more", "twice"])
def test_who_enters_what_nobody_has_sent_is_found(
    tiers: Tiers, database: Database, tmp_path: Path, forged: str
) -> None:
    """Who gains is whoever may issue of it: no person may enter one, and the program's own
    command, asked by somebody at the machine, names a place that says otherwise."""
    tiers.province.do(sending(amt="600.00"))
    tiers.delivered()
    received = tiers.city.received()
    assert received is not None
    place = NOWHERE if forged == "nothing sent" else received.issued
    terms = received.terms if forged == "twice" else TERMS
    made_up = ReceiveTransfer(
        sup_bgt_doc_no="粤财预〔2026〕99号", transfer_no="tp-1", terms=terms, issued=place
    )
    tiers.city.do(made_up, "guoku")
    [finding] = told(database, tiers.city, tmp_path)
    assert ("摘要不符" if forged == "nothing sent" else "与下达不符") in finding


def test_a_word_that_the_receiver_never_gave_is_found(
    tiers: Tiers, database: Database, tmp_path: Path
) -> None:
    tiers.province.do(sending(amt="600.00"))
    place = EventPlace(f"{CITY}-2026", 1, "ab" * 32, "cd" * 32)
    noted = NoteAcceptance(transfer_no="tp-1", rec_no="JS-1", amt="600.00", accepted=place)
    tiers.province.do(noted, "guoku")
    findings = told(database, tiers.province, tmp_path)
    assert any("摘要不符" in each for each in findings)
    assert any("接收方无登记" in each for each in findings)


def test_a_document_is_taken_by_one_transfer_alone(
    tiers: Tiers, database: Database, tmp_path: Path
) -> None:
    """A made-up transfer in the name of a document that comes later stands in its way, visibly."""
    made_up = ReceiveTransfer(
        sup_bgt_doc_no=DOCUMENT, transfer_no="tp-0", terms=TERMS, issued=NOWHERE
    )
    tiers.city.do(made_up, "guoku")
    tiers.province.do(sending(amt="600.00"))
    assert tiers.delivered() == 0
    [finding] = told(database, tiers.province, tmp_path)
    assert "文号被占用" in finding


def test_offline_both_exports_are_held_against_each_other(tiers: Tiers, tmp_path: Path) -> None:
    tiers.province.do(sending(amt="600.00"))
    tiers.province.do(sending("tp-2", "400.00", bgt_doc_no="粤财预〔2026〕9号"))
    tiers.delivered()
    tiers.city.accept()
    tiers.delivered()
    folders = [tmp_path / name for name in ("province", "city")]
    for folder, keeper in zip(folders, (tiers.province, tiers.city), strict=True):
        export(keeper.pool, keeper.ledger_id, folder)
    province, city = map(str, folders)
    for one, other in ((province, city), (city, province)):
        code, output = run(one, "--other", other)
        assert code == 0, output
        assert "✓ 相符  转移支付" in output
        assert "sent 1000.00 = accepted 600.00 + in transit 400.00" in output
    made_up = ReceiveTransfer(
        sup_bgt_doc_no="粤财预〔2026〕99号", transfer_no="tp-1", terms=TERMS, issued=NOWHERE
    )
    tiers.city.do(made_up, "guoku")
    export(tiers.city.pool, tiers.city.ledger_id, tmp_path / "forged")
    code, output = run(str(tmp_path / "forged"), "--other", province)
    assert code == 1
    assert "无此事件" in output


@pytest.mark.usefixtures("decided_again")
def test_a_year_ends_when_nothing_is_under_way(tiers: Tiers) -> None:
    province, city = tiers.province, tiers.city
    province.do(sending(amt="1000.00"))
    tiers.delivered()
    for keeper in (province, city):
        keeper.clock.now = NEW_YEAR
        keeper.do(CLOSE_DECEMBER, "accountant")
    late = ClosePeriod(through="2026-13")
    assert blockers(province.ask(late)) == [("transfer_in_transit", "tp-1", "1000.00")]
    assert blockers(city.ask(late)) == [("transfer_not_accepted", DOCUMENT, "1000.00")]
    assert blockers(city.ask(CloseYear(), "accountant")) == [
        ("transfer_not_accepted", DOCUMENT, "1000.00")
    ]


@pytest.mark.usefixtures("decided_again")
def test_what_was_sent_leaves_the_book_of_a_closed_year(tiers: Tiers) -> None:
    province, city = tiers.province, tiers.city
    province.do(sending(amt="1000.00"))
    tiers.delivered()
    city.accept()
    city.do(of_document("B1", "900.00"))
    tiers.delivered()
    for keeper in (province, city):
        keeper.clock.now = NEW_YEAR
        keeper.do(CLOSE_DECEMBER, "accountant")
    assert blockers(city.ask(CloseYear(), "accountant")) == [
        ("unspent", "B1", "900.00"),
        ("unspent", DOCUMENT, "100.00"),
    ]
    city.do(ReopenPeriod(from_month="2026-12", reason="结转"), "accountant")
    city.do(of_document("B2", "100.00", effective_on=date(2026, 12, 31)))
    kept = tuple(
        CarryOverItem(bgt_id=bgt_id, carryovers_amt=amt)
        for bgt_id, amt in (("B1", "900.00"), ("B2", "100.00"))
    )
    city.do(CarryOver(carry_no="JZ-1", items=kept))
    city.do(ClosePeriod(through="2026-12-31", reopened=1), "accountant")
    for keeper in (province, city):
        keeper.do(CloseYear(), "accountant")
        HandingOver(keeper.pool, submit_to(keeper.sequencer), load_charts()).look()
    assert "transfer.written_off" in [name for _, name, _ in province.events()]
    assert "支出指标—转移支付" not in province.books()
    assert "指标来源" not in province.books()
    assert "指标来源" not in city.books()
