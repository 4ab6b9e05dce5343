"""库款: money that came to a treasury account, or went, by an act that names the account."""

from typing import ClassVar

from ledger.events import LEDGER, Event, Traits, Yuan, register


class CashMoved(Event, frozen=True, kw_only=True):
    """国库存款 of an account and fund has changed by ``amt``, which has its sign, as the journal
    before it books. What claims take is told by the claims themselves."""

    TYPE: ClassVar[str] = "cash.moved"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER, moves=("cash",), step="journals", title="库款变动"
    )
    cash_acct: str
    fund_type_code: str
    amt: Yuan


register(CashMoved)
