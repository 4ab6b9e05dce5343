"""以前年度退回 under audit: signed notices, two years, the one held against the other, offline."""

from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

import psycopg
import pytest

from accounting.handing_over import HandingOver
from budget.year_end.carrying import CarryOver
from budget.year_end.closing import CloseYear
from budget.year_end_events import CarryOverItem
from ledger.account_set import ledger_id
from ledger.books import load_charts
from ledger.closing import ClosePeriod
from ledger.gm import default_provider
from ledger.postgres.database import Database
from ledger.writing.submitting import submit_to
from payments.receipts.bringing_returns import BringingReturns
from payments.verification.run import Options, verify_ledger
from tests.support.audited_books import AuditedBooks
from tests.support.bookkeeper import Bookkeeper, refund_notice
from tests.support.exports import export
from tests.support.tampering import rewritten
from tests.verifier.test_offline_verifier import run

JANUARY = date(2027, 1, 20)


class TwoYears:
    """100.00 were paid of B1 in 2026, and 50.00 of B2; 40.00 of B1 were carried over. In January
    60.00 and 10.00 came back, as the bank has signed, and the central bank has them."""

    def __init__(self, keeper: Bookkeeper, database: Database, folder: Path) -> None:
        self.keeper, self.database, self.folder = keeper, database, folder
        self._exports = count()
        keeper.issue("B1", "140.00")
        keeper.issue("B2", "50.00")
        books = AuditedBooks(keeper, folder)
        books.pay(["P1"], "B1", "100.00")
        books.pay(["P2"], "B2", "50.00")
        self.before = keeper.ledger_id
        keeper.clock.now = datetime(2027, 1, 4, 2, tzinfo=UTC)
        books.clear("C1", date(2026, 12, 31))
        keeper.do(ClosePeriod(through="2026-12-31"), "accountant")
        left = (CarryOverItem(bgt_id="B1", carryovers_amt="40.00"),)
        keeper.do(CarryOver(carry_no="JZ", items=left), "accountant")
        keeper.do(CloseYear(), "accountant")
        assert HandingOver(keeper.pool, submit_to(keeper.sequencer), load_charts()).look() == 1
        keeper.until(JANUARY)
        for number, of, amount_fen in (("N1", "P1", 6_000), ("N2", "P2", 1_000)):
            payment = books.payments([of])[of]
            books.take(refund_notice(payment, [("1", amount_fen)], JANUARY, number))
        bringing = BringingReturns(keeper.pool, submit_to(keeper.sequencer), keeper.clock)
        assert bringing.look() == 2
        keeper.year, keeper.ledger_id = 2027, ledger_id(keeper.division, 2027)
        self.now = keeper.ledger_id
        books.clear("C1", JANUARY)

    def rewrite(self, key: int, type_: str, old: bytes, new: bytes) -> None:
        """With digests and chain made to fit, as whoever owns the database can."""
        with psycopg.connect(self.database.owner_conninfo) as connection:
            connection.execute("SET session_replication_role = replica")
            rewritten(type_, 0, old, new)(connection, key)

    def found(self, key: int) -> set[str]:
        """By the program, the checks that find something."""
        report = verify_ledger(
            self.database.app_conninfo,
            load_charts(),
            default_provider(),
            key,
            Options(folder=self.folder / f"audit-{next(self._exports)}"),
        )
        assert report.counts["prior_return"] > 0
        return {each.check for each in report.findings} - {"clock"}  # its January may not have come

    def offline(self) -> tuple[int, str]:
        """This year's export, with last year's beside it."""
        place = self.folder / f"exports-{next(self._exports)}"
        place.mkdir()
        before, now = place / "before", place / "now"
        export(self.keeper.pool, self.before, before)
        export(self.keeper.pool, self.now, now)
        return run(str(now), "--other", str(before))


@pytest.fixture
def years(
    bookkeeper: Bookkeeper, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TwoYears:
    monkeypatch.setattr("tests.support.audited_books.END", datetime(2027, 12, 31, tzinfo=UTC))
    return TwoYears(bookkeeper, database, tmp_path)


BEFORE, NOW = "payment.returned", "prior_return.booked"
CHANGED = {
    "the amount that is booked": (NOW, b'"60.00"', b'"90.00"'),
    "where it is told": (NOW, b'"from_chain":"', b'"from_chain":"0'),
    "the day that is told": (BEFORE, b'"2027-01-20"', b'"2027-01-19"'),
    "of which indicator": (BEFORE, b'"bgt_id":"B1"', b'"bgt_id":"B2"'),
}


def test_it_holds_and_one_year_that_says_otherwise_than_the_other_is_found(
    years: TwoYears,
) -> None:
    assert (years.found(years.before), years.found(years.now)) == (set(), set())
    code, output = years.offline()
    assert code == 0, output
    assert "以前年度退回 returns of the year before, booked once as it tells: 4 returns" in output
    for what, (type_, old, new) in CHANGED.items():
        key = years.before if type_ == BEFORE else years.now
        years.rewrite(key, type_, old, new)
        assert "prior_return" in years.found(years.now), what
        code, output = years.offline()
        assert (code, "✗ 不符  以前年度退回" in output) == (1, True), what
        years.rewrite(key, type_, new, old)
    assert years.offline()[0] == 0
