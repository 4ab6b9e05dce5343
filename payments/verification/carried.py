"""结转: what a year began with against what the year before has carried over, both ways.

Each of the two ledgers is verified by itself; here the one is held against the other, as it stands
in the same database: no indicator has begun with what nobody carried over, nor twice, and what a
year says that it has handed over has begun.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from budget.indicator import INDICATOR, Indicator
from budget.year_end.receiving import next_number
from budget.year_end_events import (
    CarriedTaken,
    IndicatorCarriedIn,
    IndicatorCarriedOver,
    YearHandedOver,
)
from ledger.account_set import fiscal_year_of, ledger_text, parse_ledger
from ledger.events import decode, type_names
from ledger.money import stored_fen, yuan
from ledger.reading.loading import chains_at
from ledger.reading.objects import read_objects
from ledger.verification.checks import name_check
from ledger.verification.following import Context, EventCheck, FollowedEvent, join

_AT_ONCE = 500


@join
class CarriedCheck(EventCheck):
    """See the module."""

    NAME = name_check("carried", "结转 what a year hands on to the next", "indicators")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._begun: dict[str, list[tuple[int, IndicatorCarriedIn]]] = {}  # by the year before
        self._carried: dict[str, int] = {}  # what goes on next year, in fen
        self._handed: tuple[int, YearHandedOver] | None = None

    def follows(self) -> Iterable[str]:
        for cls in (CarriedTaken, IndicatorCarriedIn):
            yield from type_names(cls)
        for of_sender in (IndicatorCarriedOver, YearHandedOver):
            yield from type_names(of_sender)

    def take(self, row: FollowedEvent) -> None:
        event = decode(row.type, row.payload)
        match event:
            case IndicatorCarriedIn():
                self._begun.setdefault(event.from_ledger, []).append((row.position, event))
            case IndicatorCarriedOver():
                before_fen = self._carried.get(event.bgt_id, 0)
                self._carried[event.bgt_id] = before_fen + stored_fen(event.amt)
            case YearHandedOver():
                self._handed = row.position, event
            case CarriedTaken():
                self._of_closing(row.position, event)

    def conclude(self) -> None:
        for sender, begun in self._begun.items():
            for part in _parts(begun):
                self._hold_to_sender(sender, part)
        if self._handed is not None:
            self._hold_receiver(*self._handed)

    def _of_closing(self, position: int, taken: CarriedTaken) -> None:
        """It names a place of the sender's history."""
        key = parse_ledger(taken.from_ledger)
        chains = chains_at(self.context.asking, key, [taken.from_position])
        if (chain := chains.get(taken.from_position)) is None or chain.hex() != taken.from_chain:
            self._wrong(position, f"{taken.from_ledger} has not that chain at its closing 链不符")

    def _hold_to_sender(self, sender: str, begun: Sequence[tuple[int, IndicatorCarriedIn]]) -> None:
        """No more than was carried over of each, by the codes of this year."""
        numbers = [event.ori_bgt_id for _, event in begun]
        found: dict[str, Indicator] = read_objects(
            self.context.asking, parse_ledger(sender), INDICATOR, numbers
        )
        for position, event in begun:
            self.findings.count(self.NAME, 1)
            before = found.get(event.ori_bgt_id)
            told = None if before is None else before.carried[1]
            if before is None or told is None:
                self._wrong(position, f"{sender} has carried over nothing of {event.ori_bgt_id}")
                continue
            if stored_fen(event.amount) != before.carried_fen:
                due = yuan(before.carried_fen)
                self._wrong(position, f"{event.bgt_id} begins with {event.amount}, not {due}")
            codes = told.next_codes or before.codes
            if any(getattr(event, name) != code for name, code in codes.items()):
                self._wrong(position, f"{event.bgt_id} is of other codes than {event.ori_bgt_id}")

    def _hold_receiver(self, position: int, handed: YearHandedOver) -> None:
        """All that was carried over has begun there."""
        ledger_id = self.context.place.ledger_id
        year, sender = fiscal_year_of(ledger_id), ledger_text(ledger_id)
        to = parse_ledger(handed.to_ledger)
        if not self.context.memory and yuan(sum(self._carried.values())) != handed.carryovers_amt:
            self._wrong(position, f"{handed.carryovers_amt} is not what was carried over")
        for part in _parts(sorted(self._carried)):
            found = read_objects(
                self.context.asking, to, INDICATOR, [next_number(each, year) for each in part]
            )
            for bgt_id in part:
                self.findings.count(self.NAME, 1)
                begun = found.get(next_number(bgt_id, year))
                issued = None if begun is None else begun.issued
                if not isinstance(issued, IndicatorCarriedIn) or issued.from_ledger != sender:
                    self._wrong(position, f"{bgt_id} has not begun in {handed.to_ledger}")

    def _wrong(self, position: int, what: str) -> None:
        self.findings.add(self.NAME, position, f"{what} 结转不符")


T = TypeVar("T")


def _parts(items: Iterable[T]) -> Iterator[list[T]]:
    left = iter(items)
    while part := list(islice(left, _AT_ONCE)):
        yield part
