"""年终结账, 年初开账: closings against the journals, openings against the year before, both ways.

A closing says what its books held; here the journals are folded once more, up to the closing of the
year and from there to the end. An opening says where it comes from; the other ledger, as it stands
in the same database, is read for it.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from accounting.book_balances import BookBalances, fold_between
from accounting.carrying_books import CARRIED_OPENING
from accounting.closing_books import BOOK_CLOSING, BookClosing, as_balances
from accounting.closing_events import (
    BooksClosed,
    KeptBalance,
    OpeningCarried,
    OpeningsBegun,
)
from accounting.deposits_left import fold_deposits
from accounting.opened_rows import rows_left
from budget.year_end_events import YearHandedOver
from ledger.account_set import parse_ledger
from ledger.books import Books
from ledger.books.closing import AccountFen
from ledger.errors import IntegrityError
from ledger.events import JournalPosted, YearClosed, decode, type_names
from ledger.reading.loading import chains_at
from ledger.reading.objects import all_numbers, read_objects
from ledger.verification.checks import name_check
from ledger.verification.following import Context, EventCheck, FollowedEvent, join

_AT_ONCE = 500
_BY_POSITION = (
    "SELECT position, type, payload FROM events WHERE ledger_id = %s AND position = ANY(%s)"
)

T = TypeVar("T")


@join
class ClosedBooksCheck(EventCheck):
    """What each closing of books says that they held, and what is left, is what the journals give;
    and all that is handed over was closed and is there."""

    NAME = name_check("closing", "年终结账 books closed against their journals", "sets of books")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._closed: list[tuple[int, BooksClosed]] = []
        self._closed_at = 0
        self._handed: tuple[int, YearHandedOver] | None = None

    def follows(self) -> Iterable[str]:
        yield from type_names(BooksClosed)
        for of_year in (YearClosed, YearHandedOver):
            yield from type_names(of_year)

    def take(self, row: FollowedEvent) -> None:
        match decode(row.type, row.payload):
            case BooksClosed() as closed:
                self._closed.append((row.position, closed))
            case YearClosed():
                self._closed_at = row.position
            case YearHandedOver() as handed if handed.books:
                self._handed = row.position, handed

    def conclude(self) -> None:
        if self._closed:
            self._hold_to_journals()
        if self._handed is not None:
            self._hold_receiver(*self._handed)

    def _hold_to_journals(self) -> None:
        """The fold is that of one chart: a year is closed by the one of its last day."""
        position, first = self._closed[0]
        place, books = self.context.place, self.context.charts.by_version.get(first.chart_version)
        if books is None:
            raise IntegrityError(f"chart {first.chart_version} is not loaded")
        fold, asking = BookBalances(books), self.context.asking
        fold_between(fold, asking, place.ledger_id, 0, first.at_position)
        held = fold.by_books()
        fold_between(fold, asking, place.ledger_id, first.at_position, place.position)
        left = fold.by_books()
        for position, closed in self._closed:
            self.findings.count(self.NAME, 1)
            of = closed.books_no
            if closed.at_position != first.at_position or (
                self._closed_at and closed.at_position != self._closed_at
            ):
                self._wrong(position, f"{of} is not closed as of the closing of the year")
            self._compare(position, f"{of} held", closed.balances, held.get(of, {}))
            self._compare(position, f"{of} has left", closed.left, left.get(of, {}))
        if self._handed is not None:
            closed_numbers = set(self._numbers())
            for number in held.keys() - closed_numbers:
                self._wrong(self._handed[0], f"{number} is handed over and was not closed")

    def _compare(
        self, position: int, what: str, told: Sequence[KeptBalance], folded: AccountFen
    ) -> None:
        said = as_balances(told)
        for key in sorted(said.keys() | folded.keys()):
            if said.get(key, 0) != folded.get(key, 0):
                account, elements = key
                kept = "".join(f" {code}" for _, code in elements)
                self._wrong(
                    position,
                    f"{what} {said.get(key, 0)} fen on {account}{kept}, its journals make it"
                    f" {folded.get(key, 0)}",
                )
                return

    def _hold_receiver(self, position: int, handed: YearHandedOver) -> None:
        """Each set of books that has anything left has begun there."""
        to, opened = parse_ledger(handed.to_ledger), 0
        for part in _parts(self._numbers()):
            due = [
                closing.closed.books_no
                for closing in _closings(self.context, self.context.place.ledger_id, part)
                if rows_left(_chart(self.context, closing), handed.books, closing)[0]
            ]
            begun = read_objects(self.context.asking, to, CARRIED_OPENING, due)
            for number in due:
                opened += 1
                if number not in begun:
                    self._wrong(position, f"{number} has not begun in {handed.to_ledger}")
        if opened != handed.openings:
            self._wrong(position, f"{handed.openings} openings are told, {opened} are due")

    def _numbers(self) -> Iterator[str]:
        place = self.context.place
        return all_numbers(self.context.asking, place.ledger_id, BOOK_CLOSING)

    def _wrong(self, position: int, what: str) -> None:
        self.findings.add(self.NAME, position, f"{what} 结账不符")


@join
class CarriedOpeningsCheck(EventCheck):
    """What a year's books begin with is what the year before has left of them."""

    NAME = name_check("openings", "年初余额 openings against the year before", "sets of books")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._carried: list[tuple[int, OpeningCarried]] = []
        self._begun: OpeningsBegun | None = None
        self._deposits_fen: dict[str, int] | None = None

    def follows(self) -> Iterable[str]:
        for cls in (OpeningsBegun, OpeningCarried):
            yield from type_names(cls)

    def take(self, row: FollowedEvent) -> None:
        match decode(row.type, row.payload):
            case OpeningsBegun() as begun:
                self._begun = begun
                self._of_closing(row.position, begun)
            case OpeningCarried() as carried:
                self._carried.append((row.position, carried))

    def conclude(self) -> None:
        begun = self._begun or self._begun_before()
        if begun is None:
            for position, carried in self._carried:
                self._wrong(position, f"{carried.books_no} begins before any books do")
            return
        for part in _parts(self._carried):
            self._hold(begun, part)

    def _begun_before(self) -> OpeningsBegun | None:
        """What an earlier run has taken, where the auditor goes on with his memory."""
        row = self.context.asking.execute(
            "SELECT type, payload FROM events WHERE ledger_id = %s AND type = ANY(%s) LIMIT 1",
            (self.context.place.ledger_id, list(type_names(OpeningsBegun))),
        ).fetchone()
        begun = None if row is None else decode(*row)
        return begun if isinstance(begun, OpeningsBegun) else None

    def _of_closing(self, position: int, begun: OpeningsBegun) -> None:
        """It names a place of the sender's history."""
        key = parse_ledger(begun.from_ledger)
        chains = chains_at(self.context.asking, key, [begun.from_position])
        if (chain := chains.get(begun.from_position)) is None or chain.hex() != begun.from_chain:
            self._wrong(position, f"{begun.from_ledger} has not that chain behind its closings")

    def _hold(self, begun: OpeningsBegun, part: Sequence[tuple[int, OpeningCarried]]) -> None:
        """Row by row; the journal stands directly behind the event."""
        sender = parse_ledger(begun.from_ledger)
        numbers = [carried.books_no for _, carried in part]
        found = {
            closing.closed.books_no: closing for closing in _closings(self.context, sender, numbers)
        }
        deposits_fen = self._deposits_of(begun)
        booked = self._journals([position + 1 for position, _ in part])
        for position, carried in part:
            self.findings.count(self.NAME, 1)
            closing = found.get(carried.books_no)
            if closing is None or carried.from_ledger != begun.from_ledger:
                self._wrong(position, f"{begun.from_ledger} has closed no {carried.books_no}")
                continue
            due, _ = rows_left(_chart(self.context, closing), begun.books, closing, deposits_fen)
            if booked.get(position + 1) != due:
                self._wrong(position, f"{carried.books_no} does not begin with what it had left")

    def _deposits_of(self, begun: OpeningsBegun) -> dict[str, int]:
        """What lay in each special account, and in units' own, when the books of the year before
        were closed."""
        if self._deposits_fen is None:
            asking, sender = self.context.asking, parse_ledger(begun.from_ledger)
            upto = begun.from_position if begun.special_accounts else 0
            self._deposits_fen = fold_deposits(asking, sender, upto)
        return self._deposits_fen

    def _journals(self, positions: Sequence[int]) -> dict[int, tuple[KeptBalance, ...]]:
        """By position, the lines of those that are journals."""
        rows = self.context.asking.execute(
            _BY_POSITION, (self.context.place.ledger_id, list(positions))
        )
        found: dict[int, tuple[KeptBalance, ...]] = {}
        for position, name, payload in rows:
            event = decode(name, payload)
            if isinstance(event, JournalPosted):
                found[position] = tuple(
                    KeptBalance(line.account, 1 if line.dr_cr > 0 else -1, line.amt, codes)
                    for line, codes in zip(event.lines, event.line_codes, strict=True)
                )
        return found

    def _wrong(self, position: int, what: str) -> None:
        self.findings.add(self.NAME, position, f"{what} 年初余额不符")


def _closings(context: Context, key: int, numbers: Sequence[str]) -> Iterator[BookClosing]:
    """These sets of books as they were closed, those that were."""
    found: dict[str, BookClosing] = read_objects(context.asking, key, BOOK_CLOSING, numbers)
    return iter(found.values())


def _chart(context: Context, closing: BookClosing) -> Books:
    try:
        return context.charts.by_version[closing.closed.chart_version]
    except KeyError:
        raise IntegrityError(f"chart {closing.closed.chart_version} is not loaded") from None


def _parts(items: Iterable[T]) -> Iterator[list[T]]:
    left = iter(items)
    while part := list(islice(left, _AT_ONCE)):
        yield part
