"""Vouchers and receipts as they travel: the document exactly as it was signed, its signatures."""

from collections.abc import Mapping

from ledger.account_set import fiscal_year_of
from payments.delivery.proofs import Proofs, travelling_signature
from payments.events import VoucherReceipted
from payments.messages.envelope import RECEIPT, SEND, VoucherBody
from payments.messages.vt_codes import voucher_code
from payments.payment import Payment
from payments.signing.voucher_document import adm_div_code

SIGNED_BY_BANK = "bank"  # the No of its signature, which nothing is derived from


def voucher_body(
    ledger_id: int, payment: Payment, document: bytes, proofs: Mapping[str, Proofs]
) -> VoucherBody:
    """A signed voucher on its way to the bank, with its signatures in their order.

    Args:
        proofs: of the manifests that its signatures name.
    """
    return VoucherBody(
        adm_div_code=adm_div_code(ledger_id),
        st_year=fiscal_year_of(ledger_id),
        vt_code=voucher_code(payment.applied.pay_acct_no),
        voucher_no=payment.pay_cert_no,
        voucher_flag=SEND,
        voucher=document,
        signatures=tuple(
            travelling_signature(signed, signed.role, proofs) for signed in payment.signatures
        ),
    )


def receipt_body(
    ledger_id: int, receipt: VoucherReceipted, document: bytes, proofs: Mapping[str, Proofs]
) -> VoucherBody:
    """A bank's receipt for a voucher, as the bank sent it.

    Args:
        proofs: of the manifest that the receipt names, if it names one.
    """
    return VoucherBody(
        adm_div_code=adm_div_code(ledger_id),
        st_year=fiscal_year_of(ledger_id),
        vt_code=voucher_code(receipt.pay_acct_no),
        voucher_no=receipt.pay_cert_no,
        voucher_flag=RECEIPT,
        voucher=document,
        signatures=(travelling_signature(receipt, SIGNED_BY_BANK, proofs),),
    )
