"""Lists in pages, and the rows of the read models in them, as callers see them.

The rows are made by ``projections.queries``; that they are what is written here is held by a test
that goes through every answer of the tests over HTTP.
"""

from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from api.http.models.enums import BookName, CodeText, DocumentState, PaymentState
from api.http.models.shown import ActBody, shown_as

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T]):
    """A page of a list; ``next_cursor`` is null on the last one."""

    items: list[T]
    next_cursor: str | None


class PaymentPage(msgspec.Struct, kw_only=True):
    """A page; ``total`` payments come to ``sum_amt`` (of ``pay_amt``) where that was asked for."""

    items: "list[PaymentItem]"
    next_cursor: str | None
    total: int | UnsetType = UNSET
    sum_amt: str | UnsetType = UNSET


class IndicatorItem(msgspec.Struct):
    """An indicator of a list, with its figures; positions of its issue and of its last event."""

    bgt_id: str
    agency_code: str
    agency_name: str
    pro_code: str
    pro_name: str
    exp_func_code: str
    exp_func_name: str
    gov_bgt_eco_code: str
    gov_bgt_eco_name: str
    dep_bgt_eco_code: str
    dep_bgt_eco_name: str
    fund_type_code: str
    fund_type_name: str
    bgt_type_code: str
    bgt_type_name: str
    is_contrlbyplan: bool
    bgt_exe_flag: int
    is_dir_code: str
    track_pro_code: str
    distributed_from: str
    pending_amt: str
    amount: str
    frozen_amt: str
    pay_app_amt: str
    pay_amt: str
    canuse_amt: str
    plan_amt: str
    plan_canuse_amt: str
    effective_on: str
    issued_position: int
    last_position: int


class DocumentItem(msgspec.Struct):
    """A document of a list; ``asks`` is what was asked for, ``about`` the object that it is about,
    kind and number, or "" where it makes a new one."""

    kind: str
    number: str
    state: DocumentState
    awaits: list[str]
    by: str
    reason: str
    submission: int
    submitted_on: str
    submitted_position: int
    last_position: int
    about: str
    asks: Annotated[dict[str, Any], shown_as(ActBody)]


class DivisionDocumentItem(DocumentItem):
    """A document of a division; ``ledger`` is where it stands, its own or that of all divisions."""

    ledger: str


class PaymentItem(msgspec.Struct):
    """A payment of a list; ``detail_count`` is 0 for one without details, ``clear_no`` the clearing
    that holds its receipt ("" before), positions 0 before there is an event. Who applied, who
    approved or returned it ("" before), and the day of the bank's receipt (null before)."""

    pay_app_no: str
    status: PaymentState
    bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    use_des: str
    made_by: str
    checked_by: str
    received_on: str | None
    pay_amt: str
    xpay_amt: str
    refund_amt: str
    detail_count: int
    pay_cert_no: str
    pay_bank_code: str
    clear_no: str
    effective_on: str
    applied_position: int
    receipt_position: int
    last_position: int


class CorrectionItem(msgspec.Struct):
    """A correction of a list; ``position`` is that of its event."""

    position: int
    cor_no: str
    pay_app_no: str
    pay_detail_id: str
    agency_code: str
    from_bgt_id: str
    to_bgt_id: str
    amt: str
    reason: str
    effective_on: str


class PriorReturnItem(msgspec.Struct):
    """What ``ori_bgt_id`` of last year had borne of what came back; ``bgt_id`` is the indicator
    that goes on with it 结转, "" where the treasury has it 收回. ``position`` is its event's."""

    position: int
    return_no: str
    pay_app_no: str
    pay_cert_no: str
    ori_bgt_id: str
    bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    refund_amt: str
    pay_bank_code: str
    effective_on: str
    clear_no: str


class RefusalItem(msgspec.Struct):
    """A refusal on record: who asked for what, and why it was refused."""

    position: int
    operation: str
    number: str
    code: CodeText
    detail: str
    by: str
    recorded_at: str


class ClearedItem(msgspec.Struct):
    """A voucher (2301) or a refund (2302) that a clearing claims."""

    position: int
    vt_code: str
    clear_no: str
    claim_no: str
    pay_app_no: str
    pay_cert_no: str
    refund_no: str
    amount: str


class JournalDimensions(msgspec.Struct):
    """What a line is of; the lines of a clearing are of many indicators and of one fund type, those
    of an opening are kept by what was entered."""

    fund_type_code: str | UnsetType = UNSET
    bgt_id: str | UnsetType = UNSET
    agency_code: str | UnsetType = UNSET
    pro_code: str | UnsetType = UNSET
    exp_func_code: str | UnsetType = UNSET
    gov_bgt_eco_code: str | UnsetType = UNSET
    dep_bgt_eco_code: str | UnsetType = UNSET
    inc_sort_code: str | UnsetType = UNSET
    budget_level_code: str | UnsetType = UNSET
    tre_code: str | UnsetType = UNSET
    acct_no: str | UnsetType = UNSET


class JournalLine(msgspec.Struct):
    """A line of a journal 分录; ``dr_cr`` 1 debit, -1 credit."""

    book: BookName
    acct_cls_id: str
    acct_cls_code: str
    acct_cls_name: str
    dr_cr: int
    amt: str
    dimensions: JournalDimensions


class VoucherNumbers(msgspec.Struct):
    """凭证号 in the period, of each set of books that the journal is of: counted up in order,
    without gap, for the treasury, each unit, the indicators and the zero-balance account."""

    acct_period: str
    indicator: int | UnsetType = UNSET
    treasury: int | UnsetType = UNSET
    unit: int | UnsetType = UNSET
    zero_balance: int | UnsetType = UNSET


class JournalItem(msgspec.Struct):
    """A balanced journal 记账凭证 of the event at ``source``; the rule is of a chart's version.

    ``made_by`` 制单, ``checked_by`` 审核 ("" where nobody has checked it when it was booked),
    ``posted_by`` 记账, ``guoku`` where the program has; ``red_vou_no`` is the position of the
    journal that a red one reverses, ``red_vou_nos`` its numbers. ``vou_nos`` is null for openings.
    """

    position: int
    source: int
    event: str
    effective_on: str
    number: str
    bgt_id: str
    fund_type_code: str
    red_flag: int
    rule: str
    rule_version: str
    made_by: str
    checked_by: str
    posted_by: str
    red_vou_no: int | None
    vou_nos: VoucherNumbers | None
    red_vou_nos: VoucherNumbers | None
    lines: list[JournalLine]


class EventItem(msgspec.Struct):
    """An event as it is stored; ``payload`` as it was hashed, ``digest`` hex."""

    position: int
    stream_id: str
    stream_version: int
    type: str
    recorded_at: str
    effective_on: str
    payload: dict[str, object] | None
    digest: str
    payload_base64: str | UnsetType = UNSET
