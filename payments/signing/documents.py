"""The bytes that a signature is over: built for the first signer, stored ones for all after him."""

from ledger.elements.code_sets import CodeSets
from ledger.errors import IntegrityError
from ledger.reading.documents import compress_document, open_document
from payments.signing.signer import VoucherDocument
from payments.signing.unsigned import UnsignedVoucher, signed_before
from payments.signing.voucher_document import voucher_document


def document_to_sign(ledger_id: int, codes: CodeSets, item: UnsignedVoucher) -> VoucherDocument:
    """The voucher to sign.

    Raises:
        IntegrityError: what was signed before is not stored, or not as it was signed.
    """
    payment = item.payment
    if not payment.signatures:
        assert item.indicator is not None, "no payment without an indicator"
        document = voucher_document(ledger_id, payment, item.indicator, codes)
        return VoucherDocument(payment.pay_app_no, document, compress_document(document))
    if item.body is None:
        raise IntegrityError(f"the signed voucher {payment.pay_cert_no} is not stored")
    document = open_document(signed_before(payment), item.body)
    return VoucherDocument(payment.pay_app_no, document, item.body)
