"""收款人: who is paid again and again, by a code of the division's own, with his account."""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from division.base_events import PayeeChanged, PayeeRegistered
from division.by_day import ByDay, Registered, VersionByDay, asked, check_days, decision
from ledger.deciding.command import Command, Need, Told
from ledger.deciding.objects import Kind
from ledger.deciding.state import Decision, LedgerState


class Payee(VersionByDay, frozen=True, kw_only=True):
    """A payee as he is from ``start_date`` on."""

    receiver_code: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    payee_bank_no: str
    receiver_kind: str
    is_whitelisted: bool


class RegisteredPayee(Registered[Payee], frozen=True, kw_only=True):
    """A registered payee; from ``end_date`` on he is none."""


PAYEES = ByDay(
    registered=PayeeRegistered,
    changed=PayeeChanged,
    version=Payee,
    number="receiver_code",
    changing=(
        "payee_acct_name",
        "payee_acct_no",
        "payee_acct_bank_name",
        "payee_bank_no",
        "receiver_kind",
        "is_whitelisted",
    ),
    of=RegisteredPayee,
)
PAYEE: Kind[RegisteredPayee] = Kind(name="payee", opened_by="payee.register", fold=PAYEES.fold)


class RegisterPayee(Command, frozen=True, kw_only=True):
    """Registers a payee; ``receiver_kind`` is 1 单位, 2 企业, 3 个人."""

    OPERATION: ClassVar[str] = "payee.register"
    APPROVABLE: ClassVar[bool] = True
    KIND = PAYEE
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "收款人登记"
    NUMBER: ClassVar[str] = "receiver_code"
    receiver_code: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    payee_bank_no: str = ""
    receiver_kind: str
    is_whitelisted: bool = False
    start_date: date | None = None
    end_date: date | None = None

    def check(self) -> None:
        """Raises RequestError for days that none can have."""
        check_days(self)

    def decide(self, state: LedgerState, by: str) -> Decision:
        # point of no return
        return decision(state, PAYEE, self.receiver_code, PAYEES.event(self, by))

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (asked(cls, told.event),)


class ChangePayee(Command, frozen=True, kw_only=True):
    """Tells what of a payee is other from ``start_date`` on, and when he ends."""

    OPERATION: ClassVar[str] = "payee.change"
    APPROVABLE: ClassVar[bool] = True
    KIND = PAYEE
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "收款人登记"
    NUMBER: ClassVar[str] = "change_no"
    receiver_code: str
    change_no: str = ""
    start_date: date | None = None
    payee_acct_name: str = ""
    payee_acct_no: str = ""
    payee_acct_bank_name: str = ""
    payee_bank_no: str = ""
    receiver_kind: str = ""
    is_whitelisted: bool | None = None
    end_date: date | None = None

    def check(self) -> None:
        """Raises RequestError for a change of nothing, or of no day."""
        PAYEES.check_change(self)

    def needs(self) -> Iterable[Need]:
        return ((PAYEE, self.receiver_code),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        PAYEES.require(state.get(PAYEE, self.receiver_code), self)
        # point of no return
        return decision(state, PAYEE, self.receiver_code, PAYEES.event(self, by))

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (asked(cls, told.event),)
