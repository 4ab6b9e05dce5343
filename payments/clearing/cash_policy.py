"""库款控制、三保优先: whether claims above what lies there are refused, what is kept back, and for
what; the ledger's policy.

What is kept back is there for the three guarantees 三保 (保基本民生、保工资、保运转) alone. Which
payments those are is said by their codes, so that nobody decides it payment by payment.
"""

from typing import ClassVar, Protocol

import msgspec

from ledger.deciding.command import Command
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, RequestError
from ledger.events import Event
from ledger.money import parse_yuan, stored_fen
from payments.clearing.cash_events import CashPolicySet, CashReserve, Guarantee

GUARANTEES = ("livelihood", "wages", "operation")  # 保基本民生, 保工资, 保运转
KINDS = ("11", "12", "13")
_CODES = ("exp_func_code", "gov_bgt_eco_code", "dep_bgt_eco_code")


class PaidFor(Protocol):
    """What an indicator, or a payment of one, is for."""

    @property
    def exp_func_code(self) -> str: ...
    @property
    def gov_bgt_eco_code(self) -> str: ...
    @property
    def dep_bgt_eco_code(self) -> str: ...


class CashPolicy(msgspec.Struct, frozen=True):
    """``cash_control``: None is what holds without a policy."""

    cash_control: bool | None = None
    reserves: tuple[CashReserve, ...] = ()
    guarantees: tuple[Guarantee, ...] = ()

    def reserve_fen(self, kind: str) -> int | None:
        """What is kept back of a kind of fund; None where payments of it do not wait for cash."""
        for reserve in self.reserves:
            if reserve.fund_type_code == kind:
                return stored_fen(reserve.amt)
        return None

    def guarantee_of(self, paid_for: PaidFor) -> str:
        """Which of the three guarantees it is for, the first that fits; "" for none."""
        for each in self.guarantees:
            if all(getattr(paid_for, name).startswith(getattr(each, name)) for name in _CODES):
                return each.guarantee
        return ""


def _fold(policy: CashPolicy, event: Event) -> CashPolicy:
    if isinstance(event, CashPolicySet):
        return CashPolicy(event.cash_control, event.reserves, event.guarantees)
    return policy


CASH_POLICY = declare(Setting("cash_policy", CashPolicy(), _fold))


class SetCashPolicy(Command, frozen=True, kw_only=True):
    """库款控制: what holds from here on, as a whole."""

    OPERATION: ClassVar[str] = "cash_policy.set"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "库款控制"
    cash_control: bool | None = None
    reserves: tuple[CashReserve, ...] = ()
    guarantees: tuple[Guarantee, ...] = ()

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        kinds = [reserve.fund_type_code for reserve in self.reserves]
        for index, reserve in enumerate(self.reserves):
            if reserve.fund_type_code not in KINDS or kinds.count(reserve.fund_type_code) > 1:
                raise RequestError(
                    Code.MALFORMED,
                    f"a reserve is of one of the kinds of fund {', '.join(KINDS)}, each once",
                    pointer=f"/reserves/{index}/fund_type_code",
                )
            parse_yuan(reserve.amt, pointer=f"/reserves/{index}/amt", zero=True)
        for index, each in enumerate(self.guarantees):
            place = f"/guarantees/{index}"
            if each.guarantee not in GUARANTEES:
                raise RequestError(
                    Code.MALFORMED,
                    f"guarantee is one of {', '.join(GUARANTEES)}",
                    pointer=f"{place}/guarantee",
                )
            codes = {name: code for name in _CODES if (code := getattr(each, name))}
            if not codes:
                raise RequestError(Code.MALFORMED, "a guarantee names codes", pointer=place)
            for name, code in codes.items():
                if not code.isascii() or not code.isdigit():
                    raise RequestError(
                        Code.MALFORMED, f"{name} is digits", pointer=f"{place}/{name}"
                    )

    def decide(self, state: LedgerState, by: str) -> Decision:
        policy = CashPolicySet(
            cash_control=self.cash_control,
            reserves=tuple(CashReserve(each.fund_type_code, each.amt) for each in self.reserves),
            guarantees=tuple(
                Guarantee(each.guarantee, *(getattr(each, name) for name in _CODES))
                for each in self.guarantees
            ),  # as the event has them, whatever a caller's body made of them
            by=by,
        )
        return Decision(events=[(None, "", policy)], effective_on=state.today)
