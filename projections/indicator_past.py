"""An indicator as of any moment: its balances from spans of positions, and what came in late."""

from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

import msgspec
import psycopg

from budget.advance_events import IndicatorAbsorbed
from budget.balances import NOTHING, PENDING_CONTROL, Balances
from budget.events import IndicatorIssued, amount_of, moved_by
from budget.indicator import INDICATOR, Indicator
from ledger.events import Event, decode, type_names
from ledger.money import yuan
from ledger.reading.objects import read_events, stream_of
from projections.account_sums import Model, live_model
from projections.core.facts import read_pages
from projections.core.moments import Moment, Reach, one_moment, reach
from projections.core.spans import covering
from projections.indicators import (
    INDICATOR_SPANS,
    STAGED,
    IndicatorMovement,
    Indicators,
    balances_of,
    movements,
)

_BALANCES = Balances.__struct_fields__
# all business days, and those that count
_SPANS = """
SELECT {everything}, {counted} FROM {rows}
WHERE ledger_id = %(ledger_id)s AND generation = %(generation)s AND bgt_id = %(bgt_id)s
  AND span_end <= %(done)s""".format(
    everything=", ".join(f"sum({name}_fen)" for name in _BALANCES),
    counted=", ".join(
        f"sum({name}_fen) FILTER (WHERE effective_on <= %(through)s)" for name in _BALANCES
    ),
    rows=INDICATOR_SPANS.name,
)

_STAGES = """
SELECT type, effective_on, payload FROM events
WHERE ledger_id = %s AND stream_id = %s AND type = ANY(%s) AND position <= %s ORDER BY position"""


class PastIndicator(NamedTuple):
    """An indicator as of a moment.

    Attributes:
        position: the last position that counts.
        late: by how much late entries moved the balances, and the span they lie in.
    """

    position: int
    indicator: Indicator
    balances: Balances
    reach: Reach
    late: Balances


def past_indicator(
    connection: psycopg.Connection, ledger_id: int, bgt_id: str, moment: Moment
) -> PastIndicator | None:
    """The indicator as of a moment; None where it was not issued then.

    Raises:
        RequestError: ``malformed`` for an impossible moment.
    """
    with one_moment(connection):
        model = live_model(connection, ledger_id, Indicators.name)
        reached = reach(connection, ledger_id, moment, model.position)
        indicator = _indicator(connection, ledger_id, bgt_id, reached)
        if indicator is None:
            return None
        scope = (connection, ledger_id, bgt_id, model)
        balances = _balances(*scope, reached)
        late = NOTHING
        if span := reached.late:
            since = _balances(*scope, Reach(span.upto, span.through, None))
            late = _less(since, _balances(*scope, Reach(span.after, span.through, None)))
        return PastIndicator(reached.upto, indicator, balances, reached, late)


def _indicator(
    connection: psycopg.Connection, ledger_id: int, bgt_id: str, reached: Reach
) -> Indicator | None:
    """As it was issued; and of one that may not be executed then, whether it was made so since; of
    one beside the budget, whether a row has absorbed it."""
    stream_id = stream_of(connection, ledger_id, INDICATOR, bgt_id)
    if stream_id is None:
        return None
    rows = read_events(connection, ledger_id, 0, 1, stream_id=stream_id, upto=reached.upto)
    if not rows or (reached.through is not None and rows[0].effective_on > reached.through):
        return None
    issued = decode(rows[0].type, rows[0].payload)
    assert isinstance(issued, IndicatorIssued), "an indicator's stream begins with its issue"
    indicator = Indicator(issued, issued.figures)
    if indicator.is_executable and indicator.bgt_pman_id:
        return indicator
    return _since(connection, ledger_id, stream_id, reached)


def _since(
    connection: psycopg.Connection, ledger_id: int, stream_id: UUID, reached: Reach
) -> Indicator | None:
    """What is pending of it, by the events that say so (few are between its issue and the day on
    which it becomes executable), and which row has absorbed it."""
    indicator: Indicator | None = None
    pending_fen = 0
    kinds: list[type[Event]] = [*STAGED, IndicatorAbsorbed]
    names = [name for kind in kinds for name in type_names(kind)]
    for row in connection.execute(_STAGES, (ledger_id, stream_id, names, reached.upto)):
        type_name, day, payload = row
        if reached.through is not None and day > reached.through:
            continue
        event = decode(type_name, payload)
        indicator = INDICATOR.fold(indicator, event)
        pending_fen += amount_of(event) * moved_by(event, PENDING_CONTROL)
    if indicator is not None and indicator.pending_amt:
        return msgspec.structs.replace(indicator, pending_amt=yuan(pending_fen))
    return indicator


def _balances(
    connection: psycopg.Connection, ledger_id: int, bgt_id: str, model: Model, reached: Reach
) -> Balances:
    """What the movements up to a position, of the business days that count, add up to."""
    spans = covering(min(reached.upto, model.position))
    done = spans[-1][1] if spans else 0
    row = connection.execute(
        _SPANS.encode(),
        {
            "ledger_id": ledger_id,
            "generation": model.generation,
            "bgt_id": bgt_id,
            "done": done,
            "through": reached.through,
        },
    ).fetchone()
    assert row is not None, "sums are one row"
    fen = [int(value or 0) for value in row]
    everything, counted = Balances(*fen[: len(_BALANCES)]), Balances(*fen[len(_BALANCES) :])
    if reached.through is None:
        counted = everything
    for fact, moved, figures, position in movements_behind(
        connection, ledger_id, done, reached.upto
    ):
        if moved != bgt_id or position <= done:
            continue
        after = balances_of(figures)
        if reached.through is None or fact.effective_on <= reached.through:
            counted = _more(counted, _less(after, everything))
        everything = after
    return counted


def movements_behind(
    connection: psycopg.Connection, ledger_id: int, after: int, upto: int
) -> Iterator[IndicatorMovement]:
    """The movements of indicators whose place may be behind a position. A journal stands directly
    behind its event, so the one whose event stands at ``after`` itself is among them."""
    if after >= upto:
        return iter(())
    [page] = read_pages(connection, ledger_id, [Indicators()], after - 1, upto)
    return movements(page.facts[0])


def _more(balances: Balances, change: Balances) -> Balances:
    return Balances(*map(int.__add__, _fen(balances), _fen(change)))


def _less(balances: Balances, other: Balances) -> Balances:
    return Balances(*map(int.__sub__, _fen(balances), _fen(other)))


def _fen(balances: Balances) -> tuple[int, ...]:
    return msgspec.structs.astuple(balances)
