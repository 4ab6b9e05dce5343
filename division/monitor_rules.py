"""监控规则: a small language of typed conditions, held against it when rules are set. Pure.

A rule names fields of a payment, each of a type; the type says which comparisons there are and how
values are written. There is nothing to run in a rule: whatever one can say is decided by the
payment, the day, the calendar and what was paid before, so that a verification decides it again.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, NamedTuple

import msgspec

from division.by_day import is_day
from division.monitor_events import CONTROLS, Condition, MonitorRule, MonitorRulesSet
from ledger.deciding.command import Command, Told
from ledger.deciding.opening import FISCAL_YEAR_MAX, FISCAL_YEAR_MIN
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, GuokuError, RequestError
from ledger.events import Event
from ledger.money import parse_yuan

RULES_MAX, CONDITIONS_MAX, VALUES_MAX, DAYS_MAX = 500, 20, 5_000, 366
_TEXT_MAX = 300
_ERRORS_TOLD = 100

AMOUNT, COUNT, TEXT, CODE, FLAG = "amount", "count", "text", "code", "flag"
COMPARING = ("gt", "ge", "lt", "le", "eq")
_BEGINNING = ("is", "is_not", "begins", "begins_not")
OPS: dict[str, tuple[str, ...]] = {
    AMOUNT: COMPARING,
    COUNT: COMPARING,
    TEXT: (*_BEGINNING, "contains", "contains_not"),
    CODE: _BEGINNING,
    FLAG: ("is",),
}
OVER_DAYS = ("payee_payments", "payee_amt")  # what was applied for to the line's payee before, too
FIELDS: dict[str, str] = {
    "pay_amt": AMOUNT,
    "line_amt": AMOUNT,
    "payee_amt": AMOUNT,
    "payee_payments": COUNT,
    "line_count": COUNT,
    "use_des_length": COUNT,
    "hour": COUNT,
    "day_of_month": COUNT,
    "month": COUNT,
    **dict.fromkeys(("payee_acct_name", "payee_acct_no", "payee_acct_bank_name", "use_des"), TEXT),
    **dict.fromkeys(
        (
            "bgt_id",
            "agency_code",
            "pro_code",
            "exp_func_code",
            "gov_bgt_eco_code",
            "dep_bgt_eco_code",
            "fund_type_code",
            "set_mode_code",
            "pay_bus_type_code",
        ),
        CODE,
    ),
    **dict.fromkeys(("is_workday", "is_gov_pur", "has_contract"), FLAG),
}

RulesByYear = Mapping[int, tuple[MonitorRule, ...]]


class MonitorRules(msgspec.Struct, frozen=True):
    """The rules in force by fiscal year."""

    by_year: RulesByYear = {}


def fold(rules: MonitorRules, event: Event) -> MonitorRules:
    if not isinstance(event, MonitorRulesSet):
        return rules
    by_year = {**rules.by_year, event.fiscal_year: event.rules}
    return MonitorRules({year: said for year, said in sorted(by_year.items()) if said})


MONITOR_RULES = declare(Setting("monitor_rules", MonitorRules(), fold))


class RuleError(NamedTuple):
    """What is wrong with a rule: the how-manieth it is, and where in it."""

    line: int
    pointer: str
    reason: str


class SetMonitorRules(Command, frozen=True, kw_only=True):
    """监控规则发布: all rules of a fiscal year; those before are theirs no more."""

    OPERATION: ClassVar[str] = "monitor_rules.set"
    APPROVABLE: ClassVar[bool] = True
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "监控规则"
    NUMBER: ClassVar[str] = "change_no"
    change_no: str = ""
    fiscal_year: int
    rules: tuple[MonitorRule, ...]

    def check(self) -> None:
        """Raises RequestError ``malformed`` with ``errors``: each by line, pointer and reason."""
        if not FISCAL_YEAR_MIN <= self.fiscal_year <= FISCAL_YEAR_MAX:
            raise RequestError(
                Code.MALFORMED, "fiscal_year is a year such as 2026", pointer="/fiscal_year"
            )
        if len(self.rules) > RULES_MAX:
            raise RequestError(Code.MALFORMED, f"at most {RULES_MAX} rules", pointer="/rules")
        if errors := list(rule_errors(self.rules)):
            first = errors[0]
            raise RequestError(
                Code.MALFORMED,
                f"rule {first.line}: {first.reason}",
                pointer=first.pointer,
                error_count=len(errors),
                errors=[error._asdict() for error in errors[:_ERRORS_TOLD]],
            )

    def decide(self, state: LedgerState, by: str) -> Decision:
        # point of no return
        told = MonitorRulesSet(
            change_no=self.change_no, fiscal_year=self.fiscal_year, rules=self.rules, by=by
        )
        return Decision(events=[(None, "", told)], effective_on=state.today)

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        event: MonitorRulesSet = told.event
        return (cls(change_no=event.change_no, fiscal_year=event.fiscal_year, rules=event.rules),)


def rule_errors(rules: Iterable[MonitorRule]) -> Iterator[RuleError]:
    """All that is wrong with rules, in their order."""
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        for pointer, reason in _wrong_of(rule, seen):
            yield RuleError(index + 1, f"/rules/{index}{pointer}", reason)
        seen.add(rule.rule_code)


def _wrong_of(rule: MonitorRule, seen: set[str]) -> Iterator[tuple[str, str]]:
    for name in ("rule_code", "rule_name"):
        if not 0 < len(getattr(rule, name).strip()) <= _TEXT_MAX:
            yield f"/{name}", f"{name} is a short text"
    if rule.rule_code in seen:
        yield "/rule_code", f"there is a rule {rule.rule_code} already"
    if rule.control not in CONTROLS:
        yield "/control", f"control is one of {', '.join(CONTROLS)}"
    for name in ("start_date", "end_date"):
        if getattr(rule, name) and not is_day(getattr(rule, name)):
            yield f"/{name}", "a date is written YYYY-MM-DD"
    if not 0 < len(rule.when) <= CONDITIONS_MAX:
        yield "/when", f"a rule has 1 to {CONDITIONS_MAX} conditions"
    for index, condition in enumerate(rule.when):
        for pointer, reason in _wrong_condition(condition):
            yield f"/when/{index}{pointer}", reason


def _wrong_condition(condition: Condition) -> Iterator[tuple[str, str]]:
    kind = FIELDS.get(condition.field)
    if kind is None:
        yield "/field", f"{condition.field!r} is none of {', '.join(FIELDS)}"
        return
    if condition.op not in OPS[kind]:
        yield "/op", f"{condition.field} is compared by {', '.join(OPS[kind])}"
    over_days = condition.field in OVER_DAYS
    if over_days and not 0 < (condition.within_days or 0) <= DAYS_MAX:
        yield "/within_days", f"{condition.field} is of 1 to {DAYS_MAX} days"
    if not over_days and condition.within_days is not None:
        yield "/within_days", f"{condition.field} is of no days"
    yield from _wrong_values(kind, condition.values)


def _wrong_values(kind: str, values: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    most = VALUES_MAX if kind in (TEXT, CODE) else 1
    if not 0 < len(values) <= most:
        yield "/values", "one value" if most == 1 else f"1 to {most} values"
    for index, value in enumerate(values[:most]):
        if reason := _wrong_value(kind, value):
            yield f"/values/{index}", reason


def _wrong_value(kind: str, value: str) -> str:
    if kind == AMOUNT:
        try:
            parse_yuan(value)
        except GuokuError:
            return "an amount is yuan text with two decimals"
    elif kind == COUNT:
        if not (value.isascii() and value.isdigit() and len(value) <= 9):
            return "a count is a whole number"
    elif kind == FLAG:
        if value not in ("1", "2"):
            return "1 是 or 2 否"
    elif not 0 < len(value.strip()) <= _TEXT_MAX:
        return "a value is a short text"
    return ""
