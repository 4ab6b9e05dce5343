"""Claims 划款申请, written and signed by the finance department of the ledger's division.

A claim's document is a function of its event alone. No code-set name and no clock enters it, so a
claim that is sent again has the same bytes, and the central bank knows it for the same claim.
"""

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from ledger.account_set import division_of, fiscal_year_of
from ledger.money import parse_yuan
from payments.clearing.events import Claim, ClearingRequested
from payments.messages import clearing_2301
from payments.messages.clearing_2301 import ClearingDetail, ClearingVoucher
from payments.messages.envelope import SEND, VoucherBody, add_signature
from payments.signing.voucher_document import (
    ADM_DIV_DIGITS,
    PAY_TYPE_CODE,
    TREASURY_BANK_CODE,
    adm_div_code,
)

FINANCE_ROLE = "finance"


def claim_document(ledger_id: int, requested: ClearingRequested, claim: Claim) -> bytes:
    """A claim as 2301 or 2302: one detail for each first-level unit and function code.

    The accounts are synthetic but fixed, as in ``payments.signing.voucher_document``.

    Raises:
        Refusal: ``details_mismatch``: more than 499 of them.
    """
    totals_fen: dict[tuple[str, str], int] = {}
    for line in claim.lines:
        place = (line.sup_dep_code, line.exp_func_code)
        totals_fen[place] = totals_fen.get(place, 0) + parse_yuan(line.pay_amt)
    return clearing_2301.build(
        ClearingVoucher(
            vt_code=clearing_2301.claim_code(claim.vt_code),
            id=claim.voucher_no,
            adm_div_code=adm_div_code(ledger_id),
            st_year=fiscal_year_of(ledger_id),
            vou_date=date.fromisoformat(requested.clear_date),
            voucher_no=claim.voucher_no,
            fin_org_code=division_of(ledger_id),
            fund_type_code=claim.fund_type_code,
            pay_type_code=PAY_TYPE_CODE,
            pay_amt=parse_yuan(claim.pay_amt),
            pay_bank_no=requested.pay_bank_code,
            details=tuple(
                ClearingDetail(
                    id=str(index), sup_dep_code=unit, exp_func_code=function, pay_amt=amount_fen
                )
                for index, ((unit, function), amount_fen) in enumerate(totals_fen.items(), 1)
            ),
            **_accounts(division_of(ledger_id), requested.pay_bank_code),
        )
    )


def _accounts(division: str, pay_bank_code: str) -> dict[str, str]:
    """The bank's account for advances 垫款户 and the treasury single account 国库单一账户."""
    return {
        "tre_code": f"{division}0",
        "agent_acct_no": f"{pay_bank_code}{division[:ADM_DIV_DIGITS]}00",
        "agent_acct_name": "代理银行垫款户",
        "clear_acct_no": f"{TREASURY_BANK_CODE}{division}01",
        "clear_acct_name": "国库单一账户",
        "clear_acct_bank_name": "国家金库",
    }


class ClaimSigner(NamedTuple):
    """Who writes and signs the claims of a ledger now."""

    ledger_id: int
    cert_serial: str
    sign: Callable[[bytes], bytes]

    def body(self, requested: ClearingRequested, claim: Claim) -> VoucherBody:
        """The claim on its way; raises ``details_mismatch`` as :func:`claim_document`."""
        unsigned = VoucherBody(
            adm_div_code=adm_div_code(self.ledger_id),
            st_year=fiscal_year_of(self.ledger_id),
            vt_code=claim.vt_code,
            voucher_no=claim.voucher_no,
            voucher_flag=SEND,
            voucher=claim_document(self.ledger_id, requested, claim),
        )
        return add_signature(unsigned, no=FINANCE_ROLE, sn=self.cert_serial, sign=self.sign)
