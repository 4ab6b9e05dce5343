"""The rows of payments and of their refunds, as lists show them."""

from datetime import date

import msgspec

from projections.core.tables import Table
from projections.prior_returns import UNCLAIMED


class PaymentStanding(msgspec.Struct, gc=False):
    """What events change of a payment's row, and what they are judged by; of ``refund_fen`` the
    next year's ledger has ``returned_fen``. ``received_on`` is the day under which the bank's
    receipt is booked."""

    pay_app_no: str
    fund_type_code: str
    last_position: int
    status: str
    checked_by: str
    received_on: date | None
    xpay_fen: int
    refund_fen: int
    returned_fen: int
    pay_cert_no: str
    pay_bank_code: str
    receipt_position: int
    claimable_on: date | None
    clear_no: str
    claim_no: str


class PaymentRow(PaymentStanding, gc=False):
    """A row of ``proj_payments``: as it was applied for, and as it stands."""

    bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    use_des: str
    made_by: str
    pay_fen: int
    details: int
    effective_on: date
    applied_position: int


class RefundRow(msgspec.Struct, gc=False):
    """A row of ``proj_refunds``."""

    position: int
    refund_no: str
    pay_app_no: str
    pay_cert_no: str
    pay_detail_id: str
    fund_type_code: str
    refund_fen: int
    pay_bank_code: str
    effective_on: date
    claimable_on: date
    clear_no: str = ""
    claim_no: str = ""
    notice_no: str = ""


PAYMENTS = Table(
    "proj_payments",
    PaymentRow,
    ("pay_app_no",),
    state=PaymentStanding,
    integers=("details",),
    indexes=(
        "(ledger_id, generation, pay_bank_code, claimable_on) WHERE clear_no = '' AND xpay_fen > 0",
        "(ledger_id, generation, clear_no) WHERE clear_no <> ''",
    ),
)
REFUNDS = Table("proj_refunds", RefundRow, ("position",), indexes=UNCLAIMED)
