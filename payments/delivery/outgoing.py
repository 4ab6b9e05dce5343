"""A voucher on its way to the bank: the document exactly as it was signed, and its signatures."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import NamedTuple

import psycopg

from ledger.account_set import division_of, fiscal_year_of
from ledger.gm import KeyStore, Provider
from ledger.money import parse_yuan
from payments import certificates
from payments.clearing.events import Claim, ClearingRequested
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


def claim_document(ledger_id: int, requested: ClearingRequested, claim: Claim) -> bytes:
    """A claim as 2301 or 2302: one detail for each first-level unit and function code.

    The accounts are synthetic but fixed, as in ``payments.voucher_document``.

    Raises:
        Refusal: ``details_mismatch``: more than 499 of them.
    """
    totals_fen: dict[tuple[str, str], int] = {}
    for line in claim.lines:
        place = (line.sup_dep_code, line.exp_func_code)
        totals_fen[place] = totals_fen.get(place, 0) + parse_yuan(line.pay_amt)
    return clearing_2301.build(
        ClearingVoucher(
            vt_code="2301" if claim.vt_code == "2301" else "2302",
            id=claim.voucher_no,
            adm_div_code=_adm_div_code(ledger_id),
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
        "agent_acct_no": f"{pay_bank_code}{division[:_ADM_DIV_DIGITS]}00",
        "agent_acct_name": "代理银行垫款户",
        "clear_acct_no": f"{TREASURY_BANK_CODE}{division}01",
        "clear_acct_name": "国库单一账户",
        "clear_acct_bank_name": "国家金库",
    }


class ClaimWriter:
    """Writes claims and signs them as the finance department of the ledger's division.

    The key ``finance/<mof_div_code>`` and its certificate are made with the first claim.
    """

    def __init__(
        self,
        keys: KeyStore,
        provider: Provider,
        now: Callable[[], datetime],
    ) -> None:
        self._keys = keys
        self._provider = provider
        self._now = now

    def hand(self, connection: psycopg.Connection, ledger_id: int) -> "ClaimHand":
        """The department's hand, for the claims of one parcel.

        Raises:
            Refusal: ``certificate_invalid`` when its certificate is no longer valid.
        """
        subject = finance_subject(ledger_id)
        public_key = self._keys.create(subject)
        with connection.transaction():
            certificate = certificates.enrol(connection, subject, public_key, at=self._now())
        key = self._keys.private_key(subject)
        return ClaimHand(
            ledger_id, certificate.serial, lambda document: self._provider.sign(key, document)
        )


class ClaimHand(NamedTuple):
    """Who writes and signs the claims of a ledger now."""

    ledger_id: int
    cert_serial: str
    sign: Callable[[bytes], bytes]

    def body(self, requested: ClearingRequested, claim: Claim) -> VoucherBody:
        """The claim on its way; raises ``details_mismatch`` as :func:`claim_document`."""
        unsigned = VoucherBody(
            adm_div_code=_adm_div_code(self.ledger_id),
            st_year=fiscal_year_of(self.ledger_id),
            vt_code=claim.vt_code,
            voucher_no=claim.voucher_no,
            voucher_flag=SEND,
            voucher=claim_document(self.ledger_id, requested, claim),
        )
        return add_signature(unsigned, no=FINANCE_ROLE, sn=self.cert_serial, sign=self.sign)


def finance_subject(ledger_id: int) -> str:
    """Who signs a division's claims."""
    return f"finance/{division_of(ledger_id)}"


def _adm_div_code(ledger_id: int) -> str:
    return division_of(ledger_id)[:_ADM_DIV_DIGITS]
