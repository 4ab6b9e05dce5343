"""债务承接 against the year before: what a year begins to owe is what that has left owed."""

from collections.abc import Iterable

from budget.debt_events import (
    BondCarriedIn,
    BondRegistered,
    DebtLimitSet,
    DebtMoved,
    DebtsCarriedIn,
)
from budget.debt_register import Debt, debt_changes
from budget.year_end.taking_debts import CarriedBond, as_begun, as_carried
from ledger.account_set import parse_ledger
from ledger.events import Event, decode, type_names
from ledger.reading.loading import chains_at
from ledger.reading.streaming import stream_of_types
from ledger.verification.checks import name_check
from ledger.verification.following import Context, EventCheck, FollowedEvent, join

_OF_DEBTS: tuple[type[Event], ...] = (
    *(DebtLimitSet, DebtsCarriedIn),
    *(BondRegistered, BondCarriedIn),
    DebtMoved,
)


@join
class DebtsCarriedCheck(EventCheck):
    """Bond by bond and limit by limit, folded anew from the events of the year before up to the
    closing that the opening names."""

    NAME = name_check("debts", "债务承接 debts against the year before", "bonds")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._head: tuple[int, DebtsCarriedIn] | None = None
        self._begun: dict[str, BondCarriedIn] = {}

    def follows(self) -> Iterable[str]:
        for cls in (DebtsCarriedIn, BondCarriedIn):
            yield from type_names(cls)

    def take(self, row: FollowedEvent) -> None:
        match decode(row.type, row.payload):
            case DebtsCarriedIn() as head:
                self._head = row.position, head
            case BondCarriedIn() as begun:
                self._begun[begun.bond_code] = begun

    def conclude(self) -> None:
        if self._head is None:
            return
        position, head = self._head
        key = parse_ledger(head.from_ledger)
        chains = chains_at(self.context.asking, key, [head.from_position])
        if (chain := chains.get(head.from_position)) is None or chain.hex() != head.from_chain:
            self._wrong(position, f"{head.from_ledger} has not that chain at its closing 链不符")
        limits, due = self._left(key, head.from_position)
        if (head.general_amt, head.special_amt) != limits:
            self._wrong(position, f"the limits of {head.from_ledger} are {' and '.join(limits)}")
        for code in sorted(due.keys() | self._begun.keys()):
            self.findings.count(self.NAME, 1)
            begun = self._begun.get(code)
            if begun is None or code not in due or as_begun(begun) != due[code]:
                self._wrong(
                    position, f"bond {code} does not begin with what {head.from_ledger} has left"
                )

    def _left(self, key: int, upto: int) -> tuple[tuple[str, str], dict[str, CarriedBond]]:
        """Limits and bonds of a ledger as of a position."""
        limits = "0.00", "0.00"
        bonds: dict[str, BondRegistered] = {}
        owed: dict[str, dict[str, int]] = {}
        names = [name for cls in _OF_DEBTS for name in type_names(cls)]
        for type_name, payload in stream_of_types(self.context.asking, key, 0, upto, names):
            match decode(type_name.decode(), payload):
                case DebtLimitSet() as told:
                    limits = told.general_amt, told.special_amt
                case BondRegistered() as registered:
                    bonds[registered.bond_code] = registered
                case DebtMoved() as moved:
                    row = owed.setdefault(moved.bond_code, {})
                    for name, fen in debt_changes(moved).items():
                        row[name] = row.get(name, 0) + fen
        due = {code: as_carried(bond, Debt(**owed.get(code, {}))) for code, bond in bonds.items()}
        return limits, due

    def _wrong(self, position: int, what: str) -> None:
        self.findings.add(self.NAME, position, f"{what} 债务不符")
