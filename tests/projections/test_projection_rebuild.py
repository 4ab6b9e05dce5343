"""Read models are proved by building them anew, and mended by putting the new in their place."""

from typing import Any

import psycopg
import pytest
from msgspec.structs import replace

import projections.core.rebuild
from ledger.errors import Code, UnavailableError
from ledger.postgres.database import Database
from projections.catalogue import PROJECTIONS
from projections.core.fold import AppendingFold, Fact, Fold
from projections.core.rebuild import RebuildReport, rebuild, status, verify
from projections.core.runner import Runner
from projections.indicators import Indicators
from projections.journals import Journals
from projections.payments import PAYMENTS, Payments
from projections.queries import list_indicators, list_payments
from projections.refusals import REFUSALS, RefusalRow, Refusals, refusal_row
from tests.support.bookkeeper import Bookkeeper, payment
from tests.support.histories import commit_ends, differences, live_positions, mixed_history, tamper


@pytest.mark.parametrize(
    ("statement", "projection", "named"),
    [
        (
            "UPDATE proj_payments SET xpay_fen = xpay_fen + 1 WHERE pay_app_no = 'P2'",
            "payments",
            "proj_payments: row P2 has xpay_fen '20001', the events say '20000'",
        ),
        (
            "DELETE FROM proj_indicators WHERE bgt_id = 'B3'",
            "indicators",
            "proj_indicators: row B3 is missing in the live ones",
        ),
        (
            "UPDATE proj_indicators SET bgt_id = 'B0' WHERE bgt_id = 'B2'",
            "indicators",
            "proj_indicators: live row B0 where B1 is due",
        ),
        (
            (
                "INSERT INTO proj_account_totals SELECT ledger_id, generation, '2026-12-31', 'Z9',"
                " 1, 1, '' FROM proj_account_totals LIMIT 1"
            ),
            "account_totals",
            "proj_account_totals: live row 2026-12-31 Z9  follows from no event",
        ),
        (
            "UPDATE proj_account_spans SET debit_fen = debit_fen + 1 WHERE account = 'A1'",
            "account_totals",
            "proj_account_spans: row 1024 1024",
        ),
        (
            "UPDATE proj_indicator_months SET fen = fen + 1 WHERE bgt_id = 'B1'",
            "account_totals",
            "proj_indicator_months: row B1",
        ),
        (
            "UPDATE proj_indicator_spans SET paid_fen = paid_fen + 1 WHERE bgt_id = 'B3'",
            "indicators",
            "proj_indicator_spans: row B3 1024",
        ),
        (
            "UPDATE proj_refusals SET code = 'malformed'",
            "refusals",
            "the events say 'insufficient_indicator'",
        ),
        (
            "UPDATE proj_refunds SET clear_no = 'C1' WHERE pay_app_no = 'P1'",
            "payments",
            "has clear_no 'C1', the events say 'C4'",
        ),
    ],
)
def test_a_changed_row_is_found_and_named_and_a_rebuild_mends_it(
    bookkeeper: Bookkeeper, statement: str, projection: str, named: str
) -> None:
    b = bookkeeper
    mixed_history(b)
    Runner(b.pool).catch_up()
    tamper(b, statement)
    found = differences(verify(b.pool, b.ledger_id))
    assert list(found) == [projection]
    assert named in found[projection]
    assert differences(rebuild(b.pool, b.ledger_id)) == found
    assert verify(b.pool, b.ledger_id).equal


def test_a_verification_leaves_nothing_behind(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    mixed_history(b)
    Runner(b.pool).catch_up()
    verify(b.pool, b.ledger_id)
    rebuild(b.pool, b.ledger_id)
    rebuild(b.pool, b.ledger_id)
    for projection in PROJECTIONS:
        for table in projection.tables:
            [(generations,)] = b.sql(
                f"SELECT count(DISTINCT generation) FROM {table.name} WHERE ledger_id = %s"
            )
            empty = projection.name in ("documents", "budget_rows")
            empty = empty or table.name in ("proj_corrections", "proj_prior_returns")
            assert generations == (0 if empty else 1), table.name
    assert b.sql("SELECT count(*) FROM proj_positions WHERE ledger_id = %s") == [
        (len(PROJECTIONS),)
    ]


def test_a_table_aside_hides_the_other_from_what_was_prepared_before(
    bookkeeper: Bookkeeper, database: Database
) -> None:
    b = bookkeeper
    mixed_history(b)
    Runner(b.pool).catch_up()
    [(live,)] = b.sql(
        "SELECT generation FROM proj_positions WHERE ledger_id = %s AND live"
        " AND projection = 'payments'"
    )
    with psycopg.connect(database.app_conninfo, prepare_threshold=1) as connection:
        for _ in range(4):
            for _ in range(3):
                assert PAYMENTS.load(connection, b.ledger_id, live, ["P1"])
            connection.commit()
            PAYMENTS.set_aside(connection)
            assert not PAYMENTS.load(connection, b.ledger_id, live, ["P1"])
            connection.commit()  # by a rollback, the driver forgets what it has prepared


def test_what_a_killed_rebuild_left_is_removed(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    mixed_history(b)
    Runner(b.pool).catch_up()
    tamper(
        b,
        "INSERT INTO proj_positions (ledger_id, projection, generation, version, live, position)"
        " SELECT ledger_id, projection, 7, version, false, 3 FROM proj_positions"
        " WHERE projection = 'refusals'",
    )
    tamper(
        b,
        "INSERT INTO proj_refusals SELECT ledger_id, 7, position, '', '', '', '', '', recorded_at"
        " FROM proj_refusals",
    )
    assert verify(b.pool, b.ledger_id).equal
    assert b.sql("SELECT count(*) FROM proj_refusals WHERE ledger_id = %s") == [(1,)]


def test_a_rebuild_tells_its_progress_and_readers_never_miss_a_row(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    mixed_history(b)
    Runner(b.pool).catch_up()
    head = commit_ends(b)[-1]
    told: list[tuple[str, int, int]] = []

    def progress(name: str, position: int, upto: int) -> None:
        told.append((name, position, upto))
        with b.pool.connection() as connection:
            page = list_payments(connection, b.ledger_id)
        assert (len(page.items), page.position) == (11, head)

    rebuild(b.pool, b.ledger_id, progress=progress)
    assert {name for name, _, _ in told} == {projection.name for projection in PROJECTIONS}
    assert told[-1][1:] == (head, head)


def test_a_rebuild_takes_in_what_is_committed_meanwhile(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    mixed_history(b)
    runner = Runner(b.pool)
    runner.catch_up()

    def meanwhile(_name: str, _position: int, _upto: int) -> None:
        b.adjust("B1", "1.00")
        runner.catch_up()

    report = rebuild(b.pool, b.ledger_id, [Indicators(), Payments()], progress=meanwhile)
    assert report.equal, differences(report)
    assert set(live_positions(b).values()) == {commit_ends(b)[-1]}
    assert verify(b.pool, b.ledger_id).equal


def test_what_is_committed_before_the_switch_is_not_lost(
    bookkeeper: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    b = bookkeeper
    mixed_history(b)
    runner = Runner(b.pool)
    runner.catch_up()
    compare = projections.core.rebuild._compare

    def then_commit(*given: Any) -> RebuildReport:
        report = compare(*given)
        b.adjust("B1", "1.00")
        runner.catch_up()
        return report

    monkeypatch.setattr(projections.core.rebuild, "_compare", then_commit)
    rebuild(b.pool, b.ledger_id)
    head = commit_ends(b)[-1]
    with b.pool.connection() as connection:
        page = list_indicators(connection, b.ledger_id)
    assert (page.position, page.items[0]["last_position"]) == (head, head - 1)
    monkeypatch.undo()
    assert verify(b.pool, b.ledger_id).equal


def test_models_that_lag_are_compared_where_they_stand(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    mixed_history(b)
    for projection, batches in ((Payments(), 12), (Indicators(), 20)):
        runner = Runner(b.pool, [projection], batch_events=1)
        for _ in range(batches):
            runner.run_once()
    report = verify(b.pool, b.ledger_id, [Payments(), Indicators()])
    assert report.equal, differences(report)
    ends = commit_ends(b)
    assert [c.position for c in report.comparisons] == [ends[11], ends[19]]
    assert [c.behind for c in report.comparisons] == [ends[-1] - ends[11], ends[-1] - ends[19]]
    assert all(c.rows for c in report.comparisons)


def test_one_rebuild_of_a_ledger_at_a_time(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    mixed_history(b)
    Runner(b.pool).catch_up()
    refused: list[Code] = []

    def second(_name: str, _position: int, _upto: int) -> None:
        with pytest.raises(UnavailableError) as error:
            verify(b.pool, b.ledger_id)
        refused.append(error.value.code)

    rebuild(b.pool, b.ledger_id, [Refusals()], progress=second)
    assert refused == [Code.BUSY]
    assert verify(b.pool, b.ledger_id).equal  # the lock has been given back


class Renewed(Refusals):
    """The next version of a projection: it writes other rows."""

    version = 2

    def fold(self, after: int) -> Fold:
        return AppendingFold(lambda fact: replace(refusal_row(fact), detail="第二版"), REFUSALS)


def test_rows_of_an_older_program_are_built_anew(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    mixed_history(b)
    Runner(b.pool, [Refusals()]).catch_up()
    Runner(b.pool, [Renewed()]).catch_up()
    assert b.sql("SELECT generation, detail FROM proj_refusals WHERE ledger_id = %s") == [
        (2, "第二版")
    ]
    older = Runner(b.pool, [Refusals()])  # still running beside the new one: it keeps off
    b.refusal(payment("PX", "B1", "99999.00"))
    older.catch_up()
    assert "of a newer program (version 2)" in older.health().reasons[0]
    Runner(b.pool, [Renewed()]).catch_up()
    assert b.sql("SELECT detail FROM proj_refusals WHERE ledger_id = %s") == [("第二版",)] * 2


class Unlike(Refusals):
    """A projection whose program differs from the one that wrote the rows, and does not say so."""

    def fold(self, after: int) -> Fold:
        return AppendingFold(_louder, REFUSALS)


def _louder(fact: Fact) -> RefusalRow:
    row = refusal_row(fact)
    return replace(row, by=row.by.upper())


def test_a_program_that_would_write_other_rows_is_found(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    mixed_history(b)
    Runner(b.pool).catch_up()
    found = differences(verify(b.pool, b.ledger_id, [Unlike(), Journals()]))
    [position] = [at for at, name, _ in b.events() if name == "command.refused"]
    assert found == {
        "refusals": f"proj_refusals: row {position} has by 'maker', the events say 'MAKER'"
    }


class Broken(Renewed):
    """A next version with a bug."""

    def fold(self, after: int) -> Fold:
        return AppendingFold(_failing, REFUSALS)


def _failing(_fact: Fact) -> RefusalRow:
    raise KeyError("a bug")


def test_a_rebuild_that_fails_stops_that_projection_and_keeps_its_rows(
    bookkeeper: Bookkeeper,
) -> None:
    b = bookkeeper
    mixed_history(b)
    Runner(b.pool, [Refusals()]).catch_up()
    runner = Runner(b.pool, [Broken(), Journals()])
    runner.catch_up()
    head = commit_ends(b)[-1]
    assert live_positions(b) == {"refusals": head, "journals": head}
    assert [s.projection for s in runner.health().stopped] == ["refusals"]
    assert "'a bug'" in runner.health().reasons[0]
    assert b.sql("SELECT generation, code FROM proj_refusals WHERE ledger_id = %s") == [
        (1, "insufficient_indicator")
    ]


def test_a_rebuild_of_another_process_is_waited_for(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    mixed_history(b)
    Runner(b.pool, [Refusals(), Journals()]).catch_up()
    waiting = Runner(b.pool, [Renewed()])

    version = (
        "SELECT version FROM proj_positions"
        " WHERE ledger_id = %s AND projection = 'refusals' AND live"
    )

    def meanwhile(_name: str, _position: int, _upto: int) -> None:
        waiting.catch_up()
        assert b.sql(version) == [(1,)]

    rebuild(b.pool, b.ledger_id, [Refusals()], progress=meanwhile)
    assert waiting.health().stopped == ()
    waiting.catch_up()
    assert b.sql(version) == [(2,)]


def test_status_shows_every_projection(bookkeeper: Bookkeeper) -> None:
    with bookkeeper.pool.connection() as connection:
        before = status(connection, bookkeeper.ledger_id)
    assert [(s.position, s.head, s.updated_at) for s in before] == [(0, 1, None)] * len(PROJECTIONS)
    Runner(bookkeeper.pool).catch_up()
    with bookkeeper.pool.connection() as connection:
        after = status(connection)
    assert [(s.projection, s.generation, s.version, s.position) for s in after] == [
        ("account_totals", 1, 6, 1),
        ("budget_rows", 1, 1, 1),
        ("documents", 1, 2, 1),
        ("indicators", 1, 6, 1),
        ("journals", 1, 2, 1),
        ("payments", 1, 5, 1),
        ("refusals", 1, 1, 1),
    ]


def test_a_ledger_nobody_has_projected_verifies(bookkeeper: Bookkeeper) -> None:
    mixed_history(bookkeeper)
    report = verify(bookkeeper.pool, bookkeeper.ledger_id)
    assert report.equal
    assert {(c.position, c.rows) for c in report.comparisons} == {(0, 0)}
