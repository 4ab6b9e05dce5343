"""辅助核算: what accounts moved for a unit or some, a function, economy, fund or project.

Lines that say their own elements are of those. Else a journal names its indicator, which has them;
the journal of a budget's row is of that row. A claim on the central bank sums over many
payments: its entries are parted by those it holds, by the rule that booked it, and by what of them
was corrected before.

What an indicator's journals come to in a month is stored (``projections.indicator_months``), so a
slice of now adds months; of the months that a range cuts, and of positions in the past, the
journals are read.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

import msgspec
import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal, Placeholder

from division.rights import begins_with
from ledger.account_set import fiscal_year_of
from ledger.books import CREDIT, DEBIT, Charts
from ledger.books.posted import Posted, amounts_of, shape_of, sides
from ledger.errors import ConfigurationError
from ledger.events import JournalPosted, decode
from ledger.money import stored_fen
from payments.clearing.cash import rule_of_claim
from payments.messages.vt_codes import CLAIM, REFUND_CLAIM
from payments.order_events import AdvanceExpensed, AdvanceStepReversed
from projections.account_sums import RangeSums, live_model
from projections.budget_rows import BudgetRows
from projections.indicators import Indicators
from projections.journals import AccountTotals, Journals
from projections.payments import Payments

SLICED_BY = ("agency_code", "exp_func_code", "gov_bgt_eco_code", "fund_type_code", "pro_code")

_MONTHS_OF_A_YEAR = range(1, 13)
_DAY = timedelta(days=1)
CLAIM_BOOKED = "clearing.claim_receipted"
# of an indicator, and of what it brings down, which is kept by other elements
BESIDE_INDICATORS = [AdvanceExpensed.TYPE, AdvanceStepReversed.TYPE]
# Of the indicators of a slice, and of the rows that its indicators are issued from. A probe of an
# index for each (OFFSET 0), whatever the statistics say: no join of all journals, or of all events.
JOURNALS_OF_SLICE = SQL("""
SELECT e.effective_on, e.payload FROM (
    SELECT j.position FROM proj_indicators i CROSS JOIN LATERAL (
        SELECT position FROM proj_journals
        WHERE ledger_id = i.ledger_id AND generation = %(journals)s AND bgt_id = i.bgt_id
          AND position <= %(upto)s AND effective_on <= %(last)s
          AND extract(month FROM effective_on)::int = ANY(%(by_day)s) OFFSET 0) AS j
    WHERE %(by_day)s::int[] <> '{{}}'
      AND i.ledger_id = %(ledger_id)s AND i.generation = %(indicators)s AND {indicators}
    UNION ALL
    SELECT j.position FROM proj_budget_rows r CROSS JOIN LATERAL (
        SELECT position FROM proj_budget_movements
        WHERE ledger_id = r.ledger_id AND generation = r.generation
          AND bgt_pman_id = r.bgt_pman_id AND bgt_id = '' OFFSET 0) AS m
    CROSS JOIN LATERAL (
        SELECT position FROM proj_journals
        WHERE ledger_id = r.ledger_id AND generation = %(journals)s AND source = m.position
          AND position <= %(upto)s AND effective_on <= %(last)s OFFSET 0) AS j
    WHERE r.ledger_id = %(ledger_id)s AND r.generation = %(budget_rows)s AND {budget_rows}
) AS sliced CROSS JOIN LATERAL (
    SELECT effective_on, payload FROM events
    WHERE ledger_id = %(ledger_id)s AND position = sliced.position OFFSET 0) AS e""")
# the same for whole months, of the indicators alone, in a few rows of each: of a wide slice all of
# them may be read, of a narrow one those of its indicators
_MONTHS = SQL("""
SELECT m.month, s.shape, m.fen FROM (
    SELECT t.month, t.shape_id, sum(t.fen) AS fen
    FROM proj_indicators i JOIN proj_indicator_months t
        ON t.ledger_id = i.ledger_id AND t.generation = %(account_totals)s AND t.bgt_id = i.bgt_id
    WHERE i.ledger_id = %(ledger_id)s AND i.generation = %(indicators)s AND {indicators}
      AND t.month = ANY(%(months)s)
    GROUP BY t.month, t.shape_id) AS m
JOIN proj_journal_shapes s ON s.ledger_id = %(ledger_id)s AND s.generation = %(account_totals)s
    AND s.shape_id = m.shape_id""")
# Whose lines say their elements: of no indicator, or of one and of something else beside it. Each
# kind has an index of its own.
_GIVEN = SQL("""
SELECT e.effective_on, e.type, e.payload FROM (
    SELECT position FROM proj_journals
    WHERE ledger_id = %(ledger_id)s AND generation = %(journals)s AND bgt_id = ''
      AND event <> %(claim)s AND position <= %(upto)s AND effective_on <= %(last)s
    UNION ALL
    SELECT position FROM proj_journals
    WHERE ledger_id = %(ledger_id)s AND generation = %(journals)s AND event IN ({beside})
      AND bgt_id <> '' AND position <= %(upto)s AND effective_on <= %(last)s
) AS j JOIN events e ON e.ledger_id = %(ledger_id)s AND e.position = j.position""").format(
    beside=SQL(", ").join(map(Literal, BESIDE_INDICATORS))
)
_SETTLED = """
SELECT j.effective_on, j.rule, e.payload FROM proj_journals j
JOIN events e ON e.ledger_id = j.ledger_id AND e.position = j.source
WHERE j.ledger_id = %(ledger_id)s AND j.generation = %(journals)s AND j.bgt_id = ''
  AND j.event = %(claim)s AND j.position <= %(upto)s AND j.effective_on <= %(last)s"""
_CLAIMED = SQL("""
SELECT p.claim_no, {claim}, false, p.gov_bgt_eco_code, p.fund_type_code, sum(p.xpay_fen)
FROM proj_payments p
WHERE p.ledger_id = %(ledger_id)s AND p.generation = %(payments)s AND p.clear_no <> '' AND {sliced}
GROUP BY 1, 4, 5
UNION ALL
SELECT r.claim_no, {refund}, false, p.gov_bgt_eco_code, p.fund_type_code, sum(r.refund_fen)
FROM proj_refunds r JOIN proj_payments p
    ON p.ledger_id = r.ledger_id AND p.generation = r.generation AND p.pay_app_no = r.pay_app_no
WHERE r.ledger_id = %(ledger_id)s AND r.generation = %(payments)s AND r.clear_no <> '' AND {sliced}
GROUP BY 1, 4, 5
UNION ALL
SELECT p.claim_no, {claim}, false, i.gov_bgt_eco_code, i.fund_type_code,
    sum(side.of * c.waiting_fen)
FROM proj_corrections c JOIN proj_payments p
    ON p.ledger_id = c.ledger_id AND p.generation = c.generation AND p.pay_app_no = c.pay_app_no
CROSS JOIN LATERAL (VALUES (1, c.to_bgt_id), (-1, c.from_bgt_id)) AS side (of, bgt_id)
JOIN proj_indicators i ON i.ledger_id = c.ledger_id AND i.generation = %(indicators)s
    AND i.bgt_id = side.bgt_id
WHERE c.ledger_id = %(ledger_id)s AND c.generation = %(payments)s AND c.waiting_fen > 0
    AND p.clear_no <> '' AND {of_indicator}
GROUP BY 1, 4, 5
UNION ALL
SELECT r.claim_no, {refund}, false, i.gov_bgt_eco_code, i.fund_type_code, sum(side.of * c.cor_fen)
FROM proj_corrections c JOIN proj_payments p
    ON p.ledger_id = c.ledger_id AND p.generation = c.generation AND p.pay_app_no = c.pay_app_no
JOIN proj_refunds r ON r.ledger_id = c.ledger_id AND r.generation = c.generation
    AND r.pay_app_no = c.pay_app_no AND r.refund_no = c.refund_no
CROSS JOIN LATERAL (VALUES (1, c.from_bgt_id), (-1, p.bgt_id)) AS side (of, bgt_id)
JOIN proj_indicators i ON i.ledger_id = c.ledger_id AND i.generation = %(indicators)s
    AND i.bgt_id = side.bgt_id
WHERE c.ledger_id = %(ledger_id)s AND c.generation = %(payments)s AND c.kind = 'restored'
    AND r.clear_no <> '' AND {of_indicator}
GROUP BY 1, 4, 5
UNION ALL
SELECT p.claim_no, {refund}, true, p.gov_bgt_eco_code, p.fund_type_code, sum(p.refund_fen)
FROM proj_prior_returns p
WHERE p.ledger_id = %(ledger_id)s AND p.generation = %(payments)s AND p.clear_no <> '' AND {sliced}
GROUP BY 1, 4, 5""")


_posted = msgspec.json.Decoder(Posted).decode


class _Receipted(msgspec.Struct, frozen=True, gc=False):
    """Of ``ClaimReceipted``."""

    voucher_no: str


class _Entry(NamedTuple):
    """What an account moved by on a day: ``fen`` debit positive."""

    day: date
    account: str
    dr_cr: int
    fen: int


class Slice(msgspec.Struct, frozen=True):
    """What is counted: what has all of ``codes``, by element of ``SLICED_BY``, and is of a unit
    whose code begins with one of ``agency_prefixes``, () of all and of none."""

    codes: dict[str, str] = {}
    agency_prefixes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.codes or self.agency_prefixes)

    def holds(self, codes: Mapping[str, str]) -> bool:
        """Whether a line with these elements is of it."""
        agency_code = codes.get("agency_code", "")
        is_own = not self.agency_prefixes or begins_with(agency_code, self.agency_prefixes)
        return is_own and self.codes.items() <= codes.items()

    def condition(self, alias: str) -> Composed:
        """That a row, which has all five elements, is of it, in the names of ``parameters``."""
        conditions = [
            SQL("{}.{} = {}").format(Identifier(alias), Identifier(name), Placeholder(name))
            for name in SLICED_BY
            if name in self.codes
        ]
        if self.agency_prefixes:
            of_units = SQL("{}.agency_code ^@ ANY(%(agency_prefixes)s)").format(Identifier(alias))
            conditions.append(of_units)
        return SQL(" AND ").join(conditions)

    @property
    def parameters(self) -> dict[str, Any]:
        return {**self.codes, "agency_prefixes": list(self.agency_prefixes)}


class SlicedSums:
    """The sums of ``projections.account_sums.AccountSums``, of one slice; made and asked in
    ``moments.one_moment``."""

    def __init__(
        self, connection: psycopg.Connection, ledger_id: int, charts: Charts, sliced: Slice
    ) -> None:
        self._connection, self._charts, self._slice = connection, charts, sliced
        models = {
            each.name: live_model(connection, ledger_id, each.name)
            for each in (Journals, Indicators, BudgetRows, Payments, AccountTotals)
        }
        self._scope: dict[str, Any] = {
            "ledger_id": ledger_id,
            "claim": CLAIM_BOOKED,
            **sliced.parameters,
            **{name: model.generation for name, model in models.items()},
        }
        self.position = min(model.position for model in models.values())
        self._year = fiscal_year_of(ledger_id)
        self._months_end = models[AccountTotals.name].position

    def of(self, upto: int, first: date | None = None, last: date | None = None) -> RangeSums:
        """The sums of what stands at positions up to ``upto``, at most that of the read models.

        Args:
            first, last: the range of business days, both included; None where it is open.
        """
        sums = RangeSums({}, {}, {})
        upto = min(upto, self.position)
        months = self._whole_months(first, last) if upto == self._months_end else []
        scope = {
            **self._scope,
            "upto": upto,
            "last": last or date.max,
            "months": months,
            "by_day": [month for month in _MONTHS_OF_A_YEAR if month not in months],
        }
        for entry in self._entries(scope):
            for side in sums:
                side.setdefault(entry.account, 0)
            if entry.day < (first or date.min):
                sums.opening[entry.account] += entry.dr_cr * entry.fen
            else:
                side = sums.debit if entry.dr_cr == DEBIT else sums.credit
                side[entry.account] += entry.fen
        return sums

    def _whole_months(self, first: date | None, last: date | None) -> list[int]:
        """The months of which all days lie before the range, or all in it."""
        begins = [date(self._year, month, 1) for month in _MONTHS_OF_A_YEAR]
        ends = [*(day - _DAY for day in begins[1:]), date(self._year, 12, 31)]
        return [
            begin.month
            for begin, end in zip(begins, ends, strict=True)
            if end <= (last or date.max) and not begin < (first or date.min) <= end
        ]

    def _entries(self, scope: Mapping[str, Any]) -> Iterator[_Entry]:
        of_slice = JOURNALS_OF_SLICE.format(
            indicators=self._slice.condition("i"), budget_rows=self._slice.condition("r")
        )
        yield from _summed(self._rows(of_slice, scope))
        yield from self._of_months(scope)
        for day, type_name, payload in self._rows(_GIVEN, scope):
            journal = _journal(type_name, payload)
            for line, codes in zip(journal.lines, journal.line_codes, strict=False):
                if self._slice.holds(codes):
                    yield _Entry(day, line.account, line.dr_cr, stored_fen(line.amt))
        yield from self._claimed(scope)

    def _of_months(self, scope: Mapping[str, Any]) -> Iterator[_Entry]:
        """What is stored of whole months."""
        if scope["months"]:
            of_months = _MONTHS.format(indicators=self._slice.condition("i"))
            for month, shape, fen in self._rows(of_months, scope):
                yield from _of_shape(date(self._year, month, 1), shape.encode(), int(fen))

    def _claimed(self, scope: Mapping[str, Any]) -> Iterator[_Entry]:
        """The slice's part of the claims that the central bank has settled."""
        statement = _CLAIMED.format(
            claim=CLAIM,
            refund=REFUND_CLAIM,
            sliced=self._slice.condition("p"),
            of_indicator=self._slice.condition("i"),
        )
        parts: dict[str, list[tuple[str, dict[str, str], int]]] = {}
        for claim_no, vt_code, prior, gov, fund, fen in self._rows(statement, scope):
            codes = {"gov_bgt_eco_code": gov, "fund_type_code": fund}
            rule_name = rule_of_claim(vt_code, fund, prior=prior)
            parts.setdefault(claim_no, []).append((rule_name, codes, int(fen)))
        for day, version, payload in self._rows(_SETTLED, scope) if parts else ():
            receipted = msgspec.json.decode(payload, type=_Receipted)
            for rule_name, codes, fen in parts.get(receipted.voucher_no, ()):
                if (books := self._charts.by_version.get(version)) is None:
                    raise ConfigurationError(f"chart {version} is not loaded")
                entry = books.post(
                    CLAIM_BOOKED,
                    rule_name=rule_name,
                    source=0,
                    number="",
                    amounts_fen={"claim": 1},  # of its lines only the accounts and sides are asked
                    codes=codes,
                )
                for line in entry.lines:
                    yield _Entry(day, line.account, line.dr_cr, fen)

    def _rows(self, statement: Any, scope: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        return iter(self._connection.execute(statement, scope, binary=True))


def _summed(rows: Iterator[tuple[Any, ...]]) -> Iterator[_Entry]:
    """Journals of one amount are added up by day and shape: a few rules make them all."""
    by_shape: dict[tuple[date, bytes], int] = {}
    for day, payload in rows:
        posted = _posted(payload)
        if posted.says_codes:
            continue  # its lines are looked at one by one
        lines = bytes(posted.lines)
        shape, fen = shape_of(lines)
        if (day, shape) in by_shape:
            by_shape[day, shape] += fen
        elif sides(shape):
            by_shape[day, shape] = fen
        else:
            for account, debit_fen, credit_fen in amounts_of(lines):
                yield _Entry(day, account, DEBIT, debit_fen)
                yield _Entry(day, account, CREDIT, credit_fen)
    for (day, shape), fen in by_shape.items():
        yield from _of_shape(day, shape, fen)


def _of_shape(day: date, shape: bytes, fen: int) -> Iterator[_Entry]:
    for side in sides(shape):
        yield _Entry(day, side.account, DEBIT, side.debits * fen)
        yield _Entry(day, side.account, CREDIT, side.credits * fen)


def _journal(type_name: str, payload: bytes) -> JournalPosted:
    journal = decode(type_name, payload)
    assert isinstance(journal, JournalPosted), "the journals' model names journals"
    return journal
