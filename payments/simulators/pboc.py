"""The simulated central bank 人民银行国库: settles claims 2301 and 2302, answers with receipts."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from starlette.applications import Starlette

from division.certificates import Certificate
from ledger.errors import Code, Refusal
from payments.delivery.contents import CLAIMS_PATH
from payments.messages.clearing_2301 import ClearingOutcome, ClearingVoucher, parse, receipt_of
from payments.messages.envelope import VoucherBody, signed_bytes
from payments.messages.message_types import Party, SignedBy
from payments.simulators.answers import Answer
from payments.simulators.counterparty import Counterparty, CounterpartyConfig
from payments.simulators.server import create_app, run

REJECTED = "库款余额不足"
WRONG_BY_FEN = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PbocConfig(CounterpartyConfig):
    """The central bank's configuration.

    Attributes:
        code: of its subject ``pboc/<code>``.
        clearing_bank_no: XPaySndBnkNo of its receipts; synthetic unless set.
    """

    code: str = "1"
    clearing_bank_no: str = "011000000000"

    @property
    def subject(self) -> str:
        return f"pboc/{self.code}"


class CentralBank(Counterparty):
    """Settles every claim in full, unless a fault is switched on."""

    PARTY = Party.CENTRAL_BANK

    def __init__(self, config: PbocConfig) -> None:
        super().__init__(config)
        self._pboc = config

    def answer(self, body: VoucherBody, signers: Sequence[Certificate]) -> Answer:
        department = SignedBy.FINANCE.subject(body.adm_div_code)
        if len(signers) != 1 or not signers[0].subject.startswith(department):
            raise Refusal(
                Code.SIGNATURE_INVALID, f"a claim is signed by the division, {department}…"
            )
        claim = parse(signed_bytes(body))  # refuses sums that do not agree
        faults = self._pboc.faults
        if faults.strikes(faults.reject_rate, "reject", claim.voucher_no):
            return Answer(
                amount_fen=0, receipt=self._receipt(claim, settled=False), return_reason=REJECTED
            )
        if faults.strikes(faults.wrong_amount_rate, "amount", claim.voucher_no):
            claim = _over_another_amount(claim)
        return Answer(amount_fen=claim.pay_amt, receipt=self._receipt(claim, settled=True))

    def _receipt(self, claim: ClearingVoucher, *, settled: bool) -> bytes:
        outcome = ClearingOutcome(
            x_pay_snd_bnk_no=self._pboc.clearing_bank_no,
            x_clear_date=self._pboc.faults.day_of(claim.vou_date),
            x_pay_amt=claim.pay_amt if settled else 0,
        )
        return receipt_of(claim, outcome)


def _over_another_amount(claim: ClearingVoucher) -> ClearingVoucher:
    """A form that agrees with itself, and not with what was claimed."""
    first, *others = claim.details
    more = msgspec.structs.replace(first, pay_amt=first.pay_amt + WRONG_BY_FEN)
    return msgspec.structs.replace(
        claim, pay_amt=claim.pay_amt + WRONG_BY_FEN, details=(more, *others)
    )


def create_pboc_app(config: PbocConfig) -> Starlette:
    """The central bank as an ASGI application: ``POST /claims``, ``GET /healthz``."""
    return create_app(CentralBank(config), CLAIMS_PATH)


def run_pboc(config: PbocConfig) -> None:
    """Serves the central bank until the process is told to end."""
    run(create_pboc_app(config), config)
