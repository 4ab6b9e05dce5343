"""Rows of what happened and how it stands; see ``projections.exchange.subject``."""

from datetime import date, datetime
from typing import ClassVar

from projections.exchange.subject import (
    BUDGET,
    EXPENDITURE,
    REVENUE,
    Fen,
    Flag,
    Subject,
)


class ExportedEvent(Subject):
    """Every event as it is stored; `payload` is its JSON, null for bytes that are no text."""

    PARQUET = "events"
    position: int
    stream_id: str
    stream_version: int
    type: str
    recorded_at: datetime
    effective_on: date
    payload: str | None
    digest: str


class ExportedIndicator(Subject):
    """Indicators 预算指标, with their figures at the end of the export."""

    PARQUET = "indicators"
    XML, ELEMENT = BUDGET, "BA_BGT_INFO"
    KEY = ("bgt_id",)
    ELEMENTS: ClassVar[dict[str, str]] = {
        "frozen_amt": "FROZEN_AMT",
        "canuse_amt": "CUR_AMT",
        "issued_position": "",
    }
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
    is_contrlbyplan: Flag
    bgt_exe_flag: Flag
    ori_bgt_id: str
    doc_date: date
    issued_amt: Fen
    amount: Fen
    frozen_amt: Fen
    pay_app_amt: Fen
    pay_amt: Fen
    canuse_amt: Fen
    plan_amt: Fen
    issued_position: int
    create_time: datetime


class ExportedAdjustment(Subject):
    """Changes of indicators 追加追减, 调剂, 冻结, 解冻; `amt` is added to what is available."""

    PARQUET = "adjustments"
    XML, ELEMENT = BUDGET, "BA_BGT_ADJUST"
    KEY = ("position",)
    ELEMENTS: ClassVar[dict[str, str]] = {"position": "", "act": "ADJ_TYPE", "made_by": "INPUTER"}
    bgt_id: str
    adj_no: str
    act: str
    other_bgt_id: str
    amt: Fen
    reason: str
    effective_on: date
    made_by: str
    position: int
    create_time: datetime


class ExportedPlan(Subject):
    """Plans 用款计划 of a month, cuts of them negative."""

    PARQUET = "plans"
    XML, ELEMENT = BUDGET, "PAY_PLAN_VOUCHER"
    KEY = ("position", "plan_month")
    ELEMENTS: ClassVar[dict[str, str]] = {"position": "", "made_by": "INPUTER"}
    plan_voucher_no: str
    bgt_id: str
    agency_code: str
    plan_month: int
    plan_amt: Fen
    effective_on: date
    made_by: str
    position: int
    create_time: datetime


class ExportedPayment(Subject):
    """Payments 国库集中支付申请, in the state they had at the end of the export."""

    PARQUET = "payments"
    XML, ELEMENT = EXPENDITURE, "PAY_VOUCHER"
    KEY = ("pay_app_no",)
    ELEMENTS: ClassVar[dict[str, str]] = {
        "pay_amt": "PAY_APP_AMT",
        "status": "PAY_STATUS",
        "made_by": "INPUTER",
        "checked_by": "AUDITOR",
        "applied_position": "",
        "last_position": "",
    }
    pay_app_no: str
    bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    pay_amt: Fen
    xpay_amt: Fen | None
    refund_amt: Fen
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    use_des: str
    set_mode_code: str
    pay_bus_type_code: str
    create_date: date
    detail_count: int
    status: str
    pay_cert_no: str
    reason: str
    made_by: str
    checked_by: str
    applied_position: int
    last_position: int
    create_time: datetime
    update_time: datetime


class ExportedVoucher(Subject):
    """Vouchers 国库集中支付凭证, one for each approved payment."""

    XML, ELEMENT = EXPENDITURE, "PAY_VOUCHER_BILL"
    KEY = ("pay_cert_no",)
    pay_cert_no: str
    pay_app_no: str
    vou_date: date
    pay_bank_code: str
    pay_amt: Fen
    xpay_amt: Fen | None
    xpay_date: date | None
    agent_business_no: str
    create_time: datetime
    update_time: datetime


class ExportedPaymentDetail(Subject):
    """Lines to payees 支付明细; `xpay_amt` is null before the receipt, `consume_amt` of no card."""

    PARQUET = "payment_details"
    XML, ELEMENT = EXPENDITURE, "PAY_DETAIL"
    KEY = ("pay_app_no", "pay_detail_id")
    ELEMENTS: ClassVar[dict[str, str]] = {
        "remark": "ADD_WORD",
        "xadd_word": "RECEIPT_ADD_WORD",
        **dict.fromkeys(
            ("card_no", "consume_date", "card_auth_no", "merchant_name", "consume_amt"), ""
        ),
    }
    pay_app_no: str
    pay_cert_no: str
    pay_detail_id: str
    agency_code: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    payee_bank_no: str
    iden_no: str
    remark: str
    pay_amt: Fen
    xpay_amt: Fen | None
    xadd_word: str
    card_no: str
    consume_date: str
    card_auth_no: str
    merchant_name: str
    consume_amt: Fen | None


class ExportedVoucherSignature(Subject):
    """Signatures 签章 on vouchers; of one in a manifest 清单, its number and leaf."""

    PARQUET = "vouchers_signatures"
    pay_cert_no: str
    pay_app_no: str
    role: str
    made_by: str
    cert_serial: str
    voucher_sm3: str
    signature: str
    manifest_no: str
    leaf: int
    is_final: Flag
    position: int
    recorded_at: datetime


class ExportedReceipt(Subject):
    """The bank's receipts 支付凭证回单."""

    PARQUET = "receipts"
    pay_app_no: str
    pay_cert_no: str
    outcome: str
    xpay_amt: Fen
    xpay_date: date
    agent_business_no: str
    failed_count: int
    receipt_sm3: str
    cert_serial: str
    signature: str
    effective_on: date
    position: int
    recorded_at: datetime


class ExportedRefund(Subject):
    """Refunds 退款 of payments."""

    PARQUET = "refunds"
    XML, ELEMENT = EXPENDITURE, "PAY_REFUND"
    KEY = ("position",)
    ELEMENTS: ClassVar[dict[str, str]] = {
        "position": "",
        "notice_sm3": "",
        "made_by": "INPUTER",
    }
    refund_no: str
    pay_app_no: str
    pay_cert_no: str
    bgt_id: str
    agency_code: str
    pay_detail_id: str
    refund_amt: Fen
    refund_date: date
    reason: str
    vt_code: str
    notice_no: str
    agent_business_no: str
    notice_sm3: str
    made_by: str
    position: int
    create_time: datetime


class ExportedCorrection(Subject):
    """Corrections 更正: what was paid from `from_bgt_id` is borne by `to_bgt_id`."""

    PARQUET = "corrections"
    XML, ELEMENT = EXPENDITURE, "PAY_CORRECT"
    KEY = ("position",)
    ELEMENTS: ClassVar[dict[str, str]] = {"position": "", "made_by": "INPUTER"}
    cor_no: str
    pay_app_no: str
    pay_cert_no: str
    pay_detail_id: str
    agency_code: str
    from_bgt_id: str
    to_bgt_id: str
    amt: Fen
    claimed_amt: Fen
    cor_date: date
    reason: str
    made_by: str
    position: int
    create_time: datetime


class ExportedClearing(Subject):
    """Claims 申请划款 (2301) and 申请退款 (2302) on the central bank, and its answers."""

    PARQUET = "clearings"
    XML, ELEMENT = EXPENDITURE, "PAY_CLEAR_CERT"
    KEY = ("clear_no", "voucher_no")
    ELEMENTS: ClassVar[dict[str, str]] = {"position": "", "rejected": "RECEIPT_ADD_WORD"}
    clear_no: str
    clear_date: date
    pay_bank_code: str
    status: str
    vt_code: str
    voucher_no: str
    fund_type_code: str
    pay_amt: Fen
    line_count: int
    xpay_amt: Fen | None
    xclear_date: date | None
    rejected: str
    position: int
    create_time: datetime


class ExportedJournal(Subject):
    """Accounting entries 记账凭证, a row for each line, in every book; `dr_cr` is 1 借, -1 贷."""

    PARQUET = "journals"
    position: int
    line: int
    source: int
    event: str
    effective_on: date
    number: str
    bgt_id: str
    fund_type_code: str
    rule: str
    red_flag: int
    book: str
    book_name: str
    account: str
    acct_cls_code: str
    acct_cls_name: str
    dr_cr: int
    amt: Fen


class ExportedRefusal(Subject):
    """What was refused, to whom and why."""

    PARQUET = "refusals"
    position: int
    operation: str
    number: str
    code: str
    detail: str
    made_by: str
    recorded_at: datetime


class ExportedRevenue(Subject):
    """What a unit received as 财政拨款: each payment by the bank, refunds negative."""

    XML, ELEMENT = REVENUE, "AGENCY_FISCAL_REVENUE"
    KEY = ("position",)
    ELEMENTS: ClassVar[dict[str, str]] = {"position": ""}
    agency_code: str
    pro_code: str
    exp_func_code: str
    fund_type_code: str
    pay_app_no: str
    refund_no: str
    income_date: date
    income_amt: Fen
    position: int
