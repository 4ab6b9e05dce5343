"""报表与事件相符: what the central bank has signed, against the events that book it (invariant 14).

The checks were made when the report came in; every verification makes them again.
"""

from collections.abc import Iterator

from accounting.balance_events import BalanceReported
from accounting.income_events import IncomeReceived
from accounting.intake import balance, income
from ledger.account_set import division_of, fiscal_year_of
from ledger.money import yuan
from payments.messages import balance_3402, income_3401
from payments.messages.message_types import SignedBy
from payments.verification.agreement import Differing, NamedDocument, compare
from payments.verification.stand_alone import stands_alone

_ADM_DIGITS = 6


@compare(IncomeReceived)
def _income(named: NamedDocument) -> Iterator[Differing]:
    event = named.event
    assert isinstance(event, IncomeReceived)
    report = income_3401.parse(named.document)
    due: tuple[Differing, ...] = (
        ("VoucherNo", report.voucher_no, event.report_no),
        ("AdmDivCode", report.adm_div_code, division_of(named.ledger_id)[:_ADM_DIGITS]),
        ("StYear", report.st_year, fiscal_year_of(named.ledger_id)),
        ("ReportDate", report.report_date.isoformat(), event.report_date),
        ("TreCode", report.tre_code, event.tre_code),
        ("DetailList", income.lines_of(report), event.lines),
    )
    yield from (each for each in due if each[1] != each[2])


@compare(BalanceReported)
def _balance(named: NamedDocument) -> Iterator[Differing]:
    event = named.event
    assert isinstance(event, BalanceReported)
    report = balance_3402.parse(named.document)
    due: tuple[Differing, ...] = (
        ("VoucherNo", report.voucher_no, event.report_no),
        ("AdmDivCode", report.adm_div_code, division_of(named.ledger_id)[:_ADM_DIGITS]),
        ("StYear", report.st_year, fiscal_year_of(named.ledger_id)),
        ("AcctDate", report.acct_date.isoformat(), event.report_date),
        ("TreCode", report.tre_code, event.tre_code),
        ("DetailList", balance.lines_of(report), event.lines),
        ("TodayBalance", yuan(report.balance_fen), event.balance_amt),
    )
    yield from (each for each in due if each[1] != each[2])


stands_alone(IncomeReceived, SignedBy.CENTRAL_BANK)
stands_alone(BalanceReported, SignedBy.CENTRAL_BANK)
