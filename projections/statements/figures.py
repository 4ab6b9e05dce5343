"""What the accounts hold for a statement: one pass over the stored sums, of a year and the one
before.

Of the whole ledger the sums are those of ``projections.account_sums``, of one unit those of
``projections.account_slices``. Both know days; what opens or closes the year's books stands among
those of its first and last day, and is told apart here.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import psycopg

from accounting.statements import AccountTerm
from accounting.statements.evaluation import Fen
from accounting.statements.table_file import EachCode
from ledger.account_set import division_of, fiscal_year_of, ledger_id
from ledger.books import Account, Charts
from ledger.deciding.state import BEIJING
from projections.account_slices import Slice, SlicedSums
from projections.account_sums import AccountSums, Boundaries, BoundarySums, RangeSums, live_model
from projections.core.moments import Moment, Reach, reach, recorded_time, within_books
from projections.journals import Journals
from projections.statements.element_sums import ElementScope, ElementSums
from projections.statements.year_boundary import CLOSES, OPENS, boundary_entries

NO_SUMS = BoundarySums()


class StatementScope(NamedTuple):
    """What a statement is of: a ledger, or one unit of it, as of a moment."""

    ledger_id: int
    moment: Moment
    agency_code: str = ""


class Range(NamedTuple):
    """The journals that count in a measure: days, and of what opens or closes the year's books
    (``opens``, ``closes``) and of all others (``moves``) whether they do."""

    first: date
    last: date
    opens: bool
    moves: bool
    closes: bool


class YearFigures:
    """The accounts of one ledger; made and asked in ``moments.one_moment``.

    Attributes:
        upto: the last position that counts.
        through: the last day that counts.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        charts: Charts,
        accounts: Mapping[str, Account],
        scope: StatementScope,
        through: date | None = None,
    ) -> None:
        self._connection, self._accounts, self.scope = connection, accounts, scope
        self._sums: AccountSums | SlicedSums = (
            SlicedSums(
                connection, scope.ledger_id, charts, Slice({"agency_code": scope.agency_code})
            )
            if scope.agency_code
            else AccountSums(connection, scope.ledger_id)
        )
        model = live_model(connection, scope.ledger_id, Journals.name)
        reached: Reach = reach(connection, scope.ledger_id, scope.moment, self._sums.position)
        self.upto = min(reached.upto, self._sums.position, model.position)
        self.through = within_books(scope.ledger_id, reached.through or self._day(through))
        self._asked: dict[date, RangeSums] = {}
        self._boundaries: Boundaries | None = None
        self._by_term: dict[tuple[AccountTerm, str], int] = {}
        self._by_element: ElementSums | None = None

    def _day(self, through: date | None) -> date:
        """The day that a moment is which names none: that on which its last position was recorded,
        for now ``through``."""
        scope = self.scope
        recorded = recorded_time(self._connection, scope.ledger_id, scope.moment, self.upto)
        if through is not None and recorded is not None:
            return recorded.astimezone(BEIJING).date()
        return through or date.max

    @property
    def first_day(self) -> date:
        """Of the year."""
        return date(fiscal_year_of(self.scope.ledger_id), 1, 1)

    @property
    def month(self) -> date:
        """The first day of the month that the last day is of."""
        return self.through.replace(day=1)

    def range_of(self, measure: str) -> Range:
        """Which journals make up a measure."""
        first = self.month if measure == "period" else date.min
        whole = measure == "closing"
        opens, moves = whole or measure == "opening", measure != "opening"
        return Range(first, self.through, opens=opens, moves=moves, closes=whole)

    def of(self, term: AccountTerm, measure: str) -> int:
        """As ``accounting.statements.StatementFigures`` says, of this year."""
        asked = term, measure
        if asked not in self._by_term and term.elements:
            self._by_term[asked] = self._elements().of(term, measure)
        elif asked not in self._by_term:
            named = (account for account in self._accounts.values() if term.names(account.id))
            self._by_term[asked] = sum(_SIGNED[measure](self, account) for account in named)
        return self._by_term[asked]

    def codes(self, terms: Sequence[AccountTerm], each: EachCode) -> Sequence[str]:
        """As ``accounting.statements.StatementFigures`` says, of this year."""
        return self._elements().codes(terms, each)

    def _elements(self) -> ElementSums:
        if self._by_element is None:
            key, _, agency_code = self.scope
            scope = ElementScope(key, agency_code, self.upto, self.through, self.month)
            self._by_element = ElementSums(self._connection, self._accounts, scope)
        return self._by_element

    # ---- one account, in fen

    def closing(self, account: Account) -> int:
        opening, debit, credit = self._range(self.month)
        found = opening.get(account.id, 0) + debit.get(account.id, 0) - credit.get(account.id, 0)
        return account.side * found

    def opening(self, account: Account) -> int:
        opened = self._boundary(account, OPENS)
        return account.side * (opened.debit - opened.credit)

    def year(self, account: Account) -> int:
        closed = self._boundary(account, CLOSES)
        moved = self.closing(account) - self.opening(account)
        return moved - account.side * (closed.debit - closed.credit)

    def period(self, account: Account) -> int:
        _, debit, credit = self._range(self.month)
        moved = debit.get(account.id, 0) - credit.get(account.id, 0)
        for kind in (OPENS, CLOSES):
            of_kind = self._boundary(account, kind)
            moved -= of_kind.debit_in - of_kind.credit_in
        return account.side * moved

    def debit(self, account: Account) -> int:
        of_year = self._range(self.first_day).debit.get(account.id, 0)
        return of_year - sum(self._boundary(account, kind).debit for kind in (OPENS, CLOSES))

    def credit(self, account: Account) -> int:
        of_year = self._range(self.first_day).credit.get(account.id, 0)
        return of_year - sum(self._boundary(account, kind).credit for kind in (OPENS, CLOSES))

    # ---- what was read

    def _range(self, first: date) -> RangeSums:
        if first not in self._asked:
            self._asked[first] = self._sums.of(self.upto, first, self.through)
        return self._asked[first]

    def _boundary(self, account: Account, of_year: str) -> BoundarySums:
        """What opens, or what closes, the year's books."""
        if self._boundaries is None:
            self._boundaries = self._read_boundaries()
        return self._boundaries.get((account.id, of_year), NO_SUMS)

    def _read_boundaries(self) -> Boundaries:
        """Of the whole ledger they are stored; of one unit the journals that name it are read."""
        if isinstance(self._sums, AccountSums):
            return self._sums.boundaries(self.upto, self.month, self.through)
        found: Boundaries = {}
        key, _, agency_code = self.scope
        for entry in boundary_entries(self._connection, key, self.upto, self.through, agency_code):
            sums = found.setdefault((entry.account, entry.of_year), BoundarySums())
            debit_fen, credit_fen = (entry.fen, 0) if entry.is_debit else (0, entry.fen)
            sums.add(debit_fen, credit_fen, within=entry.day >= self.month)
        return found


_SIGNED: Mapping[str, Callable[[YearFigures, Account], int]] = {
    "closing": YearFigures.closing,
    "opening": YearFigures.opening,
    "year": YearFigures.year,
    "period": YearFigures.period,
    "debit": YearFigures.debit,
    "credit": YearFigures.credit,
}


class LedgerFigures:
    """Those of a year and, as far as they are asked for, of the year before
    (``accounting.statements.StatementFigures``).

    What is not asked for as of a business day is of the day ``today``, or of the year's last.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        charts: Charts,
        accounts: Mapping[str, Account],
        scope: StatementScope,
        today: date,
    ) -> None:
        self._connection, self._charts, self._accounts = connection, charts, accounts
        self.this = YearFigures(connection, charts, accounts, scope, today)
        self._before: YearFigures | None = None
        self._looked = False

    def of(self, term: AccountTerm, measure: str, year: str) -> Fen:
        of_year = self.this if year == "this" else self.before
        return None if of_year is None else of_year.of(term, measure)

    def codes(self, terms: Sequence[AccountTerm], each: EachCode) -> Sequence[str]:
        return self.this.codes(terms, each)

    @property
    def before(self) -> YearFigures | None:
        """The year before, as it was known then; None where there is no ledger of it."""
        if not self._looked:
            self._looked, self._before = True, self._find_before()
        return self._before

    def _find_before(self) -> YearFigures | None:
        scope = self.this.scope
        key = ledger_id(division_of(scope.ledger_id), fiscal_year_of(scope.ledger_id) - 1)
        known = self._connection.execute("SELECT 1 FROM ledgers WHERE ledger_id = %s", (key,))
        if known.fetchone() is None:
            return None
        moment = scope.moment._replace(effective=None)
        if not moment.is_now:
            recorded = recorded_time(self._connection, scope.ledger_id, moment, self.this.upto)
            moment = Moment(recorded=recorded)
        before = scope._replace(ledger_id=key, moment=moment)
        return YearFigures(self._connection, self._charts, self._accounts, before)
