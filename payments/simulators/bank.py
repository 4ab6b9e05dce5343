"""The simulated agent bank 代理银行: pays vouchers 5214 and answers with receipts.

What it does follows from the payee account's first digits, so that a caller can bring about every
course a payment can take. A line is paid or fails by its own account; how the receipt of a voucher
comes follows from the first of its lines that asks for something.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.applications import Starlette

from division.certificates import Certificate
from ledger.errors import Code, Refusal
from payments.delivery.sending import VOUCHERS_PATH
from payments.messages.envelope import VoucherBody, signed_bytes
from payments.messages.message_types import VOUCHER_RECEIPT, VOUCHER_SENT, Party
from payments.messages.reader import malformed
from payments.messages.receipt_5214 import DetailOutcome, VoucherOutcome
from payments.messages.voucher_5214 import Detail5214, Voucher5214
from payments.simulators.counterparty import (
    SECOND_COPY_AFTER_S,
    Answer,
    Counterparty,
    CounterpartyConfig,
)
from payments.simulators.server import create_app, run

FAILS, SLOW, TWICE, AFTER_NEXT, NEVER = "9999", "9998", "9997", "9996", "9995"
SLOW_S = 5.0
WRONG_NAME = "账号户名不符"
REJECTED = "账户状态异常"

_PREFIX_DIGITS = 4
# seconds until each sending of the receipt, and whether it waits for the next one
_AT_ONCE: tuple[tuple[float, ...], bool] = ((0.0,), False)
_COURSES: dict[str, tuple[tuple[float, ...], bool]] = {
    SLOW: ((SLOW_S,), False),
    TWICE: ((0.0, SECOND_COPY_AFTER_S), False),
    AFTER_NEXT: ((), True),
    NEVER: ((), False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BankConfig(CounterpartyConfig):
    """A bank's configuration.

    Attributes:
        bank_code: its ``pay_bank_code``.
        required_roles: the roles that must have signed, in order; empty takes any.
    """

    bank_code: str
    required_roles: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        return f"bank/{self.bank_code}"


class Bank(Counterparty):
    """Pays at once, answers by rule."""

    PARTY = Party.AGENT_BANK

    def __init__(self, config: BankConfig) -> None:
        super().__init__(config)
        self._bank = config

    def answer(self, body: VoucherBody, signers: Sequence[Certificate]) -> Answer:
        self._check_roles(body)
        document = signed_bytes(body)
        voucher = VOUCHER_SENT.parse(document)
        if voucher.pay_bank_code not in ("", self._bank.bank_code):
            raise malformed(f"the voucher is for bank {voucher.pay_bank_code}", "/PayBankCode")
        outcome = self._pay(voucher)
        delays_s, after_next = _course(voucher)
        return Answer(
            amount_fen=sum(line.x_pay_amt for line in outcome.details),
            receipt=VOUCHER_RECEIPT.build(document, voucher, outcome),
            delays_s=delays_s,
            after_next=after_next,
        )

    def _check_roles(self, body: VoucherBody) -> None:
        roles = tuple(signature.no for signature in body.signatures)
        if self._bank.required_roles and roles != self._bank.required_roles:
            raise Refusal(
                Code.SIGNATURE_ORDER,
                f"signed as {', '.join(roles)}, not as {', '.join(self._bank.required_roles)}",
            )

    def _pay(self, voucher: Voucher5214) -> VoucherOutcome:
        faults = self._bank.faults
        rejected = faults.strikes(faults.reject_rate, "reject", voucher.voucher_no)
        return VoucherOutcome(
            x_pay_date=faults.day_of(voucher.vou_date),
            # one voucher, one payment, one serial number, also when the process dies between
            x_agent_business_no=f"{self._bank.bank_code}{voucher.voucher_no}",
            details=tuple(_outcome(line, rejected=rejected) for line in voucher.details),
        )


def _outcome(line: Detail5214, *, rejected: bool) -> DetailOutcome:
    if rejected or line.payee_acct_no.startswith(FAILS):
        return DetailOutcome(
            id=line.id, x_pay_amt=0, x_add_word=REJECTED if rejected else WRONG_NAME
        )
    return DetailOutcome(id=line.id, x_pay_amt=line.pay_amt)


def _course(voucher: Voucher5214) -> tuple[tuple[float, ...], bool]:
    """How its receipt comes: as the first line with a prefix of its own asks."""
    for line in voucher.details:
        if (course := _COURSES.get(line.payee_acct_no[:_PREFIX_DIGITS])) is not None:
            return course
    return _AT_ONCE


def create_bank_app(config: BankConfig) -> Starlette:
    """The bank as an ASGI application: ``POST /vouchers``, ``GET /healthz``."""
    return create_app(Bank(config), VOUCHERS_PATH)


def run_bank(config: BankConfig) -> None:
    """Serves the bank until the process is told to end."""
    run(create_bank_app(config), config)
