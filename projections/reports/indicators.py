"""指标余额: what indicators have, have paid and have left, each or by unit, project and function,
with their age.

Balances of a moment are sums over spans of positions (``projections.core.spans``), and behind the
last of these the movements one by one, at most a span's.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple

from psycopg.sql import SQL, Identifier

from budget.balances import PENDING_CONTROL, Balances
from budget.events import amount_of, moved_by
from ledger.events import decode, type_names
from projections.account_sums import Model, live_model
from projections.core.moments import Reach, reach
from projections.core.spans import covering
from projections.indicator_past import movements_behind
from projections.indicators import (
    INDICATOR_SPANS,
    INDICATORS,
    STAGED,
    Indicators,
    balances_of,
)
from projections.reports.report import (
    WITHIN,
    AskedReport,
    Cells,
    Report,
    day_of,
    streamed,
)

AMOUNTS = (
    "amount", "pending_amt", "canuse_amt", "frozen_amt", "pay_app_amt", "pay_amt", "rest_amt",
)  # fmt: skip
MONTHS = range(1, 13)
_BALANCES = Balances.__struct_fields__
_NAMED = (
    "agency_code", "agency_name", "pro_code", "pro_name", "exp_func_code", "exp_func_name",
    "fund_type_code",
)  # fmt: skip
_COUNTED = "(%(through)s::date IS NULL OR effective_on <= %(through)s)"
_SUMS = (
    *(f"sum({name}_fen)::bigint AS all_{name}" for name in _BALANCES),
    *(f"sum({name}_fen) FILTER (WHERE {_COUNTED})::bigint AS {name}" for name in _BALANCES),
    *(
        f"sum(paid_fen) FILTER (WHERE extract(month FROM effective_on) = {month} AND {_COUNTED})"
        f"::bigint AS paid_{month:02d}"
        for month in MONTHS
    ),
)
_STATEMENT = """
SELECT i.bgt_id, i.effective_on, {named}, s.*
FROM {indicators} i LEFT JOIN (
    SELECT bgt_id AS of_indicator, {sums} FROM {spans}
    WHERE ledger_id = %(ledger_id)s AND generation = %(generation)s AND span_end <= %(done)s
    GROUP BY bgt_id) s ON s.of_indicator = i.bgt_id
WHERE i.ledger_id = %(ledger_id)s AND i.generation = %(generation)s
    AND i.issued_position <= %(upto)s
    AND (%(through)s::date IS NULL OR i.effective_on <= %(through)s) AND {within}
ORDER BY {order}, i.bgt_id"""
_STAGED = """
SELECT type, effective_on, payload FROM events
WHERE ledger_id = %s AND position <= %s AND type = ANY(%s)"""


class IndicatorOn(NamedTuple):
    """An indicator at the moment.

    Attributes:
        issued_on: its first day.
        codes: those of ``_NAMED``.
        paid_fen: by month, from January.
    """

    bgt_id: str
    issued_on: date
    codes: dict[str, str]
    balances: Balances
    pending_fen: int
    paid_fen: tuple[int, ...]

    @property
    def amounts_fen(self) -> tuple[int, ...]:
        """As ``AMOUNTS`` names them."""
        b = self.balances
        amount = self.pending_fen + b.available + b.frozen + b.occupied + b.paid
        return (
            amount, self.pending_fen, b.available, b.frozen, b.occupied, b.paid, amount - b.paid,
        )  # fmt: skip


class Reached(NamedTuple):
    """How far a report goes, in which rows of the read model."""

    model: Model
    reach: Reach
    day: date

    @property
    def upto(self) -> int:
        return min(self.reach.upto, self.model.position)


def reached_by(asked: AskedReport) -> Reached:
    model = live_model(asked.connection, asked.ledger_id, Indicators.name)
    found = reach(asked.connection, asked.ledger_id, asked.moment, model.position)
    return Reached(model, found, day_of(asked, found.upto))


def indicators_on(
    asked: AskedReport, reached: Reached, order: Sequence[str] = ()
) -> Iterator[IndicatorOn]:
    """Each indicator that had been issued then, in the order of these codes."""
    spans = covering(reached.upto)
    done = spans[-1][1] if spans else 0
    behind = _behind(asked, done, reached.upto)
    pending = _pending(asked, reached)
    columns = [Identifier("i", column) for column in order or ("bgt_id",)]
    statement = SQL(_STATEMENT).format(
        named=SQL(", ").join(Identifier("i", column) for column in _NAMED),
        indicators=Identifier(INDICATORS.name),
        spans=Identifier(INDICATOR_SPANS.name),
        sums=SQL(", ".join(_SUMS)),
        within=SQL(WITHIN.format(t="i")),
        order=SQL(", ").join(columns),
    )
    values = {
        "ledger_id": asked.ledger_id,
        "generation": reached.model.generation,
        "done": done,
        "upto": reached.upto,
        "through": reached.reach.through,
        **asked.scope.values,
    }
    for row in streamed(asked, statement, values):
        yield _indicator(row, behind, pending, reached.reach.through)


def _indicator(
    row: tuple[Any, ...],
    behind: dict[str, list[tuple[date, Balances]]],
    pending: dict[str, int],
    through: date | None,
) -> IndicatorOn:
    bgt_id, issued_on, *rest = row
    names, sums = rest[: len(_NAMED)], [int(fen or 0) for fen in rest[len(_NAMED) + 1 :]]
    width = len(_BALANCES)
    everything, counted, paid = sums[:width], sums[width : 2 * width], sums[2 * width :]
    for day, after in behind.get(bgt_id, ()):
        levels = [getattr(after, name) for name in _BALANCES]
        if through is None or day <= through:
            changes = [level - before for level, before in zip(levels, everything, strict=True)]
            counted = [fen + change for fen, change in zip(counted, changes, strict=True)]
            paid[day.month - 1] += changes[_BALANCES.index("paid")]
        everything = levels
    return IndicatorOn(
        bgt_id,
        issued_on,
        dict(zip(_NAMED, names, strict=True)),
        Balances(*counted),
        pending.get(bgt_id, 0),
        tuple(paid),
    )


def _behind(asked: AskedReport, done: int, upto: int) -> dict[str, list[tuple[date, Balances]]]:
    """The balances of all business days behind each movement that the spans do not hold."""
    found: dict[str, list[tuple[date, Balances]]] = {}
    for fact, bgt_id, figures, position in movements_behind(
        asked.connection, asked.ledger_id, done, upto
    ):
        if position > done:
            found.setdefault(bgt_id, []).append((fact.effective_on, balances_of(figures)))
    return found


def _pending(asked: AskedReport, reached: Reached) -> dict[str, int]:
    """What of each indicator is 待下达, in fen."""
    names = [name for cls in STAGED for name in type_names(cls)]
    through, found = reached.reach.through, dict[str, int]()
    rows = asked.connection.execute(_STAGED, (asked.ledger_id, reached.upto, names), binary=True)
    for type_name, day, payload in rows:
        if through is None or day <= through:
            event: Any = decode(type_name, payload)
            if event.pending_amt:
                fen = amount_of(event) * moved_by(event, PENDING_CONTROL)
                found[event.bgt_id] = found.get(event.bgt_id, 0) + fen
    return found


# ---- balances

BALANCES_BY = {
    "indicators_by_agency": ("指标余额表 (单位)", ("agency_code", "agency_name")),
    "indicators_by_project": ("指标余额表 (项目)", ("pro_code", "pro_name")),
    "indicators_by_function": ("指标余额表 (功能分类)", ("exp_func_code", "exp_func_name")),
}


def each_indicator(asked: AskedReport, name: str) -> Report:
    """A row for each, with the days since its issue; since then it is 待下达, too, where it is."""
    reached = reached_by(asked)
    columns = ("bgt_id", *_NAMED, "issued_on", "age_days", "pending_days", *AMOUNTS)
    rows = _each(indicators_on(asked, reached), reached.day)
    return Report(name, "指标余额表", reached.upto, columns, frozenset(AMOUNTS), rows)


def _each(found: Iterable[IndicatorOn], day: date) -> Iterator[Cells]:
    for one in found:
        ages = _Ages()
        ages.take(one)
        issued_on = one.issued_on.isoformat()
        yield one.bgt_id, *one.codes.values(), issued_on, *ages.shown(day), *one.amounts_fen


def balances_by(asked: AskedReport, name: str) -> Report:
    """Sums by a code, with how many indicators, and the oldest of them that has a rest."""
    title, keys = BALANCES_BY[name]
    reached = reached_by(asked)
    columns = (*keys, "indicators", "age_days", "pending_days", *AMOUNTS)
    rows = _grouped(indicators_on(asked, reached, keys), keys, reached.day)
    return Report(name, title, reached.upto, columns, frozenset(AMOUNTS), rows)


def _grouped(found: Iterable[IndicatorOn], keys: Sequence[str], day: date) -> Iterator[Cells]:
    """Added up as they come: a group may be all indicators there are."""
    for key, members in groupby(found, lambda one: tuple(one.codes[name] for name in keys)):
        count, sums, ages = 0, [0] * len(AMOUNTS), _Ages()
        for one in members:
            count += 1
            sums = [fen + more for fen, more in zip(sums, one.amounts_fen, strict=True)]
            ages.take(one)
        yield *key, str(count), *ages.shown(day), *sums


class _Ages:
    """When the oldest indicator that has a rest was issued, and the oldest that is 待下达."""

    def __init__(self) -> None:
        self._with_rest = self._pending = date.max

    def take(self, one: IndicatorOn) -> None:
        if one.amounts_fen[-1] > 0:
            self._with_rest = min(self._with_rest, one.issued_on)
        if one.pending_fen > 0:
            self._pending = min(self._pending, one.issued_on)

    def shown(self, day: date) -> tuple[str, str]:
        """The days since then; "" where there is none."""
        since = (self._with_rest, self._pending)
        rest, pending = ("" if each == date.max else str((day - each).days) for each in since)
        return rest, pending
