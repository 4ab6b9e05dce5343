"""退款申请, 撤销申请 to the bank, signed by the finance department of the ledger's division.

A document is a function of the events alone, so a request that is sent again has the same bytes,
and the bank knows it for the same request.
"""

from datetime import date

from ledger.account_set import fiscal_year_of
from ledger.money import stored_fen
from payments.events import RefundRequested
from payments.messages.bank_requests import BankRequest
from payments.messages.envelope import VoucherBody, add_signature
from payments.messages.message_types import RECALL_REQUESTED, REFUND_REQUESTED, MessageType
from payments.payment import Payment
from payments.recalls import recall_number
from payments.refunds.requests import request_number
from payments.signing.claims import FINANCE_ROLE, ClaimSigner
from payments.signing.voucher_document import adm_div_code
from payments.void_events import RecallRequested


def refund_request(signer: ClaimSigner, payment: Payment, request: RefundRequested) -> VoucherBody:
    """The request on its way; raises ``malformed`` for text that GBK cannot carry."""
    return _signed(
        signer,
        payment,
        request,
        REFUND_REQUESTED,
        voucher_no=request_number(signer.ledger_id, request.refund_no),
        pay_fen=stored_fen(request.refund_amt),
        detail_id=request.pay_detail_id,
    )


def recall_request(signer: ClaimSigner, payment: Payment, request: RecallRequested) -> VoucherBody:
    """Likewise, of the whole voucher."""
    return _signed(
        signer,
        payment,
        request,
        RECALL_REQUESTED,
        voucher_no=recall_number(signer.ledger_id, request.recall_no),
        pay_fen=payment.pay_fen,
    )


def _signed(
    signer: ClaimSigner,
    payment: Payment,
    request: RefundRequested | RecallRequested,
    message: MessageType[BankRequest],
    *,
    voucher_no: str,
    pay_fen: int,
    detail_id: str = "",
) -> VoucherBody:
    assert payment.approved is not None, "what was signed was approved"
    division, year = adm_div_code(signer.ledger_id), fiscal_year_of(signer.ledger_id)
    document = message.build(
        BankRequest(
            vt_code=message.vt_code,
            adm_div_code=division,
            st_year=year,
            vou_date=date.fromisoformat(request.request_date),
            voucher_no=voucher_no,
            ori_bill_no=payment.pay_app_no,
            original_voucher_no=payment.pay_cert_no,
            pay_bank_code=payment.approved.pay_bank_code,
            pay_amt=pay_fen,
            detail_id=detail_id,
            remark=request.reason,
        )
    )
    unsigned = VoucherBody(
        adm_div_code=division,
        st_year=year,
        vt_code=message.vt_code,
        voucher_no=voucher_no,
        voucher_flag=message.flag,
        voucher=document,
    )
    return add_signature(unsigned, no=FINANCE_ROLE, sn=signer.cert_serial, sign=signer.sign)
