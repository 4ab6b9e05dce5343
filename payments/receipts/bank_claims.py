"""代理银行申请划款凭证 2301, 2302 as they come in: whose books, and which payments they name."""

from collections.abc import Sequence
from typing import Any

import psycopg

from ledger.account_set import division_of, fiscal_year_of
from ledger.elements.register import ElementRegister
from ledger.errors import Code, GuokuError, Refusal
from ledger.money import yuan
from ledger.reading.objects import list_heads
from payments.clearing.bank_claims import TakeBankClaim, claim_key
from payments.clearing.bank_events import BankClaimLine
from payments.events import PaymentApproved
from payments.issued import find_approvals
from payments.messages.clearing_2301 import ClearingVoucher
from payments.messages.envelope import VoucherBody, signed_bytes
from payments.messages.message_types import Concern, MessageType, Party, received_by
from payments.receipts.concerns import Judging, judges
from payments.receipts.senders import Senders
from payments.voucher_number import ledger_of_voucher


@judges(Concern.BANK_CLAIM)
class BankClaims(Judging):
    """Signed by the agent bank that claims. Which vouchers they name is read for all together."""

    def __init__(
        self, connection: psycopg.Connection, senders: Senders, bodies: Sequence[VoucherBody]
    ) -> None:
        super().__init__(connection, senders, bodies)
        self._read = {body: _read(body) for body in bodies}
        claims = [claim for claim in self._read.values() if isinstance(claim, ClearingVoucher)]
        named = {line.voucher_no for claim in claims for line in claim.details if line.voucher_no}
        self._approvals = find_approvals(connection, dict.fromkeys(sorted(named), ""))
        self._ledgers = {
            body: _ledger(connection, body, claim) for body, claim in self._read.items()
        }

    def ledger_of(self, body: VoucherBody) -> int | None:
        return self._ledgers[body]

    def command(self, message: MessageType[Any], body: VoucherBody) -> TakeBankClaim:
        """For the books to judge.

        Raises:
            RequestError: ``malformed``: it cannot be read. Nothing was paid by it, so it is not
                kept: the bank claims again.
            Refusal: ``payment_not_found`` of a voucher that it names; ``receipt_mismatch`` where
                it is another division's than its envelope's.
        """
        bank = self.senders.bank_of(body)
        evidence = self.senders.verified(message, body, bank)
        if isinstance(claim := self._read[body], GuokuError):
            raise claim
        said = claim.vt_code, claim.voucher_no, claim.adm_div_code, claim.st_year
        if said != (body.vt_code, body.voucher_no, body.adm_div_code, body.st_year):
            raise Refusal(Code.RECEIPT_MISMATCH, "the claim is another one than its envelope says")
        claim_no = claim_key(bank, claim.voucher_no)
        ElementRegister.check_shape("claim_no", claim_no, "/VoucherNo")
        return TakeBankClaim(
            claim_no=claim_no,
            voucher_no=claim.voucher_no,
            vt_code=claim.vt_code,
            sender=message.signed_by.subject(bank),
            pay_bank_code=bank,
            clear_date=claim.vou_date,
            fund_type_code=claim.fund_type_code,
            pay_amt=yuan(claim.pay_amt),
            lines=lines_of(claim, self._approvals, self._ledgers[body]),
            notice_sm3=evidence["receipt_sm3"],
            cert_serial=evidence["cert_serial"],
            signature=evidence["signature"],
            document=evidence["document"],
        )


def lines_of(
    claim: ClearingVoucher, approvals: dict[str, PaymentApproved], key: int | None
) -> tuple[BankClaimLine, ...]:
    """The details, with the payments whose vouchers they name, which are of the same ledger.

    Raises:
        Refusal: ``payment_not_found``.
    """
    lines = []
    for line in claim.details:
        pay_app_no = ""
        if line.voucher_no:
            approved = approvals.get(line.voucher_no)
            if approved is None or ledger_of_voucher(line.voucher_no) != key:
                raise Refusal(
                    Code.PAYMENT_NOT_FOUND, f"no voucher {line.voucher_no[:100]!r} was issued"
                )
            pay_app_no = approved.pay_app_no
        lines.append(
            BankClaimLine(
                sup_dep_code=line.sup_dep_code,
                exp_func_code=line.exp_func_code,
                pay_amt=yuan(line.pay_amt),
                voucher_no=line.voucher_no,
                pay_app_no=pay_app_no,
            )
        )
    return tuple(lines)


def _read(body: VoucherBody) -> ClearingVoucher | GuokuError:
    try:
        claim: ClearingVoucher = received_by(Party.TREASURY, body).parse(signed_bytes(body))
    except GuokuError as error:
        return error
    return claim


def _ledger(
    connection: psycopg.Connection, body: VoucherBody, claim: ClearingVoucher | GuokuError
) -> int | None:
    """That of the finance department which the claim names, or the first of the division and year:
    divisions below a county share their six digits."""
    heads = list_heads(connection, body.adm_div_code)
    keys = [h.ledger_id for h in heads if fiscal_year_of(h.ledger_id) == body.st_year]
    named = "" if isinstance(claim, GuokuError) else claim.fin_org_code
    exact = (key for key in keys if division_of(key) == named)
    return next(exact, next(iter(keys), None))
