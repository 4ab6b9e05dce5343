"""动态监控: what rules have found in payments, and who has let a held one go on."""

from typing import ClassVar

import msgspec

from ledger.events import Event, Traits, Yuan, register


class MonitorHit(Event, frozen=True, kw_only=True):
    """监控命中: a payment that was applied for has hit a rule; what refuses is no hit, but a
    refusal. ``reason`` is what the applicant has said to a warning."""

    TYPE: ClassVar[str] = "monitor.hit"
    TRAITS: ClassVar[Traits] = Traits(
        subject="monitor_hit",
        opens=("monitor_hit.open", "hit_no"),
        step="payment",
        title="监控命中",
    )
    hit_no: str
    pay_app_no: str
    rule_code: str
    rule_name: str
    control: str
    agency_code: str
    bgt_id: str
    pay_amt: Yuan
    reason: str = ""
    by: str


class TalliedPayee(msgspec.Struct, frozen=True, gc=False):
    """What a payment applies for to an account, in how many lines; the account as all spellings of
    it are compared, in capitals and without dashes."""

    payee_acct_no: str
    payments: int
    amt: Yuan


class PayeesTallied(Event, frozen=True, kw_only=True):
    """What is counted of a payment where the division has rules over several days; ``applied_on``
    is the day on which it was applied for, "" where it takes effect on that day."""

    TYPE: ClassVar[str] = "payment.tallied"
    TRAITS: ClassVar[Traits] = Traits(
        subject="payment", moves=("payee_tally",), step="payment", title="收款累计"
    )
    pay_app_no: str
    payees: tuple[TalliedPayee, ...]
    applied_on: str = ""


class PaymentReleased(Event, frozen=True, kw_only=True):
    """放行: a payment that rules hold may be approved from here on."""

    TYPE: ClassVar[str] = "payment.released"
    TRAITS: ClassVar[Traits] = Traits(
        subject="payment", asked_by="payment.release", step="payment", title="监控放行"
    )
    pay_app_no: str
    reason: str
    by: str


register(MonitorHit, PayeesTallied, PaymentReleased)
