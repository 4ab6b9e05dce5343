"""公务卡: officials' cards, each of a unit, whose money reimburses what was spent with it."""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from division.agency import AGENCY, require_in_force
from division.base_events import CardChanged, CardRegistered
from division.by_day import ByDay, Registered, VersionByDay, asked, check_days, decision
from ledger.deciding.command import Command, Need, Told
from ledger.deciding.objects import Kind
from ledger.deciding.of_division import OfDivision
from ledger.deciding.state import Decision, LedgerState


class OfficialCard(VersionByDay, frozen=True, kw_only=True):
    """A card as it is from ``start_date`` on; whose unit's it is never changes.

    ``repay_acct_no`` is the bank's account by which it is repaid, "" where that is the card.
    """

    card_no: str
    agency_code: str
    holder_name: str
    card_bank_name: str
    repay_acct_no: str


class RegisteredCard(Registered[OfficialCard], frozen=True, kw_only=True):
    """A registered card; from ``end_date`` on nothing is spent by it 销卡."""


CARDS = ByDay(
    registered=CardRegistered,
    changed=CardChanged,
    version=OfficialCard,
    number="card_no",
    fixed=("agency_code",),
    changing=("holder_name", "card_bank_name", "repay_acct_no"),
    of=RegisteredCard,
)
CARD: Kind[RegisteredCard] = Kind(name="card", opened_by="card.register", fold=CARDS.fold)
CARD_OF_DIVISION: OfDivision[RegisteredCard] = OfDivision(CARD)


class RegisterCard(Command, frozen=True, kw_only=True):
    """Registers a card of a registered unit; its number is the command's."""

    OPERATION: ClassVar[str] = "card.register"
    APPROVABLE: ClassVar[bool] = True
    KIND = CARD
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "公务卡登记"
    NUMBER: ClassVar[str] = "card_no"
    card_no: str
    agency_code: str
    holder_name: str
    card_bank_name: str
    repay_acct_no: str = ""
    start_date: date | None = None
    end_date: date | None = None

    def check(self) -> None:
        """Raises RequestError for days that none can have."""
        check_days(self)

    def needs(self) -> Iterable[Need]:
        return ((AGENCY, self.agency_code),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        require_in_force(state, self.agency_code, self.start_date or state.today)
        # point of no return
        return decision(state, CARD, self.card_no, CARDS.event(self, by))

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (asked(cls, told.event),)


class ChangeCard(Command, frozen=True, kw_only=True):
    """Tells what of a card is other from ``start_date`` on, and when it ends."""

    OPERATION: ClassVar[str] = "card.change"
    APPROVABLE: ClassVar[bool] = True
    KIND = CARD
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "公务卡登记"
    NUMBER: ClassVar[str] = "change_no"
    card_no: str
    change_no: str = ""
    start_date: date | None = None
    holder_name: str = ""
    card_bank_name: str = ""
    repay_acct_no: str = ""
    end_date: date | None = None

    def check(self) -> None:
        """Raises RequestError for a change of nothing, or of no day."""
        CARDS.check_change(self)

    def needs(self) -> Iterable[Need]:
        return ((CARD, self.card_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        CARDS.require(state.get(CARD, self.card_no), self)
        # point of no return
        return decision(state, CARD, self.card_no, CARDS.event(self, by))

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (asked(cls, told.event),)
