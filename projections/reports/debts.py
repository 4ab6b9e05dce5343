"""债务报表: what is owed of each bond, what the limits leave, and when what falls due."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from budget.debt_events import BondCarriedIn, BondRegistered, DebtLimitSet, DebtMoved
from budget.debt_register import DEBT_LIMIT, KINDS, Debt, debt_changes, outstanding_change
from ledger.events import Event, decode, type_names, types_that
from ledger.money import stored_fen
from projections.reports.indicators import Reached, reached_by
from projections.reports.report import AskedReport, Cells, Report

_EVENTS = """
SELECT type, effective_on, payload FROM events
WHERE ledger_id = %s AND position <= %s AND type = ANY(%s) ORDER BY position"""
_TYPES: tuple[type[Event], ...] = (
    BondRegistered,
    BondCarriedIn,
    *types_that(lambda traits: DEBT_LIMIT.name in traits.moves),
)
_TERMS = ("bond_name", "bond_type_code", "int_rate", "issue_date", "due_date", "pro_code")
_PER_YEAR = 12
_LAST_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_RATE_PLACES = 4  # int_rate is per cent, with up to so many decimals
_PER_CENT = 1_000_000  # of what is counted in those


class _Debts:
    """What is on record at a moment."""

    def __init__(self, asked: AskedReport, reached: Reached) -> None:
        self.bonds: dict[str, BondRegistered] = {}
        self.owed: dict[str, dict[str, int]] = {}
        self.limits = dict.fromkeys(KINDS, 0)
        self.outstanding = dict.fromkeys(KINDS, 0)
        names = [name for cls in _TYPES for name in type_names(cls)]
        scope = (asked.ledger_id, reached.upto, names)
        for type_name, day, payload in asked.connection.execute(_EVENTS, scope, binary=True):
            if reached.reach.through is None or day <= reached.reach.through:
                self._take(decode(type_name, payload))

    def _take(self, event: Any) -> None:
        match event:
            case BondRegistered():
                self.bonds[event.bond_code] = event
            case DebtLimitSet():
                of_kinds = event.general_amt, event.special_amt
                self.limits = dict(zip(KINDS, map(stored_fen, of_kinds), strict=True))
            case DebtMoved():
                row = self.owed.setdefault(event.bond_code, {})
                for name, fen in debt_changes(event).items():
                    row[name] = row.get(name, 0) + fen
                self.outstanding[event.bond_type_code] += outstanding_change(event)

    def row(self, bond_code: str) -> Debt:
        return Debt(**self.owed.get(bond_code, {}))


def _of_treasury(asked: AskedReport) -> bool:
    """Debts are the treasury's own: whoever sees some units alone sees none."""
    return not asked.scope.prefixes and asked.scope.agency_code is None


def debts(asked: AskedReport, name: str) -> Report:
    """A row for each bond: 余额, what is ordered to be repaid, 应付利息, 转贷."""
    reached = reached_by(asked)
    amounts = ("issued_amt", "outstanding_amt", "ordered_amt", "accrued_amt", "lent_amt")
    columns = ("bond_code", *_TERMS, "from_div_code", *amounts)

    def rows() -> Iterator[Cells]:
        found = _Debts(asked, reached)
        for code, bond in sorted(found.bonds.items()):
            row = found.row(code)
            terms = (getattr(bond, term) for term in _TERMS)
            fen = row.issued, row.outstanding, row.ordered, row.accrued, row.lent
            yield code, *terms, bond.from_div_code, *fen

    given = rows() if _of_treasury(asked) else iter(())
    return Report(name, "地方政府债务余额表", reached.upto, columns, frozenset(amounts), given)


def debt_limits(asked: AskedReport, name: str) -> Report:
    """限额 and 余额 by kind, and what may still be owed."""
    reached = reached_by(asked)
    amounts = ("limit_amt", "outstanding_amt", "left_amt")
    columns = ("bond_type_code", "bond_type_name", *amounts)

    def rows() -> Iterator[Cells]:
        found = _Debts(asked, reached)
        for kind, title in KINDS.items():
            limit, owed = found.limits[kind], found.outstanding[kind]
            yield kind, title, limit, owed, limit - owed

    given = rows() if _of_treasury(asked) else iter(())
    return Report(name, "地方政府债务限额余额表", reached.upto, columns, frozenset(amounts), given)


def debt_schedule(asked: AskedReport, name: str) -> Report:
    """还本付息计划: of what is owed at the moment, interest by its days until it is due, and the
    principal then."""
    reached = reached_by(asked)
    amounts = ("principal_amt", "interest_amt")
    columns = ("due_on", "bond_code", "bond_type_code", *amounts)

    def rows() -> Iterator[Cells]:
        found = _Debts(asked, reached)
        due: list[tuple[date, str, str, int, int]] = []
        for code, bond in found.bonds.items():
            if owed_fen := found.row(code).outstanding:
                kind = bond.bond_type_code
                falls = _due(bond, owed_fen, reached.day)
                due += [(day, code, kind, owed, interest) for day, owed, interest in falls]
        for day, code, kind, owed, interest in sorted(due):
            yield day.isoformat(), code, kind, owed, interest

    given = rows() if _of_treasury(asked) else iter(())
    return Report(name, "还本付息计划表", reached.upto, columns, frozenset(amounts), given)


def _due(bond: BondRegistered, owed_fen: int, after: date) -> Iterator[tuple[date, int, int]]:
    """Day, principal and interest in fen of what falls due behind a day; interest of a part of a
    year is that part of the rate, half a fen up."""
    last, times = date.fromisoformat(bond.due_date), int(bond.int_times)
    if not times:  # 到期一次还本付息
        years = _months(date.fromisoformat(bond.issue_date), last)
        if last > after:
            yield last, owed_fen, interest_fen(owed_fen, bond.int_rate, years, _PER_YEAR)
        return
    step, start = _PER_YEAR // times, date.fromisoformat(bond.issue_date)
    count = 1
    while (day := min(later(start, count * step), last)) < last or count == 1:
        if day > after and day < last:
            yield day, 0, interest_fen(owed_fen, bond.int_rate, step, _PER_YEAR)
        if day >= last:
            break
        count += 1
    if last > after:
        yield last, owed_fen, interest_fen(owed_fen, bond.int_rate, step, _PER_YEAR)


def interest_fen(principal_fen: int, int_rate: str, months: int, of_months: int) -> int:
    """Of so many months at a rate per cent a year, half a fen up."""
    whole, _, part = int_rate.partition(".")
    rate = int(whole + part.ljust(_RATE_PLACES, "0"))
    divisor: int = of_months * _PER_CENT
    return (2 * principal_fen * rate * months + divisor) // (2 * divisor)


def later(day: date, months: int) -> date:
    """The same day so many months later, or the last of that month."""
    year, month = divmod(day.month - 1 + months, _PER_YEAR)
    year += day.year
    leap = month == 1 and (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))
    return date(year, month + 1, min(day.day, _LAST_DAYS[month] + leap))


def _months(first: date, last: date) -> int:
    return (last.year - first.year) * _PER_YEAR + last.month - first.month
