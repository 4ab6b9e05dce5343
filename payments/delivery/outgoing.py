"""A voucher on its way to the bank: the document exactly as it was signed, and its signatures."""

from collections.abc import Mapping

from ledger.account_set import fiscal_year_of
from payments.delivery.proofs import Proofs, travelling_signature
from payments.messages.envelope import VoucherBody
from payments.messages.message_types import VOUCHER_SENT
from payments.payment import Payment
from payments.signing.voucher_document import adm_div_code


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
        vt_code=VOUCHER_SENT.vt_code,
        voucher_no=payment.pay_cert_no,
        voucher_flag=VOUCHER_SENT.flag,
        voucher=document,
        signatures=tuple(
            travelling_signature(signed, signed.role, proofs) for signed in payment.signatures
        ),
    )
