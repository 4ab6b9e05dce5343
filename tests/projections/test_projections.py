"""Read models: they equal the events, keep their place, and stop rather than err."""

import subprocess
import sys
from collections.abc import Sequence

import msgspec
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

import projections.core.spans
from budget.balances import BALANCES
from ledger.events import CommandRefused, JournalPosted
from ledger.money import parse_yuan, yuan
from ledger.postgres.database import Database
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_objects
from payments.clearing.events import ClearingRequested
from payments.payment import PAYMENT
from projections.catalogue import PROJECTIONS
from projections.core.fold import AppendingFold, BulkStatement, Fact, Fold, Writes
from projections.core.rebuild import rebuild, verify
from projections.core.runner import Runner
from projections.indicators import Indicators
from projections.journals import AccountTotals, JournalFold, Journals
from projections.payments import Payments
from projections.queries import (
    list_clearing_movements,
    list_indicators,
    list_payments,
    list_refusals,
)
from projections.refusals import REFUSALS, Refusals, refusal_row
from tests.support.bookkeeper import Bookkeeper, payment
from tests.support.histories import commit_ends, differences, live_positions, mixed_history, tamper
from tests.support.waiting import HANG_S, wait_for_end_of_sessions

# ---- the rows are what the events say


@pytest.mark.parametrize("batch_events", [1, 5, 25_000])
def test_spans_do_not_depend_on_how_events_were_batched(
    bookkeeper: Bookkeeper, batch_events: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches end within spans, at their ends, and behind several of them."""
    monkeypatch.setattr(projections.core.spans, "SPAN_EVENTS", 4)
    monkeypatch.setattr(projections.core.spans, "FAN", 2)
    b = bookkeeper
    mixed_history(b)
    Runner(b.pool, batch_events=batch_events).catch_up()
    report = verify(b.pool, b.ledger_id)
    assert report.equal, differences(report)
    head = commit_ends(b)[-1]
    for length in (8, 16, 32):
        [(ends, debit_fen)] = b.sql(
            "SELECT array_agg(DISTINCT span_end), sum(debit_fen)::bigint FROM proj_account_spans"
            f" WHERE ledger_id = %s AND span_events = {length}"
        )
        last = max(ends)
        assert head - length < last <= head
        assert debit_fen == sum(
            parse_yuan(line.amt)
            for position, name, journal in b.events()
            if name == "journal.posted" and position <= last
            for line in journal.lines
            if line.dr_cr == 1
        )


def test_rows_do_not_depend_on_how_events_were_batched(bookkeeper: Bookkeeper) -> None:
    mixed_history(bookkeeper)
    Runner(bookkeeper.pool, batch_events=1).catch_up()
    report = verify(bookkeeper.pool, bookkeeper.ledger_id)
    assert report.equal, differences(report)
    days = bookkeeper.sql(
        "SELECT effective_on FROM events WHERE ledger_id = %s"
        " AND type = 'journal.posted' ORDER BY position"
    )
    dated = [(row[0], j) for row, j in zip(days, bookkeeper.journals(), strict=True)]
    shapes = {
        (j.bgt_id, day.month, lines)
        for day, j in dated
        if j.bgt_id and not j.line_codes
        for lines in _shapes(j)
    }
    assert {c.projection: c.rows for c in report.comparisons} == {
        "indicators": 12,  # three, and their changes by day
        "payments": 13,  # eleven payments and two refunds; the refused P6 is none
        # with the last numbers of two units and three other sets, and three indicators' units
        "journals": len(bookkeeper.journals()) + 5 + 3,
        # by day, and in the shortest span, no longer one being over; by month; and the shapes
        "account_totals": 2 * len({(day, line.account) for day, j in dated for line in j.lines})
        + len(shapes)
        + len({lines for *_, lines in shapes}),
        "refusals": 1,
        "documents": 0,  # tests/projections/test_documents.py has some
        "budget_rows": 0,  # tests/projections/test_budget_rows.py has some
    }


def test_payments_and_indicators_agree_with_the_core(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    mixed_history(b)
    Runner(b.pool).catch_up()
    with b.pool.connection() as connection:
        payments = list_payments(connection, b.ledger_id).items
        indicators = list_indicators(connection, b.ledger_id).items
        objects = read_objects(
            connection, b.ledger_id, PAYMENT, [p["pay_app_no"] for p in payments]
        )
        balances = read_rows(connection, b.ledger_id, BALANCES, [i["bgt_id"] for i in indicators])
    assert len(payments) == len(objects) == 11
    for item in payments:
        core = objects[item["pay_app_no"]]
        assert (item["status"], item["pay_cert_no"]) == (core.status, core.pay_cert_no)
        assert item["pay_amt"] == core.applied.pay_amt
        assert item["xpay_amt"] == yuan(core.paid_fen)
        assert item["refund_amt"] == yuan(core.refunded_fen)
        assert item["detail_count"] == len(core.applied.details)
    for item in indicators:
        figures = msgspec.to_builtins(balances[item["bgt_id"]].figures())
        assert {name: item[name] for name in figures} == figures


def test_refusals_are_listed(bookkeeper: Bookkeeper) -> None:
    mixed_history(bookkeeper)
    Runner(bookkeeper.pool).catch_up()
    with bookkeeper.pool.connection() as connection:
        [item] = list_refusals(connection, bookkeeper.ledger_id, {"by": "maker"}).items
        others = list_refusals(connection, bookkeeper.ledger_id, {"by": "auditor"}).items
    [position] = [p for p, name, _ in bookkeeper.events() if name == CommandRefused.TYPE]
    assert (item["position"], item["operation"], item["number"], item["code"]) == (
        position,
        "payment.apply",
        "P6",
        "insufficient_indicator",
    )
    assert item["recorded_at"].startswith("2026-03-03T01:00:00")
    assert others == []


def movements(b: Bookkeeper, clear_no: str) -> dict[str, list[tuple[str, str]]]:
    """(payment, amount) by claim."""
    found: dict[str, list[tuple[str, str]]] = {}
    with b.pool.connection() as connection:
        for item in list_clearing_movements(connection, b.ledger_id, clear_no).items:
            claim = found.setdefault(item["claim_no"], [])
            claim.append((item["pay_app_no"], item["amount"]))
    return found


def test_a_clearing_holds_what_its_claims_sum(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    mixed_history(b)
    Runner(b.pool).catch_up()
    prefix = "440000000-2026"
    assert movements(b, "C1") == {
        f"{prefix}:C1:1": [("P1", "100.00"), ("P3", "30.00")],
        f"{prefix}:C1:2": [("P5", "60.00")],
    }
    assert movements(b, "C2") == {}  # rejected
    assert movements(b, "C3") == {f"{prefix}:C3:1": [("P9", "90.00")]}
    assert movements(b, "C4") == {
        f"{prefix}:C4:1": [("P2", "200.00")],
        f"{prefix}:C4:2": [("P1", "100.00"), ("P2", "50.00")],
    }
    for _, _, event in b.events():
        if isinstance(event, ClearingRequested) and event.clear_no != "C2":
            held = movements(b, event.clear_no)
            assert {claim.voucher_no: claim.pay_amt for claim in event.claims} == {
                claim_no: yuan(sum(parse_yuan(amount) for _, amount in items))
                for claim_no, items in held.items()
            }


def test_a_text_that_sql_cannot_hold_stops_nothing(bookkeeper: Bookkeeper) -> None:
    bookkeeper.issue("B", "100.00")
    bookkeeper.apply("P", "B", "1.00", use_des="办公\0用品\\u0000")
    Runner(bookkeeper.pool).catch_up()
    with bookkeeper.pool.connection() as connection:
        [item] = list_payments(connection, bookkeeper.ledger_id).items
    assert item["use_des"] == "办公\ufffd用品\\u0000"


# ---- keeping the place


def test_a_model_shows_whole_commits_only(bookkeeper: Bookkeeper) -> None:
    mixed_history(bookkeeper)
    ends = commit_ends(bookkeeper)
    runner = Runner(bookkeeper.pool, batch_events=3)
    seen = []
    while runner.run_once():
        [position] = set(live_positions(bookkeeper).values())
        seen.append(position)
    assert set(seen) <= set(ends)
    assert seen[-1] == ends[-1]
    assert len(seen) > 10


class Poisoned(Journals):
    """Fails at one position, as a bug would."""

    name = "journals"

    def __init__(self, position: int) -> None:
        self._position = position

    def fold(self, after: int) -> Fold:
        return _FailingAt(after, self._position)


class _FailingAt(JournalFold):
    def __init__(self, after: int, position: int) -> None:
        super().__init__(after)
        self._position = position

    def take(self, facts: Sequence[Fact]) -> None:
        if any(fact.position == self._position for fact in facts):
            raise KeyError("a bug")
        super().take(facts)


class Unwritable(Refusals):
    """Its rows are written; then a statement fails, which must take them back."""

    def fold(self, after: int) -> Fold:
        return _ThenFailing(refusal_row, REFUSALS)


class _ThenFailing(AppendingFold):
    def rest(self, upto: int) -> Writes:
        writes = super().rest(upto)
        return Writes(writes.new, statements=[BulkStatement("SELECT 1 / 0", {})])


def test_rows_and_position_are_one_transaction(bookkeeper: Bookkeeper) -> None:
    assert bookkeeper.refusal(payment("P", "B", "1.00")) == "indicator_not_found"
    runner = Runner(bookkeeper.pool, [Unwritable()])
    runner.catch_up()
    assert bookkeeper.sql("SELECT count(*) FROM proj_refusals WHERE ledger_id = %s") == [(0,)]
    assert live_positions(bookkeeper).get("refusals", 0) <= 1  # what was before the refusal
    assert "division by zero" in runner.health().reasons[0]


def test_a_projection_that_fails_stops_alone_and_skips_nothing(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    mixed_history(b)
    head = commit_ends(b)[-1]
    poison = [p for p, name, _ in b.events() if name == "journal.posted"][5]
    runner = Runner(b.pool, [Payments(), Poisoned(poison), AccountTotals()], batch_events=1)
    runner.catch_up()
    positions = live_positions(b)
    assert positions["payments"] == positions["account_totals"] == head
    before = max(end for end in commit_ends(b) if end < poison)
    assert positions["journals"] == before
    [stopped] = runner.health().stopped
    assert (stopped.projection, stopped.position) == ("journals", before)
    assert "'a bug'" in stopped.error
    assert runner.health().lag == {b.ledger_id: head - before}
    assert not runner.wait_for(b.ledger_id, head, 0.05)

    b.adjust("B1", "1.00")
    assert runner.catch_up() > 0
    assert live_positions(b)["journals"] == before  # it is not tried again, nor moved past

    Runner(b.pool).catch_up()  # the mended program
    report = verify(b.pool, b.ledger_id)
    assert report.equal, differences(report)


def test_rebuilt_rows_let_a_stopped_projection_go_on(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    mixed_history(b)
    Runner(b.pool, [Indicators()]).catch_up()
    tamper(b, "DELETE FROM proj_indicators WHERE bgt_id = 'B1'")
    b.adjust("B1", "1.00")
    runner = Runner(b.pool, [Indicators()])
    runner.catch_up()
    assert "is about 'B1'" in runner.health().reasons[0]
    rebuild(b.pool, b.ledger_id, [Indicators()])  # as `guoku projections rebuild` would
    runner.catch_up()
    assert runner.health().stopped == ()
    assert live_positions(b)["indicators"] == commit_ends(b)[-1]


def test_an_event_type_of_a_newer_program_stops_all(
    bookkeeper: Bookkeeper, owner_conn: psycopg.Connection
) -> None:
    b = bookkeeper
    runner = Runner(b.pool)
    runner.catch_up()
    position = commit_ends(b)[-1]
    owner_conn.execute(
        "INSERT INTO events SELECT ledger_id, position + 1, gen_random_uuid(), 1, 'budget.carried',"
        " recorded_at, effective_on, '{}', digest FROM events WHERE position = %s",
        (position,),
    )
    owner_conn.execute(
        "INSERT INTO commits SELECT ledger_id, position + 1, position + 1, recorded_at, chain"
        " FROM commits WHERE position = %s",
        (position,),
    )
    owner_conn.execute("UPDATE ledgers SET position = position + 1")
    owner_conn.commit()
    runner.catch_up()
    assert len(runner.health().stopped) == len(PROJECTIONS)
    assert set(live_positions(b).values()) == {position}


KILLED = """
import sys
import projections.catalogue
from projections.core.runner import Runner
from tests.support.bookkeeper import fresh_pool

with fresh_pool(sys.argv[1]) as pool:
    runner = Runner(pool, batch_events=1)
    while runner.run_once():
        print("batch", flush=True)
        sys.stdin.readline()
"""


@pytest.mark.fault
def test_a_killed_runner_is_continued_where_it_was(
    bookkeeper: Bookkeeper, database: Database
) -> None:
    mixed_history(bookkeeper)
    conninfo = make_conninfo(database.app_conninfo, application_name="killed")
    for batches in (3, 5):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, conninfo],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        for _ in range(batches):
            assert child.stdout.readline() == "batch\n"
            child.stdin.write("\n")
            child.stdin.flush()
        child.kill()  # in the middle of a batch, or just after one
        child.wait()
        child.stdin.close()
        child.stdout.close()
        wait_for_end_of_sessions(database.owner_conninfo, "killed")
    [position] = set(live_positions(bookkeeper).values())
    assert 0 < position < commit_ends(bookkeeper)[-1]
    Runner(bookkeeper.pool).catch_up()
    report = verify(bookkeeper.pool, bookkeeper.ledger_id)
    assert report.equal, differences(report)


def test_runners_side_by_side_apply_each_event_once(bookkeeper: Bookkeeper) -> None:
    mixed_history(bookkeeper)
    head = commit_ends(bookkeeper)[-1]
    runners = [Runner(bookkeeper.pool, batch_events=1, poll_ms=5) for _ in range(2)]
    for runner in runners:
        runner.start()
    try:
        assert all(r.wait_for(bookkeeper.ledger_id, head, HANG_S) for r in runners)
    finally:
        for runner in runners:
            runner.close()
    report = verify(bookkeeper.pool, bookkeeper.ledger_id)
    assert report.equal, differences(report)


def _shapes(journal: JournalPosted) -> set[tuple[tuple[str, int], ...]]:
    """The accounts and sides of a journal of one amount; of several, those of each line alone."""
    lines = tuple((line.account, line.dr_cr) for line in journal.lines)
    is_one = len({line.amt for line in journal.lines}) == 1
    return {lines} if is_one else {(line,) for line in lines}
