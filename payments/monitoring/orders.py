"""监控规则 on what is no payment: an order to the central bank, an advance that becomes an expense.

Nothing of that is held once it is asked for, so a rule that would hold it refuses it; such money is
paid as a payment, which somebody may look at and release. What a rule warns of goes on with the
word of the second person, who agrees to every such act, and stands on record.
"""

from datetime import date

from budget.indicator import Indicator
from division.knowledge import rules_of_year
from division.monitor_events import FREEZE, INTERCEPT
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from payments.monitoring.rules import LineToPayee, Monitored, rules_hit, said


def warned_of_order(
    state: LedgerState, indicator: Indicator, day: date, payee: LineToPayee, use_des: str
) -> tuple[str, ...]:
    """The codes of the rules that warn of it; nothing of it is counted for later ones.

    Raises:
        Refusal: ``intercepted``, by the first rule that refuses or would hold it.
        DaysNotAtHandError: as ``payments.monitoring.tally.counted``.
    """
    if not (rules := rules_of_year(state)):
        return ()
    seen = Monitored(
        bgt_id=indicator.bgt_id,
        pay_fen=payee.line_fen,
        use_des=use_des,
        codes={**indicator.codes, "set_mode_code": "", "pay_bus_type_code": ""},
        is_gov_pur=indicator.issued.is_gov_pur,
        has_contract=False,
        lines=[payee],
    )
    hits = rules_hit(state, rules, seen, day)
    for rule in hits:
        if rule.control in (INTERCEPT, FREEZE):
            raise Refusal(Code.INTERCEPTED, f"{said(rule)} refuses it", rule_codes=[rule.rule_code])
    return tuple(rule.rule_code for rule in hits)
