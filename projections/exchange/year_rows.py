"""Rows of a year's budget and of what is left of it; see ``projections.exchange.subject``."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import reduce
from typing import ClassVar

from budget.indicator import Indicator
from budget.row_events import RowAsked
from budget.rows import BUDGET_ROW, BudgetRow
from budget.transfer_events import TransferIssued
from budget.year_end.receiving import next_number
from budget.year_end_events import IndicatorCarriedOver, IndicatorTakenBack, OfRemainder
from ledger.events import Event
from ledger.money import stored_fen
from payments.order_events import AllocationOrdered
from payments.orders.allocations import ALLOCATION, Allocation
from projections.core.fold import Fact
from projections.exchange.subject import BUDGET, EXPENDITURE, FINAL, NO, Fen, Flag, Subject
from transfers.transfer import TRANSFER, Transfer

CARRIED_TYPE = "22"  # 上年结转
_DIMENSIONS = (
    "agency_code",
    "pro_code",
    "exp_func_code",
    "gov_bgt_eco_code",
    "dep_bgt_eco_code",
    "fund_type_code",
)


class ExportedBudgetRow(Subject):
    """Rows of the budget 部门预算项目年度预算: cur = reply + adj + dis."""

    XML, ELEMENT = BUDGET, "BGT_PM_ANNUAL"
    KEY = ("bgt_pman_id",)
    bgt_pman_id: str
    agency_code: str
    pro_code: str
    pro_cat_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    apply_up: Fen
    fin_audit_money: Fen
    reply_amt: Fen
    adj_amt: Fen
    dis_amt: Fen
    cur_amt: Fen
    approval_file_no: str
    create_time: datetime
    update_time: datetime


class ExportedTransferBudget(Subject):
    """Transfers to tiers below 对下转移支付预算, what came back of them negative."""

    XML, ELEMENT = BUDGET, "BGT_TRA"
    KEY = ("transfer_no",)
    transfer_no: str
    bgt_pman_id: str
    sub_mof_div_code: str
    tp_func_code: str
    pro_code: str
    fund_type_code: str
    cor_bgt_doc_no: str
    bgt_doc_title: str
    sup_bgt_doc_no: str
    is_dir_code: str
    reply_amt: Fen
    adj_amt: Fen
    cur_amt: Fen
    create_time: datetime
    update_time: datetime


class ExportedCarryOver(Subject):
    """What goes on to the next year 结转指标, by the codes that it has there."""

    XML, ELEMENT = FINAL, "BA_BGT_CARRYOVERS"
    KEY = ("carryovers_bgt_id",)
    carryovers_bgt_id: str
    ori_bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    bgt_type_code: str
    bgt_exe_flag: Flag
    approve_amt: Fen
    carryovers_amt: Fen
    first_year: int
    effective_on: date
    create_time: datetime


class ExportedBalance(Subject):
    """What was taken back at the year's end 结余指标; it is booked as no expenditure."""

    XML, ELEMENT = FINAL, "BA_BGT_BALANCE"
    KEY = ("balance_bgt_id",)
    balance_bgt_id: str
    ori_bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    approve_amt: Fen
    balance: Fen
    back_balance: Fen
    is_rec_exp: Flag
    effective_on: date
    create_time: datetime


class ExportedAllocation(Subject):
    """Allocations 预算拨款凭证 (实拨), in the state they had at the end of the export."""

    XML, ELEMENT = EXPENDITURE, "PAY_ALLOCATION_CERT"
    KEY = ("alloc_no",)
    ELEMENTS: ClassVar[dict[str, str]] = {
        "alloc_no": "PAY_ALLOC_CERT_NO",
        "order_date": "VOU_DATE",
        "paid_on": "ACC_DATE",
    }
    alloc_no: str
    voucher_no: str
    bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    pay_amt: Fen
    xpay_amt: Fen
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    use_des: str
    status: str
    order_date: date
    paid_on: str
    create_time: datetime


def remainder_rows(facts: Sequence[Fact], indicator: Indicator, first: int) -> Iterator[Subject]:
    """What became of an indicator's remainder, where any of it did from position ``first`` on."""
    told = [fact for fact in facts if isinstance(fact.event, OfRemainder)]
    approved_fen = sum(stored_fen(fact.event.amt) for fact in told if _leaves(fact.event))
    if told:
        figures, pending = told[-1].event.figures, told[-1].event.pending_amt
        approved_fen += stored_fen(figures.amount) + stored_fen(pending or "0.00")
    codes = {name: getattr(indicator.issued, name) for name in _DIMENSIONS}
    for kind in (IndicatorCarriedOver, IndicatorTakenBack):
        of_kind = [fact for fact in told if isinstance(fact.event, kind)]
        if not of_kind or of_kind[-1].position < first:
            continue
        last, amt = of_kind[-1], sum(stored_fen(fact.event.amt) for fact in of_kind)
        if isinstance(last.event, IndicatorCarriedOver):
            year = last.effective_on.year
            yield ExportedCarryOver(
                carryovers_bgt_id=next_number(indicator.bgt_id, year),
                ori_bgt_id=indicator.bgt_id,
                **{**codes, **{k: v for k, v in last.event.next_codes.items() if k in codes}},
                bgt_type_code=CARRIED_TYPE,
                bgt_exe_flag=indicator.bgt_exe_flag,
                approve_amt=approved_fen,
                carryovers_amt=amt,
                first_year=last.event.first_year,
                effective_on=last.effective_on,
                create_time=last.recorded_at,
            )
        else:
            yield ExportedBalance(
                balance_bgt_id=indicator.bgt_id,
                ori_bgt_id=indicator.bgt_id,
                **codes,
                approve_amt=approved_fen,
                balance=amt,
                back_balance=amt,
                is_rec_exp=NO,
                effective_on=last.effective_on,
                create_time=last.recorded_at,
            )


def _leaves(event: Event) -> bool:
    """Whether what it tells is of the indicator no more."""
    return isinstance(event, IndicatorCarriedOver | IndicatorTakenBack)


def year_rows(facts: Sequence[Fact]) -> Iterator[Subject]:
    """Rows of a row of the budget, a transfer or an allocation, by the stream of its events."""
    first = facts[0].event if facts else None
    events = [fact.event for fact in facts]
    if isinstance(first, RowAsked):
        row: BudgetRow | None = reduce(BUDGET_ROW.fold, events, None)
        if row is not None and row.approve_doc_no:
            yield _budget_row(row, facts)
    elif isinstance(first, TransferIssued):
        transfer: Transfer | None = reduce(TRANSFER.fold, events, None)
        assert transfer is not None
        yield _transfer(transfer, facts)
    elif isinstance(first, AllocationOrdered):
        allocation: Allocation | None = reduce(ALLOCATION.fold, events, None)
        assert allocation is not None
        yield _allocation(allocation, facts)


def _budget_row(row: BudgetRow, facts: Sequence[Fact]) -> ExportedBudgetRow:
    said, figures = row.said, row.figures
    return ExportedBudgetRow(
        bgt_pman_id=said.bgt_pman_id,
        **{name: getattr(said, name) for name in _DIMENSIONS},
        pro_cat_code=said.pro_cat_code,
        apply_up=row.apply_up_fen,
        fin_audit_money=row.fin_audit_fen,
        reply_amt=stored_fen(figures.reply_amt),
        adj_amt=stored_fen(figures.adj_amt),
        dis_amt=stored_fen(figures.dis_amt),
        cur_amt=stored_fen(figures.cur_amt),
        approval_file_no=row.approve_doc_no,
        create_time=facts[0].recorded_at,
        update_time=facts[-1].recorded_at,
    )


def _transfer(transfer: Transfer, facts: Sequence[Fact]) -> ExportedTransferBudget:
    issued = transfer.issued
    amt, back = stored_fen(issued.amt), transfer.reduced_fen
    return ExportedTransferBudget(
        transfer_no=issued.transfer_no,
        bgt_pman_id=issued.bgt_pman_id,
        sub_mof_div_code=issued.rec_div_code,
        tp_func_code=issued.tp_func_code,
        pro_code=issued.pro_code,
        fund_type_code=issued.fund_type_code,
        cor_bgt_doc_no=issued.bgt_doc_no,
        bgt_doc_title=issued.bgt_doc_title,
        sup_bgt_doc_no=issued.sup_bgt_doc_no,
        is_dir_code=issued.is_dir_code,
        reply_amt=amt,
        adj_amt=-back,
        cur_amt=amt - back,
        create_time=facts[0].recorded_at,
        update_time=facts[-1].recorded_at,
    )


def _allocation(allocation: Allocation, facts: Sequence[Fact]) -> ExportedAllocation:
    ordered = allocation.ordered
    return ExportedAllocation(
        **{
            name: getattr(ordered, name)
            for name in (
                *("alloc_no", "voucher_no", "bgt_id", *_DIMENSIONS),
                *("payee_acct_name", "payee_acct_no", "payee_acct_bank_name", "use_des"),
            )
        },
        pay_amt=stored_fen(ordered.amt),
        xpay_amt=allocation.left_fen,
        status=allocation.status,
        order_date=date.fromisoformat(ordered.order_date),
        paid_on=allocation.paid_on,
        create_time=facts[0].recorded_at,
    )
