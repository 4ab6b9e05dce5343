"""监控规则: what of payments a division lets pass, wants a reason for, holds, or refuses."""

from typing import ClassVar

import msgspec

from ledger.events import LEDGER, Event, Traits, register

INTERCEPT, WARN, FREEZE = "intercept", "warn", "freeze"  # 拦截, 预警, 冻结
CONTROLS = (INTERCEPT, WARN, FREEZE)


class Condition(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """A field of the payment compared with values; of what is applied for within so many days.

    Several values are alternatives; of ``..._not`` none may hold.
    """

    field: str
    op: str
    values: tuple[str, ...]
    within_days: int | None = None


class MonitorRule(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """A rule is hit by a payment of which all of ``when`` hold for one of its lines, from
    ``start_date`` on and before ``end_date``."""

    rule_code: str
    rule_name: str
    control: str
    when: tuple[Condition, ...]
    start_date: str = ""
    end_date: str = ""


class MonitorRulesSet(Event, frozen=True, kw_only=True):
    """监控规则发布: from here on these are the rules of a fiscal year, all of them."""

    TYPE: ClassVar[str] = "monitor_rules.set"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER, asked_by="monitor_rules.set", title="监控规则发布"
    )
    change_no: str
    fiscal_year: int
    rules: tuple[MonitorRule, ...]
    by: str


register(MonitorRulesSet)
