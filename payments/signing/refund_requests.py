"""退款申请 to the bank, written and signed by the finance department of the ledger's division.

Its document is a function of the events alone, so a request that is sent again has the same bytes,
and the bank knows it for the same request.
"""

from datetime import date

from ledger.account_set import fiscal_year_of
from ledger.money import stored_fen
from payments.events import RefundRequested
from payments.messages.envelope import VoucherBody, add_signature
from payments.messages.message_types import REFUND_REQUESTED
from payments.messages.request_5203 import Request5203
from payments.payment import Payment
from payments.refunds.requests import request_number
from payments.signing.claims import FINANCE_ROLE, ClaimSigner
from payments.signing.voucher_document import adm_div_code


def refund_request(signer: ClaimSigner, payment: Payment, request: RefundRequested) -> VoucherBody:
    """The request on its way; raises ``malformed`` for text that GBK cannot carry."""
    assert payment.approved is not None, "what was paid was approved"
    key = signer.ledger_id
    number = request_number(key, request.refund_no)
    document = REFUND_REQUESTED.build(
        Request5203(
            adm_div_code=adm_div_code(key),
            st_year=fiscal_year_of(key),
            vou_date=date.fromisoformat(request.request_date),
            voucher_no=number,
            ori_bill_no=payment.pay_app_no,
            original_voucher_no=payment.pay_cert_no,
            pay_bank_code=payment.approved.pay_bank_code,
            pay_amt=stored_fen(request.refund_amt),
            detail_id=request.pay_detail_id,
            remark=request.reason,
        )
    )
    unsigned = VoucherBody(
        adm_div_code=adm_div_code(key),
        st_year=fiscal_year_of(key),
        vt_code=REFUND_REQUESTED.vt_code,
        voucher_no=number,
        voucher_flag=REFUND_REQUESTED.flag,
        voucher=document,
    )
    return add_signature(unsigned, no=FINANCE_ROLE, sn=signer.cert_serial, sign=signer.sign)
