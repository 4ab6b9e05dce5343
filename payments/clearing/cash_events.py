"""库款: money that came to a treasury account, or went, by an act that names the account; and the
ledger's policy: whether cash is controlled, what is kept back, and for what."""

from typing import ClassVar

import msgspec

from ledger.events import LEDGER, Event, Traits, Yuan, register


class CashReserve(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept back of a kind of fund (11, 12, 13)."""

    fund_type_code: str
    amt: Yuan


class Guarantee(msgspec.Struct, frozen=True, omit_defaults=True):
    """三保: what is paid under all these codes, each of which begins one of the payment's, is for
    ``guarantee``: ``livelihood`` 保基本民生, ``wages`` 保工资, ``operation`` 保运转."""

    guarantee: str
    exp_func_code: str = ""
    gov_bgt_eco_code: str = ""
    dep_bgt_eco_code: str = ""


class CashPolicySet(Event, frozen=True, kw_only=True):
    """库款控制: whether claims above what lies there are refused; None is what holds without a
    policy, from the first act on that names a treasury account. What is not a guarantee 三保 leaves
    the reserves there."""

    TYPE: ClassVar[str] = "ledger.cash_policy_set"
    TRAITS: ClassVar[Traits] = Traits(subject=LEDGER, asked_by="cash_policy.set", title="库款控制")
    cash_control: bool | None = None
    reserves: tuple[CashReserve, ...] = ()
    guarantees: tuple[Guarantee, ...] = ()
    by: str


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


register(CashPolicySet, CashMoved)
