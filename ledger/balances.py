"""受控余额: what an indicator's accounts may not fall below.

*Available* is the credit balance of 支出指标 for the indicator, nothing else: a posting that would
take a controlled account below its floor is refused, so that refusing an overdraft and keeping the
books are one act (36号: 支出指标余额控制资金支付).
"""

from collections.abc import Mapping

import msgspec

from ledger.errors import Code, Refusal, RequestError
from ledger.events import Figures
from ledger.money import AMOUNT_MAX_FEN, yuan


class Balances(msgspec.Struct, frozen=True, gc=False):
    """Controlled credit balances of one indicator, in fen, and its plan total."""

    available: int = 0
    frozen: int = 0
    occupied: int = 0
    paid: int = 0
    plan: int = 0

    @property
    def amount(self) -> int:
        """指标金额 now: what is available, frozen, occupied and paid together."""
        return self.available + self.frozen + self.occupied + self.paid

    @property
    def plan_available(self) -> int:
        return self.plan - self.occupied - self.paid

    def moved(self, bgt_id: str, changes_fen: Mapping[str, int]) -> "Balances":
        """The balances after a posting.

        Raises:
            Refusal: ``insufficient_indicator`` where a controlled account would fall below zero.
            RequestError: ``invalid_amount`` where the indicator would outgrow what can be written.
        """
        after = Balances(
            self.available + changes_fen.get("available", 0),
            self.frozen + changes_fen.get("frozen", 0),
            self.occupied + changes_fen.get("occupied", 0),
            self.paid + changes_fen.get("paid", 0),
            self.plan,
        )
        if after.available < 0 or after.frozen < 0 or after.occupied < 0 or after.paid < 0:
            name = "available" if after.available < 0 else "frozen"
            raise Refusal(
                Code.INSUFFICIENT_INDICATOR,
                f"indicator {bgt_id} has too little {name}",
                bgt_id=bgt_id,
                available_amt=yuan(max(0, getattr(self, name))),
                requested_amt=yuan(-changes_fen.get(name, 0)),
            )
        if after.amount > AMOUNT_MAX_FEN:
            raise RequestError(
                Code.INVALID_AMOUNT, f"indicator {bgt_id} would exceed {yuan(AMOUNT_MAX_FEN)}"
            )
        return after

    def planned(self, bgt_id: str, change_fen: int) -> "Balances":
        """The balances after a plan was set or cut.

        Raises:
            Refusal: ``insufficient_plan`` for a cut below what is used, ``insufficient_indicator``
                for a plan above the indicator.
        """
        after = msgspec.structs.replace(self, plan=self.plan + change_fen)
        if change_fen < 0 and after.plan_available < 0:
            raise Refusal(
                Code.INSUFFICIENT_PLAN,
                f"the plan of {bgt_id} cannot fall below what is used of it",
                bgt_id=bgt_id,
                available_amt=yuan(max(0, self.plan_available)),
                requested_amt=yuan(-change_fen),
            )
        if change_fen > 0 and after.plan > after.amount - after.frozen:
            raise Refusal(
                Code.INSUFFICIENT_INDICATOR,
                f"the plan of {bgt_id} would exceed its indicator",
                bgt_id=bgt_id,
                available_amt=yuan(max(0, self.amount - self.frozen - self.plan)),
                requested_amt=yuan(change_fen),
            )
        return after

    def figures(self) -> Figures:
        return Figures(
            amount=yuan(self.amount),
            frozen_amt=yuan(self.frozen),
            pay_app_amt=yuan(self.occupied),
            pay_amt=yuan(self.paid),
            canuse_amt=yuan(self.available),
            plan_amt=yuan(self.plan),
            plan_canuse_amt=yuan(max(0, self.plan_available)),
        )


NOTHING = Balances()
