"""监控规则 on a payment: which are hit, and what comes of it. Pure.

A rule is hit where all its conditions hold for one line to a payee. What is asked of several days
is counted by accounts (``payments.monitoring.tally``), with the payment itself.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import NamedTuple

from division.knowledge import is_workday
from division.monitor_events import FREEZE, INTERCEPT, WARN, Condition, MonitorRule
from division.monitor_rules import AMOUNT, COUNT, FIELDS, OVER_DAYS
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import BEIJING, Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event
from ledger.money import parse_yuan, yuan
from payments.events import PaymentApplied
from payments.monitoring.events import MonitorHit, PayeesTallied, TalliedPayee
from payments.monitoring.hits import MONITOR_HIT
from payments.monitoring.tally import TALLIES, counted, counted_under, require_row
from payments.payees import one_spelling


class LineToPayee(NamedTuple):
    """A line to a payee."""

    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    line_fen: int

    @property
    def account(self) -> str:
        """Its account as all spellings of it are compared and counted."""
        return one_spelling(self.payee_acct_no)


class Monitored(NamedTuple):
    """A payment as rules see it; ``codes`` are its elements by name."""

    bgt_id: str
    pay_fen: int
    use_des: str
    codes: dict[str, str]
    is_gov_pur: bool
    has_contract: bool
    lines: Sequence[LineToPayee]


class Found(NamedTuple):
    """What rules have found: those hit by what was not refused, which of them hold it, and what is
    counted."""

    hits: Sequence[MonitorRule] = ()
    frozen_by: tuple[str, ...] = ()
    payees: Sequence[TalliedPayee] = ()


NOTHING_FOUND = Found()


def monitored(
    state: LedgerState, rules: Iterable[MonitorRule], payment: Monitored, day: date, reason: str
) -> Found:
    """What rules find in a payment that is applied for.

    A rule looks at it as of ``day``, on which it takes effect, and as of the day on which it is
    decided: neither a payment dated back nor one made today evades what holds on the other day.

    Raises:
        Refusal: ``intercepted``, by the first rule that refuses.
        RequestError: ``confirmation_required``: a warning, and no reason was given. It is not kept,
            so that the same number may be asked with one.
        DaysNotAtHandError: see ``counted``.
    """
    valid = _valid(state, rules, day)
    hits = rules_hit(state, valid, payment, day)
    for rule in hits:
        if rule.control == INTERCEPT:
            raise Refusal(Code.INTERCEPTED, f"{said(rule)} refuses it", **_named([rule]))
    warned = [rule for rule in hits if rule.control == WARN]
    if warned and not reason:
        by_whom = ", ".join(map(said, warned))
        raise RequestError(
            Code.CONFIRMATION_REQUIRED,
            f"{by_whom} warns: say why it is paid all the same, as monitor_reason",
            pointer="/monitor_reason",
            **_named(warned),
        )
    counts = any(c.field in OVER_DAYS for rule in valid for c in rule.when)
    frozen_by = tuple(rule.rule_code for rule in hits if rule.control == FREEZE)
    return Found(hits, frozen_by, _tallied(payment.lines) if counts else ())


def rules_hit(
    state: LedgerState, rules: Iterable[MonitorRule], payment: Monitored, day: date
) -> list[MonitorRule]:
    """Those of the rules that it hits, of its day or of the day on which it is decided."""
    days, valid = _days(state, day), _valid(state, rules, day)
    return [rule for rule in valid if any(_is_hit(state, rule, payment, each) for each in days)]


def _days(state: LedgerState, day: date) -> list[date]:
    return sorted({day, state.calendar_day})


def _valid(state: LedgerState, rules: Iterable[MonitorRule], day: date) -> list[MonitorRule]:
    days = _days(state, day)
    return [rule for rule in rules if any(_in_force(rule, each) for each in days)]


def with_found(
    state: LedgerState, decision: Decision, found: Found, applied: PaymentApplied
) -> Decision:
    """The application's decision with what rules have found behind it."""
    events: list[tuple[AnyKind | None, str, Event]] = []
    for rule in found.hits:
        hit = MonitorHit(
            hit_no=f"{applied.pay_app_no} {rule.rule_code}",
            pay_app_no=applied.pay_app_no,
            rule_code=rule.rule_code,
            rule_name=rule.rule_name,
            control=rule.control,
            agency_code=applied.agency_code,
            bgt_id=applied.bgt_id,
            pay_amt=applied.pay_amt,
            reason=applied.monitor_reason if rule.control == WARN else "",
            by=applied.by,
        )
        events.append((MONITOR_HIT, hit.hit_no, hit))
    moved: list[MovedRow] = []
    if found.payees:
        kind, number, _ = decision.events[0]
        day, today = decision.effective_on, state.calendar_day
        applied_on = "" if day == today else today.isoformat()
        tallied = PayeesTallied(
            pay_app_no=applied.pay_app_no, payees=tuple(found.payees), applied_on=applied_on
        )
        events.append((kind, number, tallied))
        for payee in found.payees:
            changes = {"payments": payee.payments, "amount": parse_yuan(payee.amt)}
            for key in counted_under(payee.payee_acct_no, applied_on):
                require_row(state, key)
                moved.append(state.moved(TALLIES, key, day, changes))
    decision.events.extend(events)
    decision.moved = [*decision.moved, *moved]
    decision.opens = [(kind, number) for kind, number, _ in events if kind is MONITOR_HIT]
    return decision


def _in_force(rule: MonitorRule, day: date) -> bool:
    text = day.isoformat()
    return rule.start_date <= text and not (rule.end_date and rule.end_date <= text)


def _tallied(lines: Iterable[LineToPayee]) -> list[TalliedPayee]:
    sums: dict[str, tuple[int, int]] = {}
    for line in lines:
        payments, fen = sums.get(line.account, (0, 0))
        sums[line.account] = payments + 1, fen + line.line_fen
    return [TalliedPayee(account, n, yuan(fen)) for account, (n, fen) in sums.items()]


def said(rule: MonitorRule) -> str:
    return f"monitoring rule {rule.rule_code} {rule.rule_name}"


def _named(rules: Sequence[MonitorRule]) -> dict[str, object]:
    return {"rule_codes": [rule.rule_code for rule in rules]}


# ---- conditions


def _is_hit(state: LedgerState, rule: MonitorRule, payment: Monitored, day: date) -> bool:
    return any(
        all(_holds(state, each, payment, line, day) for each in rule.when) for line in payment.lines
    )


def _holds(
    state: LedgerState, condition: Condition, payment: Monitored, line: LineToPayee, day: date
) -> bool:
    kind = FIELDS[condition.field]
    if kind in (AMOUNT, COUNT):
        number = _number(state, condition, payment, line, day)
        [value] = condition.values
        other = parse_yuan(value) if kind == AMOUNT else int(value)
        return _COMPARED[condition.op](number, other)
    text = _text(state, condition.field, payment, line, day)
    negated = condition.op.endswith("_not")
    compare = _MATCHED[condition.op.removesuffix("_not")]
    values: Iterable[str] = condition.values
    if condition.field == "payee_acct_no":
        values = map(one_spelling, values)
    return any(compare(text, value) for value in values) != negated


def _number(
    state: LedgerState, condition: Condition, payment: Monitored, line: LineToPayee, day: date
) -> int:
    match condition.field:
        case "pay_amt":
            return payment.pay_fen
        case "line_amt":
            return line.line_fen
        case "line_count":
            return len(payment.lines)
        case "use_des_length":
            return len(payment.use_des)
        case "hour":
            return state.now.astimezone(BEIJING).hour
        case "day_of_month":
            return day.day
        case "month":
            return day.month
    before = counted(state, line.account, day, condition.within_days or 0)
    own = [each for each in payment.lines if each.account == line.account]
    if condition.field == "payee_payments":
        return before.payments + len(own)
    return before.amount_fen + sum(each.line_fen for each in own)


def _text(state: LedgerState, field: str, payment: Monitored, line: LineToPayee, day: date) -> str:
    match field:
        case "payee_acct_no":
            return line.account
        case "payee_acct_name" | "payee_acct_bank_name":
            return str(getattr(line, field))
        case "use_des":
            return payment.use_des
        case "is_workday":
            return _YES_NO[is_workday(state, day)]
        case "is_gov_pur":
            return _YES_NO[payment.is_gov_pur]
        case "has_contract":
            return _YES_NO[payment.has_contract]
        case "bgt_id":
            return payment.bgt_id
    return payment.codes[field]


_YES_NO = {True: "1", False: "2"}
_COMPARED: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
    "eq": lambda one, other: one == other,
}
_MATCHED: dict[str, Callable[[str, str], bool]] = {
    "is": lambda text, value: text == value,
    "begins": lambda text, value: text.startswith(value),
    "contains": lambda text, value: value in text,
}
