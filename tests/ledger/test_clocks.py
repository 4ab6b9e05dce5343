"""Two clocks: the host's and the database server's have to agree before anything is committed.

Two seconds of a clock 400 days ahead once made every later event look as late as that, for 400
days, and the verification fail for good.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from ledger.books import load_charts
from ledger.deciding.clock import CorrectClock
from ledger.deciding.command import Command, Outcome, Submission
from ledger.deciding.state import BEIJING
from ledger.elements import stored_code_sets
from ledger.errors import UnavailableError
from ledger.gm import default_provider
from ledger.postgres.database import Database
from ledger.verification.findings import first_of
from ledger.writing.clocks import SECOND_US, ClockReading, StepWatch, clock_fault
from ledger.writing.committer import WRITER_PROCESS_SUBMISSIONS_MIN
from ledger.writing.sequencer import Sequencer
from payments.verification.run import Options, VerificationReport, verify_ledger
from tests.support.bookkeeper import Bookkeeper, payment
from tests.support.waiting import HANG_S

pytestmark = pytest.mark.usefixtures("decided_again")

TOLERANCE = timedelta(seconds=5)
TOLERANCE_US = TOLERANCE // timedelta(microseconds=1)
DAYS_400 = timedelta(days=400)


class HostClock:
    """The host's clock, which a test sets ahead or behind."""

    def __init__(self) -> None:
        self.off = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.off


class HostedLedger:
    """A ledger of this year that is kept by the clock of the host."""

    def __init__(self, pool: ConnectionPool, writer_conninfo: str) -> None:
        self.keeper = Bookkeeper(pool, year=datetime.now(UTC).year)
        self.keeper.sequencer.close()
        self.clock = HostClock()
        self.keeper.sequencer = self.sequencer = Sequencer(
            pool,
            load_charts(),
            stored_code_sets.shipped,
            self.clock,
            writer_conninfo=writer_conninfo,
            clock_tolerance=TOLERANCE,
        )

    def open(self) -> None:
        self.keeper.open()
        self.keeper.issue("B", "100000.00")

    def ask(self, *commands: Command) -> list[Outcome]:
        submissions = [Submission(command=command, by="maker") for command in commands]
        return self.sequencer.submit(self.keeper.ledger_id, submissions).result(HANG_S)

    def skew(self, *commands: Command) -> float:
        """By how many seconds it is told the clocks disagree."""
        with pytest.raises(UnavailableError) as refused:
            self.ask(*commands)
        assert refused.value.code.text == "clock_skewed"
        assert refused.value.retry_after_s > 0
        return float(refused.value.extra["skew_s"])

    def head(self) -> tuple[int, datetime]:
        [row] = self.keeper.sql("SELECT position, recorded_at FROM ledgers WHERE ledger_id = %s")
        return row[0], row[1]

    def record_ahead(self, number: str) -> None:
        """As a release did that compared nothing: an event 400 days ahead."""
        sequencer = Sequencer(
            self.keeper.pool,
            load_charts(),
            stored_code_sets.shipped,
            lambda: datetime.now(UTC) + DAYS_400,
        )
        command = payment(number, "B", "1.00", effective_on=datetime.now(BEIJING).date())
        [outcome] = sequencer.submit(
            self.keeper.ledger_id, [Submission(command=command, by="maker")]
        ).result(HANG_S)
        sequencer.close()
        assert outcome.problem is None, str(outcome.problem)


@pytest.fixture
def hosted(pool: ConnectionPool, database: Database) -> Iterator[HostedLedger]:
    hosted = HostedLedger(pool, database.app_conninfo)
    yield hosted
    hosted.keeper.close()


def verify(hosted: HostedLedger, database: Database, folder: Path) -> VerificationReport:
    return verify_ledger(
        database.app_conninfo,
        load_charts(),
        default_provider(),
        hosted.keeper.ledger_id,
        Options(folder=folder, resume=False),
    )


# ---- the comparison


def test_neither_the_way_nor_a_lock_that_is_waited_for_is_a_difference() -> None:
    assert ClockReading(before_us=100, server_us=150, after_us=9_000_100).skew_us == 0
    assert ClockReading(before_us=100, server_us=40, after_us=200).skew_us == 60
    assert ClockReading(before_us=100, server_us=260, after_us=200).skew_us == -60


@pytest.mark.parametrize(("off_s", "refused"), [(5, False), (6, True), (-5, False), (-6, True)])
def test_a_few_seconds_do_no_harm(off_s: int, refused: bool) -> None:
    host_us = (1_000 + off_s) * SECOND_US
    reading = ClockReading(host_us, 1_000 * SECOND_US, host_us)
    assert (clock_fault(reading, 0, TOLERANCE_US) is not None) is refused


def test_a_last_event_ahead_of_both_clocks_refuses_whatever_they_say_of_each_other() -> None:
    reading = ClockReading(1_000 * SECOND_US, 1_000 * SECOND_US, 1_000 * SECOND_US)
    assert clock_fault(reading, 1_005 * SECOND_US, TOLERANCE_US) is None
    fault = clock_fault(reading, 1_006 * SECOND_US, TOLERANCE_US)
    assert fault is not None
    assert fault.extra["skew_s"] == 6.0


def test_a_clock_that_was_set_is_believed_once_it_has_held() -> None:
    """Where Postgres runs on the same machine both clocks are one and agree: time that passes
    evenly is what is left to compare with."""
    clock, passed_s = HostClock(), [0]
    base = datetime(2026, 3, 2, tzinfo=UTC)
    watch = StepWatch(
        lambda: base + timedelta(seconds=passed_s[0]) + clock.off,
        TOLERANCE_US,
        lambda: passed_s[0] * SECOND_US,
    )
    assert watch.fault() is None
    clock.off = DAYS_400
    passed_s[0] = 2
    fault = watch.fault()
    assert fault is not None
    assert fault.extra["skew_s"] == 400 * 86_400
    clock.off = timedelta()
    assert watch.fault() is None  # two seconds of it left nothing

    clock.off = timedelta(minutes=-10)  # set right, for good
    assert watch.fault() is not None
    passed_s[0] += 59
    assert watch.fault() is not None
    passed_s[0] += 1
    assert watch.fault() is None


# ---- the write path


@pytest.mark.parametrize("days", [400, -400])
def test_nothing_is_committed_while_the_clocks_differ(hosted: HostedLedger, days: int) -> None:
    """And it goes on by itself when they agree again."""
    hosted.open()
    before = hosted.head()
    hosted.clock.off = timedelta(days=days)
    assert hosted.skew(payment("P1", "B", "1.00")) == pytest.approx(days * 86_400, abs=HANG_S)
    many = [payment(f"M{n}", "B", "1.00") for n in range(WRITER_PROCESS_SUBMISSIONS_MIN)]
    assert hosted.skew(*many) == pytest.approx(days * 86_400, abs=HANG_S)
    assert hosted.head() == before

    hosted.clock.off = timedelta()
    outcomes = hosted.ask(payment("P1", "B", "1.00"), *many)
    assert all(outcome.problem is None and not outcome.replayed for outcome in outcomes)


def test_no_ledger_is_opened_by_a_clock_that_is_ahead(hosted: HostedLedger) -> None:
    hosted.clock.off = DAYS_400
    with pytest.raises(UnavailableError, match="clock_skewed"):
        hosted.keeper.open()
    assert hosted.keeper.sql("SELECT 1 FROM ledgers WHERE ledger_id = %s") == []
    hosted.clock.off = timedelta()
    hosted.open()


def test_a_clock_that_jumps_between_two_large_batches_commits_nothing_of_the_second(
    hosted: HostedLedger, database: Database
) -> None:
    """The second is decided before its head is locked, on what the first one leaves."""
    hosted.open()
    sizes = range(WRITER_PROCESS_SUBMISSIONS_MIN)
    with psycopg.connect(database.owner_conninfo) as holder:
        holder.execute(
            "SELECT FROM ledgers WHERE ledger_id = %s FOR UPDATE", [hosted.keeper.ledger_id]
        )
        batches = [
            hosted.sequencer.submit(
                hosted.keeper.ledger_id,
                [Submission(command=payment(f"{b}-{n}", "B", "1.00"), by="maker") for n in sizes],
            )
            for b in "AB"
        ]
        hosted.clock.off = DAYS_400
    problems = [batch.exception(HANG_S) for batch in batches]
    assert isinstance(problems[1], UnavailableError)
    assert problems[1].code.text == "clock_skewed"
    assert hosted.head()[1] < datetime.now(UTC) + TOLERANCE


# ---- a ledger that has an event ahead, and the way out


def test_an_event_ahead_is_said_and_corrected(
    hosted: HostedLedger, database: Database, tmp_path: Path
) -> None:
    hosted.open()
    hosted.record_ahead("P1")
    position, ahead = hosted.head()
    assert ahead > datetime.now(UTC) + timedelta(days=399)

    # it is said, everywhere
    assert hosted.skew(payment("P2", "B", "1.00")) == pytest.approx(400 * 86_400, abs=HANG_S)
    with hosted.keeper.pool.connection() as connection:
        [reason] = hosted.sequencer.conditions.reasons(connection)
    assert f"position {position}" in reason
    assert "correct-clock" in reason
    told = first_of(verify(hosted, database, tmp_path / "before").findings)
    assert told is not None
    assert (told.check, told.position) == ("clock", position - 1)  # the payment and its journal
    assert "correct-clock" in told.detail

    # another position than the one that was seen corrects nothing
    [other] = hosted.ask(CorrectClock(position=position - 1, reason="快了400天"))
    assert other.problem is not None
    assert hosted.head() == (position, ahead)

    [corrected] = hosted.ask(CorrectClock(position=position, reason="快了400天"))
    assert corrected.problem is None
    now_at, now = hosted.head()
    assert now_at == position + 1
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=HANG_S)
    [again] = hosted.ask(CorrectClock(position=position, reason="快了400天"))
    assert again.replayed

    # and from there on time goes on, and everything holds
    assert hosted.ask(payment("P2", "B", "1.00"))[0].problem is None
    assert hosted.head()[1] >= now
    with hosted.keeper.pool.connection() as connection:
        assert list(hosted.sequencer.conditions.reasons(connection)) == []
    assert verify(hosted, database, tmp_path / "after").findings == []


def test_where_nothing_is_ahead_nothing_is_corrected(hosted: HostedLedger) -> None:
    hosted.open()
    [refused] = hosted.ask(CorrectClock(position=hosted.head()[0], reason="没有原因"))
    assert refused.problem is not None
    assert refused.problem.code.text == "invalid_state"


def test_a_correction_is_decided_alone_among_others_that_are_refused(
    hosted: HostedLedger, database: Database
) -> None:
    hosted.open()
    hosted.record_ahead("P1")
    position, _ = hosted.head()
    with psycopg.connect(database.owner_conninfo) as holder:
        holder.execute(
            "SELECT FROM ledgers WHERE ledger_id = %s FOR UPDATE", [hosted.keeper.ledger_id]
        )
        asked = [
            hosted.sequencer.submit(
                hosted.keeper.ledger_id, [Submission(command=command, by="maker")]
            )
            for command in (
                payment("P2", "B", "1.00"),
                payment("P3", "B", "1.00"),
                CorrectClock(position=position, reason="快了400天"),
                payment("P4", "B", "1.00"),
            )
        ]
    problems = [request.exception(HANG_S) for request in asked]
    assert problems[2] is None
    [(first, second)] = hosted.keeper.sql(
        "SELECT e.type, e.recorded_at FROM events e WHERE ledger_id = %s AND position = %s",
        position + 1,
    )
    assert first == "ledger.clock_corrected"
    assert second < datetime.now(UTC) + TOLERANCE
