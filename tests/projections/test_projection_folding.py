"""A history folded in one pass: pages and shapes change nothing, memory holds no settled rows."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import msgspec
import psycopg
import pytest

import projections.core.whole_history
import projections.payments
from ledger.books.posted import Posted, amounts_of, shape_of, sides
from ledger.errors import IntegrityError
from ledger.events import Line, encode
from ledger.money import yuan
from ledger.postgres.database import Database
from ledger.reading.streaming import stream_contents
from projections.catalogue import PROJECTIONS
from projections.core.fold import Fact, Projection
from projections.core.rebuild import rebuild, verify
from projections.core.runner import Runner
from projections.core.spans import SPAN_EVENTS
from projections.indicators import Indicators
from projections.journals import ACCOUNT_SPANS, ACCOUNT_TOTALS, AccountTotals
from projections.refusals import REFUSALS, RefusalRow
from tests.support.bookkeeper import Bookkeeper
from tests.support.histories import commit_ends, differences, mixed_history

NOON, MARCH_2 = datetime(2026, 3, 2, 4, tzinfo=UTC), date(2026, 3, 2)


def lines(*given: tuple[str, int, int]) -> bytes:
    return encode(tuple(Line(account, dr_cr, yuan(fen)) for account, dr_cr, fen in given))


# ---- journals by shape


def test_journals_that_differ_in_their_amount_have_one_shape() -> None:
    small, small_fen = shape_of(lines(("A3", 1, 1_250), ("A5", -1, 1_250)))
    large, large_fen = shape_of(lines(("A3", 1, 99_999_999), ("A5", -1, 99_999_999)))
    assert small == large
    assert (small_fen, large_fen) == (1_250, 99_999_999)
    assert [tuple(side) for side in sides(small)] == [("A3", 1, 0), ("A5", 0, 1)]


@pytest.mark.parametrize(
    "given",
    [
        lines(("A3", 1, 100), ("A4", 1, 200), ("A5", -1, 300)),  # several amounts
        lines(("1.00", 1, 100), ("A5", -1, 100)),  # an account that reads like the amount
        lines(('A"3', 1, 100), ("A5", -1, 100)),  # one that ends the text early
        lines(*[("A3", 1, 100), ("A5", -1, 100)] * 300),  # too long to be kept
        b"[]",
    ],
)
def test_lines_that_have_no_shape_are_added_up_one_by_one(given: bytes) -> None:
    assert sides(shape_of(given)[0]) == ()
    written = msgspec.json.decode(given)
    assert [(account, debit - credit) for account, debit, credit in amounts_of(given)] == [
        (account, dr_cr * int(amount.replace(".", ""))) for account, dr_cr, amount, *_ in written
    ]


def test_an_account_on_both_sides_of_a_journal_is_counted_on_both() -> None:
    shape, fen = shape_of(lines(("A3", 1, 700), ("A3", -1, 700), ("A3", 1, 700)))
    assert [(s.account, s.debits * fen, s.credits * fen) for s in sides(shape)] == [
        ("A3", 1_400, 700)
    ]


# ---- folds


def posted(position: int, given: bytes) -> Fact:
    journal = Posted(position - 1, "payment.applied", "2026", "P1", msgspec.Raw(given))
    return Fact(position, NOON, MARCH_2, journal)


def test_a_span_is_given_out_once_when_it_is_over() -> None:
    one = lines(("A3", 1, 100), ("A5", -1, 100))
    fold = AccountTotals().fold(0)
    fold.take([posted(2, one), posted(SPAN_EVENTS, one), posted(SPAN_EVENTS + 1, one)])
    settled = fold.settled(SPAN_EVENTS).new[ACCOUNT_SPANS]
    assert [(s.span_end, s.account, s.debit_fen, s.credit_fen) for s in settled] == [
        (SPAN_EVENTS, "A3", 200, 0),
        (SPAN_EVENTS, "A5", 0, 200),
    ]
    assert list(fold.settled(SPAN_EVENTS).new[ACCOUNT_SPANS]) == []
    rest = fold.rest(SPAN_EVENTS + 1)
    assert [(t.account, t.debit_fen - t.credit_fen) for t in rest.new[ACCOUNT_TOTALS]] == [
        ("A3", 300),
        ("A5", -300),
    ]
    ends = {(span.span_events, span.span_end) for span in rest.new[ACCOUNT_SPANS]}
    assert ends == {(SPAN_EVENTS, 2 * SPAN_EVENTS)}


@pytest.mark.parametrize("held_max", [1, 3, 30_000])
def test_steps_of_one_fact_give_the_rows_that_batches_gave(
    bookkeeper: Bookkeeper, monkeypatch: pytest.MonkeyPatch, held_max: int
) -> None:
    """An event and its journal then stand in different pages, and every row goes by itself; a
    payment is written and read again for each of its events, or every few."""
    b = bookkeeper
    mixed_history(b)
    Runner(b.pool).catch_up()
    monkeypatch.setattr(projections.core.whole_history, "PAGE_FACTS", 1)
    monkeypatch.setattr(projections.core.whole_history, "PAGES_A_STEP", 1)
    monkeypatch.setattr(projections.core.whole_history, "ROWS_AT_ONCE", 1)
    monkeypatch.setattr(projections.payments, "HELD_MAX", held_max)
    told: list[int] = []
    report = rebuild(
        b.pool,
        b.ledger_id,
        progress=lambda _name, position, _upto: told.append(position),
    )
    assert report.equal, differences(report)
    assert told == sorted(told)
    assert told[-1] == commit_ends(b)[-1]
    monkeypatch.undo()
    assert verify(b.pool, b.ledger_id).equal


def test_a_fold_that_fails_leaves_the_rows_and_the_connections(
    bookkeeper: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    b = bookkeeper
    mixed_history(b)
    Runner(b.pool).catch_up()
    monkeypatch.setattr(projections.core.whole_history, "PAGE_FACTS", 1)
    fold = type(Indicators().fold(0))
    take, taken = fold.take, []

    def fails_later(self: object, facts: Sequence[Fact]) -> None:
        taken.extend(facts)
        if len(taken) > 20:
            raise IntegrityError("these do not agree")
        take(self, facts)  # type: ignore[arg-type]

    monkeypatch.setattr(fold, "take", fails_later)
    with pytest.raises(
        projections.core.whole_history.ProjectionError, match="indicators stopped after"
    ):
        rebuild(b.pool, b.ledger_id, [Indicators(), AccountTotals()])
    monkeypatch.undo()
    assert verify(b.pool, b.ledger_id).equal


def test_a_stream_that_is_broken_off_gives_its_connection_back(
    bookkeeper: Bookkeeper, database: Database
) -> None:
    b = bookkeeper
    mixed_history(b)
    with psycopg.connect(database.app_conninfo) as connection:
        contents = stream_contents(connection, b.ledger_id, 0, commit_ends(b)[-1], [])
        assert next(contents)[0] == 1
        contents.close()
        connection.rollback()
        assert connection.execute("SELECT 1").fetchone() == (1,)


# ---- rows by COPY


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda p: p.name)
def test_columns_are_copied_in_the_types_they_have(
    database: Database, projection: Projection
) -> None:
    names = {"int4": "integer", "int8": "bigint", "bool": "boolean"}
    with psycopg.connect(database.app_conninfo) as connection:
        for table in projection.tables:
            held = dict(
                connection.execute(
                    "SELECT column_name, udt_name FROM information_schema.columns"
                    " WHERE table_name = %s",
                    (table.name,),
                ).fetchall()
            )
            columns = ("ledger_id", "generation", *table.columns)
            expected = [names.get(held[column], held[column]) for column in columns]
            assert table._types == expected, table.name


def test_a_nul_in_a_name_is_shown_as_the_replacement_character(
    bookkeeper: Bookkeeper,
) -> None:
    b = bookkeeper
    row = RefusalRow(1, "indicator.issue", "B1", "malformed", "a\0b", "maker", NOON)
    with b.pool.connection() as connection:
        REFUSALS.append(connection, b.ledger_id, 9, [row])
        [copied] = REFUSALS.load(connection, b.ledger_id, 9, [1]).values()
        assert copied == msgspec.structs.replace(row, detail="a\ufffdb")
        connection.rollback()
