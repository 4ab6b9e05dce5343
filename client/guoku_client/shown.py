"""What is answered: structs with the server's names. Amounts are ``Decimal`` of yuan.

What the server says beside these fields is passed over, so that a newer one may say more. Whatever
is not here is had as it came by :meth:`Ledger.get <guoku_client.ledger.Ledger.get>`.
"""

from decimal import Decimal
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, or a piece of one."""


class Commit(Shown, frozen=True, kw_only=True):
    """Where an act stands in the ledger; ``digest`` and ``chain`` in hex. Keep it: with it you can
    show later that the ledger has not forgotten you."""

    ledger: str
    position: int
    digest: str
    chain: str


class Books(Shown, frozen=True, kw_only=True):
    """A ledger: its state and the policy by which its vouchers are signed."""

    ledger: str
    mof_div_code: str
    mof_div_name: str
    fiscal_year: int
    name: str
    position: int
    chain: str
    roles: tuple[str, ...]
    pay_bank_code: str
    signing: str
    closed_through: str | None
    commit: Commit | None = None


class Figures(Shown, frozen=True, kw_only=True):
    """An indicator's figures; ``canuse_amt`` is what is left."""

    bgt_id: str
    amount: Decimal
    frozen_amt: Decimal
    pay_app_amt: Decimal
    pay_amt: Decimal
    canuse_amt: Decimal
    plan_amt: Decimal
    plan_canuse_amt: Decimal


class Indicator(Figures, frozen=True, kw_only=True):
    """An indicator with its dimensions and figures."""

    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    bgt_type_code: str
    is_contrlbyplan: bool
    bgt_exe_flag: int
    pending_amt: Decimal
    commit: Commit | None = None


class Signature(Shown, frozen=True, kw_only=True):
    """``custody`` is ``own`` of a person's own key, ``server`` of one that the server holds."""

    role: str
    by: str
    cert_serial: str
    voucher_sm3: str
    signature: str
    manifest_no: str
    leaf: int
    custody: str


class Receipt(Shown, frozen=True, kw_only=True):
    """What the bank has signed."""

    outcome: str
    xpay_amt: Decimal
    xpay_date: str
    booked_on: str
    agent_business_no: str


class PaidDetail(Shown, frozen=True, kw_only=True):
    """A line; ``xpay_amt`` and ``xadd_word`` are the bank's, None before its receipt."""

    pay_detail_id: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    pay_amt: Decimal
    xpay_amt: Decimal | None
    xadd_word: str | None


class Refund(Shown, frozen=True, kw_only=True):
    refund_no: str
    state: str
    refund_amt: Decimal
    pay_detail_id: str
    notice_no: str | None
    received_on: str | None


class HeldBy(Shown, frozen=True, kw_only=True):
    """Why a payment waits; the codes are in the server's docs/api-guide.md."""

    code: str
    detail: str
    since: str | None


class Payment(Shown, frozen=True, kw_only=True):
    """A payment; ``status`` is applied, approved, signed, sent, paid, partially_paid, failed,
    rejected, withdrawn, voided or refunded."""

    ledger: str
    pay_app_no: str
    status: str
    bgt_id: str
    pay_amt: Decimal
    xpay_amt: Decimal | None
    refund_amt: Decimal
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    use_des: str
    create_date: str
    details: tuple[PaidDetail, ...]
    pay_cert_no: str | None
    vou_date: str | None
    pay_bank_code: str | None
    roles: tuple[str, ...]
    signatures: tuple[Signature, ...]
    sent: bool
    receipt: Receipt | None
    held_by: HeldBy | None = None
    refunds: tuple[Refund, ...]
    reason: str
    by: str
    checked_by: str | None
    indicator: Figures
    commit: Commit | None = None


class PaymentRow(Shown, frozen=True, kw_only=True):
    """A payment of a list; ``xpay_amt`` is 0.00 before the bank's receipt."""

    pay_app_no: str
    status: str
    bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    fund_type_code: str
    payee_acct_name: str
    payee_acct_no: str
    made_by: str
    checked_by: str
    received_on: str | None
    pay_amt: Decimal
    xpay_amt: Decimal
    refund_amt: Decimal
    detail_count: int
    pay_cert_no: str
    clear_no: str
    effective_on: str
    applied_position: int
    last_position: int


class IndicatorRow(Figures, frozen=True, kw_only=True):
    agency_code: str
    pro_code: str
    exp_func_code: str
    fund_type_code: str
    bgt_exe_flag: int
    pending_amt: Decimal
    effective_on: str
    last_position: int


class Submitted(Shown, frozen=True, kw_only=True):
    """An act that takes effect when the roles in ``awaits`` have agreed, in that order."""

    ledger: str
    state: str
    kind: str
    number: str
    awaits: tuple[str, ...]
    reason: str = ""
    commit: Commit | None = None


class Agreement(Shown, frozen=True, kw_only=True):
    role: str
    by: str


class Document(Shown, frozen=True, kw_only=True):
    """``asks`` is what was asked for, as its maker wrote it."""

    ledger: str
    state: str
    kind: str
    number: str
    awaits: tuple[str, ...]
    by: str
    submission: int
    agreed: tuple[Agreement, ...]
    reason: str
    asks: dict[str, Any]
    commit: Commit | None = None


class DocumentRow(Shown, frozen=True, kw_only=True):
    """``about`` is kind and number of the object, such as ``payment/P-1``."""

    kind: str
    number: str
    state: str
    awaits: tuple[str, ...]
    by: str
    reason: str
    submitted_on: str
    about: str
    asks: dict[str, Any]


class Run(Shown, frozen=True, kw_only=True):
    """A disbursement run; counts and amounts at the end are as the bank answered. ``under_way``
    says that the server is at work on it."""

    run_no: str
    bgt_id: str
    title: str
    status: str
    under_way: bool
    problem: str
    made_by: str
    checked_by: str | None
    line_count: int
    voucher_count: int
    pay_amt: Decimal
    lines_sm3: str
    paid_count: int
    failed_count: int
    pending_count: int
    xpay_amt: Decimal
    commit: Commit | None = None


class Loaded(Run, frozen=True, kw_only=True):
    """Lines that were uploaded; look at what may be there twice before they are approved."""

    suspect_count: int
    repeated_run_nos: tuple[str, ...]


class RunLine(Shown, frozen=True, kw_only=True):
    """A line of a run; ``outcome`` is pending, the state of its payment, paid or failed."""

    line_no: int
    file_line: int
    pay_detail_id: str
    payee_acct_name: str
    payee_acct_no: str
    pay_amt: Decimal
    pay_app_no: str
    outcome: str
    xpay_amt: Decimal
    xadd_word: str


class Agency(Shown, frozen=True, kw_only=True):
    """A unit 单位 of a division."""

    agency_code: str
    agency_name: str
    agency_type_code: str


class Person(Shown, frozen=True, kw_only=True):
    """A person with his rights, and whether these have been ended."""

    principal: str
    name: str
    roles: tuple[str, ...]
    agency_prefixes: tuple[str, ...]
    valid_until: str
    has_ended: bool


class Webhook(Shown, frozen=True, kw_only=True):
    """An address that events are brought to; ``ledgers`` says how far it is in each."""

    ledger: str
    webhook_no: str
    url: str
    types: tuple[str, ...]
    registered_by: str
    ended_at: str
    ledgers: list[dict[str, Any]]


class LedgerEvent(Shown, frozen=True, kw_only=True):
    """An event; ``payload`` as its bytes stand in the line, by which ``digest`` is made."""

    position: int
    stream_id: str
    stream_version: int
    type: str
    recorded_at: str
    effective_on: str
    payload: msgspec.Raw
    digest: str


class Page(msgspec.Struct, Generic[T], frozen=True):
    """``next_cursor`` is None on the last page."""

    items: list[T]
    next_cursor: str | None
