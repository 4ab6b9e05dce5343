"""以前年度退回 under audit: signed notices, two years, the one held against the other, offline."""

from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

import psycopg
import pytest

from ledger.account_set import ledger_id
from ledger.books import load_charts
from ledger.gm import default_provider
from ledger.postgres.database import Database
from payments.receipts.bringing_returns import BringingReturns
from payments.submitting import submit_to
from payments.verification.run import Options, verify_ledger
from tests.support.audited_books import AuditedBooks
from tests.support.bookkeeper import Bookkeeper, refund_notice
from tests.support.exports import export
from tests.support.tampering import rewritten
from tests.verifier.test_offline_verifier import run

JANUARY = date(2027, 1, 20)


class TwoYears:
    """100.00 were paid in 2026; 60.00 and 10.00 of it came back in January, as the bank has
    signed."""

    def __init__(self, keeper: Bookkeeper, database: Database, folder: Path) -> None:
        self.keeper, self.database, self.folder = keeper, database, folder
        self._exports = count()
        keeper.issue("B1", "100.00")
        books = AuditedBooks(keeper, folder)
        books.pay(["P1"], "B1", "100.00")
        self.before = keeper.ledger_id
        keeper.year = 2027
        keeper.clock.now = datetime(2027, 1, 20, 2, tzinfo=UTC)
        for number, amount_fen in (("N1", 6_000), ("N2", 1_000)):
            payment = books.payments(["P1"])["P1"]
            books.take(refund_notice(payment, [("1", amount_fen)], JANUARY, number))
        keeper.ledger_id = self.now = ledger_id(keeper.division, 2027)
        keeper.open()
        bringing = BringingReturns(keeper.pool, submit_to(keeper.sequencer), keeper.clock)
        assert bringing.look() == 2

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
