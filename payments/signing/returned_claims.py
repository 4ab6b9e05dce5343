"""退回 of a bank's claim, signed by the finance department of the ledger's division.

It is the bank's own form, its X… elements filled as a receipt's: nothing is paid on it, and the
envelope says why. It bears the bank's own number, by which the bank knows its claim.
"""

from datetime import date

from payments.clearing.bank_claims import BankClaim
from payments.messages import clearing_2301
from payments.messages.clearing_2301 import ClearingOutcome
from payments.messages.envelope import RECEIPT, VoucherBody, add_signature
from payments.signing.claims import FINANCE_ROLE, ClaimSigner
from payments.signing.voucher_document import TREASURY_BANK_CODE


def returned_claim(signer: ClaimSigner, claim: BankClaim, document: bytes) -> VoucherBody:
    """What tells the bank; the same bytes each time that it is told.

    Args:
        document: the bank's claim.
    """
    assert claim.returned is not None, "only what is returned is told"
    said = clearing_2301.parse(document)
    form = clearing_2301.receipt_of(
        said,
        ClearingOutcome(
            x_pay_snd_bnk_no=TREASURY_BANK_CODE,
            x_clear_date=date.fromisoformat(claim.taken.clear_date),
            x_pay_amt=0,
        ),
    )
    unsigned = VoucherBody(
        adm_div_code=said.adm_div_code,
        st_year=said.st_year,
        vt_code=said.vt_code,
        voucher_no=said.voucher_no,
        voucher_flag=RECEIPT,
        voucher=form,
        return_reason=claim.returned.reason,
    )
    return add_signature(unsigned, no=FINANCE_ROLE, sn=signer.cert_serial, sign=signer.sign)
