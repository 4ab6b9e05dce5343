"""A payment that is applied for, as monitoring rules see it."""

from collections.abc import Sequence
from typing import Protocol

from budget.indicator import Indicator
from ledger.money import parse_yuan
from payments.events import PaymentDetail
from payments.monitoring.rules import LineToPayee, Monitored


class AppliedFor(Protocol):
    """Of the application's command."""

    @property
    def payee_acct_name(self) -> str: ...
    @property
    def payee_acct_no(self) -> str: ...
    @property
    def payee_acct_bank_name(self) -> str: ...
    @property
    def use_des(self) -> str: ...
    @property
    def set_mode_code(self) -> str: ...
    @property
    def pay_bus_type_code(self) -> str: ...
    @property
    def dep_bgt_eco_code(self) -> str: ...
    @property
    def contract_no(self) -> str: ...
    @property
    def details(self) -> Sequence[PaymentDetail]: ...


def seen_by_rules(asked: AppliedFor, indicator: Indicator, pay_fen: int) -> Monitored:
    """Its elements are those of its indicator; a payment without details is one line."""
    issued = indicator.issued
    ways = {
        "set_mode_code": asked.set_mode_code,
        "pay_bus_type_code": asked.pay_bus_type_code,
        "dep_bgt_eco_code": asked.dep_bgt_eco_code or issued.dep_bgt_eco_code,
    }
    lines = [
        LineToPayee(
            detail.payee_acct_name,
            detail.payee_acct_no,
            detail.payee_acct_bank_name,
            parse_yuan(detail.pay_amt),
        )
        for detail in asked.details
    ]
    single = LineToPayee(
        asked.payee_acct_name, asked.payee_acct_no, asked.payee_acct_bank_name, pay_fen
    )
    return Monitored(
        bgt_id=indicator.bgt_id,
        pay_fen=pay_fen,
        use_des=asked.use_des,
        codes={**indicator.codes, **ways},
        is_gov_pur=issued.is_gov_pur,
        has_contract=bool(asked.contract_no),
        lines=lines or [single],
    )
