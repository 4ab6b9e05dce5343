"""财政专户, 单位实有资金账户: money of such an account that came, went, or was applied for."""

from typing import ClassVar

from ledger.events import LEDGER, Event, Traits, Yuan, register


class SpecialCashMoved(Event, frozen=True, kw_only=True):
    """The balance of a special account has changed by ``amt``, and what payments have taken of it
    and no bank has paid by ``claimed_amt``; both have their signs. It stands behind the act.
    ``agency_code`` is the unit whose own account it is, "" of the treasury's."""

    TYPE: ClassVar[str] = "special_cash.moved"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER, moves=("special_cash",), step="journals", title="财政专户资金变动"
    )
    acct_no: str
    amt: Yuan
    claimed_amt: Yuan = "0.00"
    agency_code: str = ""


register(SpecialCashMoved)
