"""合同: a contract as its events have left it, and what of it is left, applied for and paid.

A payment that names a contract takes off what is left of it when it is applied for, and gives that
back when it is rejected, withdrawn, void, failed or returned. A contract stands in the ledger of a
year: ``year_amt`` is what may be paid of it there.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, ClassVar

import msgspec

from ledger.books import Charts
from ledger.deciding.objects import Kind
from ledger.deciding.registers import (
    AnyRegister,
    Movement,
    Register,
    RegisterFold,
    Rows,
    Shortage,
    declare,
)
from ledger.deciding.state import LedgerState
from ledger.errors import Code, IntegrityError, Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan
from payments.contracts.events import (
    ContractAmended,
    ContractEnded,
    ContractFigures,
    ContractRegistered,
)
from payments.contracts.plan import PLANS
from payments.events import (
    PaymentApplied,
    PaymentRefunded,
    PaymentRejected,
    PaymentWithdrawn,
    VoucherReceipted,
)
from payments.return_events import PaymentReturned
from payments.void_events import PaymentVoided


class Contract(msgspec.Struct, frozen=True):
    """A contract with what it says now.

    Attributes:
        ended: the last 终止; None while it is in force.
    """

    registered: ContractRegistered
    amended: tuple[ContractAmended, ...] = ()
    ended: ContractEnded | None = None

    @property
    def says(self) -> ContractRegistered | ContractAmended:
        """Name, payee, amounts and days of the version in force."""
        return self.amended[-1] if self.amended else self.registered

    @property
    def figures(self) -> ContractFigures:
        """Its amounts after its own last event; payments have moved them since."""
        return self.says.figures if self.ended is None else self.ended.figures

    @property
    def contract_no(self) -> str:
        return self.registered.contract_no

    @property
    def version(self) -> int:
        return len(self.amended) + 1

    @property
    def agency_code(self) -> str:
        return self.registered.agency_code

    @property
    def pur_plan_no(self) -> str:
        return self.registered.pur_plan_no

    @property
    def bgt_id(self) -> str:
        """The indicator of its plan, from which alone it is paid; "" where it is of no plan."""
        return self.registered.bgt_id


class ContractAmounts(msgspec.Struct, frozen=True, gc=False):
    """Of what may be paid in the year, in fen: what is left, applied for, and paid net."""

    left: int = 0
    applied: int = 0
    paid: int = 0

    def figures(self) -> ContractFigures:
        return ContractFigures(
            left_amt=yuan(self.left), pay_app_amt=yuan(self.applied), pay_amt=yuan(self.paid)
        )


_LEFT, _APPLIED, _PAID = range(3)


class _Registered(msgspec.Struct, frozen=True, gc=False):
    """Of ``ContractRegistered``."""

    contract_no: str
    year_amt: str


class _Amended(msgspec.Struct, frozen=True, gc=False):
    """Of ``ContractAmended``."""

    contract_no: str
    change_amt: str


class _Ended(msgspec.Struct, frozen=True, gc=False):
    """Of ``ContractEnded``."""

    contract_no: str
    released_amt: str


class _Applied(msgspec.Struct, frozen=True, gc=False):
    """Of ``PaymentApplied``."""

    ONLY_WITH: ClassVar[str] = "contract_no"
    pay_app_no: str
    pay_amt: str
    contract_no: str = ""


class _Released(msgspec.Struct, frozen=True, gc=False):
    """Of what ends a payment that the bank has not paid."""

    ONLY_WITH: ClassVar[str] = "contract_no"
    pay_app_no: str
    contract_no: str = ""


class _Receipted(msgspec.Struct, frozen=True, gc=False):
    """Of ``VoucherReceipted``."""

    ONLY_WITH: ClassVar[str] = "contract_no"
    pay_app_no: str
    xpay_amt: str
    contract_no: str = ""


class _Refunded(msgspec.Struct, frozen=True, gc=False):
    """Of ``PaymentRefunded``, ``PaymentReturned``."""

    ONLY_WITH: ClassVar[str] = "contract_no"
    refund_amt: str
    contract_no: str = ""


class ContractFold(RegisterFold):
    """The contracts' own events, and those of the payments that name them. What was applied for on
    a contract is remembered until its outcome."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        ContractRegistered: _Registered,
        ContractAmended: _Amended,
        ContractEnded: _Ended,
        PaymentApplied: _Applied,
        PaymentRejected: _Released,
        PaymentWithdrawn: _Released,
        PaymentVoided: _Released,
        VoucherReceipted: _Receipted,
        PaymentRefunded: _Refunded,
        PaymentReturned: _Refunded,
    }

    applied: dict[str, int] = msgspec.field(default_factory=dict)  # fen by pay_app_no

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        number = event.contract_no
        if not number:
            return ()
        match event:
            case _Registered():
                return ((number, _LEFT, stored_fen(event.year_amt)),)
            case _Amended():
                return ((number, _LEFT, stored_fen(event.change_amt)),)
            case _Ended():
                return ((number, _LEFT, -stored_fen(event.released_amt)),)
            case _Applied():
                pay_fen = self.applied[event.pay_app_no] = stored_fen(event.pay_amt)
                return (number, _LEFT, -pay_fen), (number, _APPLIED, pay_fen)
            case _Released():
                return self._done(event, 0)
            case _Receipted():
                return self._done(event, stored_fen(event.xpay_amt))
        back_fen = stored_fen(event.refund_amt)
        return (number, _PAID, -back_fen), (number, _LEFT, back_fen)

    def _done(self, event: Any, paid_fen: int) -> Iterator[Movement]:
        """A payment has its outcome: what was not paid is left again."""
        if (pay_fen := self.applied.pop(event.pay_app_no, None)) is None:
            raise IntegrityError(f"payment {event.pay_app_no!r} has not named a contract before")
        yield event.contract_no, _APPLIED, -pay_fen
        yield event.contract_no, _PAID, paid_fen
        yield event.contract_no, _LEFT, pay_fen - paid_fen


def _touched(event: Event) -> Iterator[str]:
    if key := getattr(event, "contract_no", ""):
        yield key


def exceeded(contract_no: str, available_fen: int, wanted_fen: int, why: str) -> Refusal:
    """What refuses more than a contract has left."""
    return Refusal(
        Code.INSUFFICIENT_CONTRACT,
        f"contract {contract_no} {why}",
        pointer="/contract_no",
        contract_no=contract_no,
        available_amt=yuan(max(0, available_fen)),
        requested_amt=yuan(wanted_fen),
    )


def _refuse(short: Shortage) -> Refusal:
    why = f"has too little left on {short.on}"
    return exceeded(short.key, short.available_fen, short.wanted_fen, why)


CONTRACTS: Register[ContractAmounts] = declare(
    Register(
        name="contract",
        row=ContractAmounts,
        floored=("left", "applied", "paid"),
        refuse=_refuse,
        fold=ContractFold,
        touched=_touched,
    )
)


def _fold(contract: Contract | None, event: Event) -> Contract | None:
    if isinstance(event, ContractRegistered):
        return Contract(event)
    if contract is None:
        return None
    if isinstance(event, ContractAmended):
        return msgspec.structs.replace(contract, amended=(*contract.amended, event))
    if isinstance(event, ContractEnded):
        return msgspec.structs.replace(contract, ended=event)
    return contract


def _rows_of(contract: Contract) -> Iterator[tuple[AnyRegister, str]]:
    yield CONTRACTS, contract.contract_no
    if contract.pur_plan_no:
        yield PLANS, contract.pur_plan_no


CONTRACT: Kind[Contract] = Kind(
    name="contract", opened_by="contract.register", fold=_fold, rows=_rows_of
)


def require_contract(state: LedgerState, contract_no: str) -> Contract:
    """The contract; raises Refusal ``contract_not_found``."""
    if (contract := state.get(CONTRACT, contract_no)) is None:
        raise Refusal(
            Code.CONTRACT_NOT_FOUND,
            f"no contract {contract_no!r}",
            pointer="/contract_no",
            contract_no=contract_no,
        )
    return contract
