"""The simulated agent bank 代理银行: pays vouchers 5214 and answers with receipts.

What it does follows from the payee account's first digits, so that a caller can bring about every
course a payment can take. A line is paid or fails by its own account; how the receipt of a voucher
comes follows from the first of its lines that asks for something. Money comes back when the
treasury asks for it, when somebody tells the simulator to, and by itself of accounts that say so.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import msgspec
from starlette.applications import Starlette
from starlette.routing import Route

from division.certificates import Certificate
from ledger.deciding.state import BEIJING
from ledger.errors import Code, Refusal
from ledger.money import parse_yuan
from payments.delivery.contents import VOUCHERS_PATH
from payments.messages import refund_notices
from payments.messages.envelope import VoucherBody, signed_bytes
from payments.messages.layout import compact_date
from payments.messages.message_types import (
    RECALL_REQUESTED,
    REFUND_REQUESTED,
    VOUCHER_RECEIPT,
    Concern,
    Party,
    SignedBy,
    received_by,
)
from payments.messages.reader import malformed
from payments.messages.receipt_5214 import DetailOutcome, VoucherOutcome
from payments.messages.refund_notices import NoticeLine, RefundNotice
from payments.messages.voucher_5214 import Detail5214, Voucher5214
from payments.messages.vt_codes import REFUND_NOTICE, RETURN_NOTICE, NoticeCode
from payments.simulators.adjusting import adjusted
from payments.simulators.answers import Answer, Notice
from payments.simulators.claiming import claiming
from payments.simulators.counterparty import SECOND_COPY_AFTER_S, Counterparty, CounterpartyConfig
from payments.simulators.recalls import RECALLED
from payments.simulators.reconciling import reconciling
from payments.simulators.returned import PaidLine, Return
from payments.simulators.server import act_of, create_app, run

FAILS, SLOW, TWICE, AFTER_NEXT, NEVER = "9999", "9998", "9997", "9996", "9995"
REFUSED = "9993"  # the bank takes no voucher with such a line
SENT_BACK = "9994"  # paid, and returned by the payee's bank right afterwards
SLOW_S = 5.0
WRONG_NAME = "账号户名不符"
REJECTED = "账户状态异常"
CLOSED_ACCOUNT = "收款账户已销户, 款项退回"

RETURNS_PATH = "/sim/returns"
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
        message = received_by(self.PARTY, body)
        concerns = message.concerns
        if concerns is Concern.REFUND:
            return self._returned(body, signers)
        if concerns is Concern.RECALL:
            return self._recalled(body, signers)
        if concerns is Concern.BANK_CLAIM:  # returned: it is claimed again when somebody says so
            _require_department(body, signers)
            return Answer(amount_fen=0, receipt=b"", delays_s=())
        if concerns is Concern.ADJUSTMENT:
            _require_department(body, signers)
            return adjusted(self._bank.faults, message.parse(signed_bytes(body)))
        self._check_roles(body)
        document = signed_bytes(body)
        voucher: Voucher5214 = message.parse(document)
        if voucher.pay_bank_code not in ("", self._bank.bank_code):
            raise malformed(f"the voucher is for bank {voucher.pay_bank_code}", "/PayBankCode")
        for line in voucher.details:
            if line.payee_acct_no.startswith(REFUSED):
                raise malformed(f"line {line.id}: 收款账号无效", "/PayeeAcctNo")
        if self.book.recalls.is_recalled(voucher.voucher_no):
            form = self._stopped(document, voucher)
            return Answer(amount_fen=0, receipt=form, return_reason=RECALLED)
        outcome = self._pay(voucher)
        delays_s, after_next = _course(voucher)
        at_once = delays_s[:1] == (0.0,) and not self._bank.faults.delay_s
        lines = _paid_lines(voucher, outcome)
        return Answer(
            amount_fen=sum(line.x_pay_amt for line in outcome.details),
            receipt=VOUCHER_RECEIPT.build(document, voucher, outcome),
            delays_s=delays_s,
            after_next=after_next,
            notices=self._sent_back(voucher, lines),
            pay_app_no=voucher.bill_no,
            lines=lines,
            returned=b"" if at_once else self._stopped(document, voucher),
        )

    def _stopped(self, document: bytes, voucher: Voucher5214) -> bytes:
        """The form by which a voucher is returned that was stopped in time."""
        stopped = tuple(
            DetailOutcome(id=line.id, x_pay_amt=0, x_add_word=RECALLED) for line in voucher.details
        )
        outcome = msgspec.structs.replace(self._pay(voucher), details=stopped)
        return VOUCHER_RECEIPT.build(document, voucher, outcome)

    def _recalled(self, body: VoucherBody, signers: Sequence[Certificate]) -> Answer:
        """What is not paid yet is returned, now or when it comes."""
        _require_department(body, signers)
        request = RECALL_REQUESTED.parse(signed_bytes(body))
        self.book.recalls.stop(request.original_voucher_no, time.time(), self.signed)
        return Answer(amount_fen=0, receipt=b"", delays_s=())

    # ---- money that comes back

    def _returned(self, body: VoucherBody, signers: Sequence[Certificate]) -> Answer:
        """What the treasury asks for goes back, and the notice says so."""
        _require_department(body, signers)
        request = REFUND_REQUESTED.parse(signed_bytes(body))
        back = self.book.give_back(
            request.voucher_no, request.original_voucher_no, request.detail_id, request.pay_amt
        )
        day = self._bank.faults.day_of(request.vou_date)
        notice = self._notice(back, REFUND_NOTICE, day, request.remark)
        return Answer(amount_fen=-request.pay_amt, receipt=b"", notices=(notice,))

    def _sent_back(self, voucher: Voucher5214, lines: Sequence[PaidLine]) -> tuple[Notice, ...]:
        """The payee's bank returns what it cannot credit: one notice over those lines."""
        gone = tuple(line for line in lines if line.payee_acct_no.startswith(SENT_BACK))
        if not gone:
            return ()
        number = voucher.voucher_no
        back = Return(
            self.book.set_aside(number, number, gone),
            number,
            voucher.bill_no,
            voucher.adm_div_code,
            voucher.st_year,
            gone,
        )
        day = self._bank.faults.day_of(voucher.vou_date)
        return (self._notice(back, RETURN_NOTICE, day, CLOSED_ACCOUNT),)

    def send_back(self, told: "ReturnTold") -> Notice:
        """Returns money of a payment because somebody tells the simulator to.

        Raises:
            Refusal: as :meth:`SimulatorBook.give_back`.
            RequestError: ``invalid_amount``.
        """
        amount_fen = parse_yuan(told.amt, pointer="/amt") if told.amt else None
        back = self.book.give_back(
            f"told/{time.time_ns()}",
            told.pay_cert_no or told.pay_app_no,
            told.pay_detail_id,
            amount_fen,
        )
        today = self._bank.faults.day_of(datetime.now(BEIJING).date())
        notice = self._notice(back, told.vt_code, today, told.reason)
        self.send(notice, back.adm_div_code, back.st_year)
        return notice

    def _notice(self, back: Return, vt_code: NoticeCode, day: date, remark: str) -> Notice:
        """The form; its number has the bank's code, the day and the bank's own number."""
        number = f"{self._bank.bank_code}{compact_date(day)}{back.serial:04d}"
        lines = tuple(
            NoticeLine(
                id=line.id,
                voucher_no=back.pay_app_no,
                payee_acct_no=line.payee_acct_no,
                payee_acct_name=line.payee_acct_name,
                pay_amt=line.fen,
                remark=remark,
            )
            for line in back.lines
        )
        notice = RefundNotice(
            vt_code=vt_code,
            adm_div_code=back.adm_div_code,
            st_year=str(back.st_year),
            voucher_no=number,
            ori_bill_no=back.pay_app_no if vt_code == RETURN_NOTICE else back.number,
            original_voucher_no=back.number,
            serial=f"{self._bank.bank_code}{back.serial:012d}",
            pay_amt=sum(line.fen for line in back.lines),
            pay_date=day,
            remark=remark,
            details=lines,
        )
        return Notice(vt_code=vt_code, voucher_no=number, document=refund_notices.build(notice))

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


class ReturnTold(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the simulator is told to return: by the voucher's number or the application's; without
    ``amt`` (yuan) all that is left, without ``pay_detail_id`` of its lines in order."""

    pay_cert_no: str = ""
    pay_app_no: str = ""
    pay_detail_id: str = ""
    amt: str = ""
    reason: str = "收款人退回"
    vt_code: NoticeCode = REFUND_NOTICE


class ReturnedTold(msgspec.Struct, kw_only=True):
    """The notice that goes out."""

    notice_no: str
    vt_code: str


def _paid_lines(voucher: Voucher5214, outcome: VoucherOutcome) -> tuple[PaidLine, ...]:
    """The lines that were paid."""
    paid = zip(voucher.details, outcome.details, strict=True)
    return tuple(
        PaidLine(line.id, line.payee_acct_no, line.payee_acct_name, done.x_pay_amt)
        for line, done in paid
        if done.x_pay_amt
    )


def _outcome(line: Detail5214, *, rejected: bool) -> DetailOutcome:
    if rejected or line.payee_acct_no.startswith(FAILS):
        return DetailOutcome(
            id=line.id, x_pay_amt=0, x_add_word=REJECTED if rejected else WRONG_NAME
        )
    return DetailOutcome(id=line.id, x_pay_amt=line.pay_amt)


def _require_department(body: VoucherBody, signers: Sequence[Certificate]) -> None:
    """Refuses with ``signature_invalid`` a request that the division has not signed."""
    department = SignedBy.FINANCE.subject(body.adm_div_code)
    if len(signers) != 1 or not signers[0].subject.startswith(department):
        raise Refusal(Code.SIGNATURE_INVALID, f"a request is signed by the division, {department}…")


def _course(voucher: Voucher5214) -> tuple[tuple[float, ...], bool]:
    """How its receipt comes: as the first line with a prefix of its own asks."""
    for line in voucher.details:
        if (course := _COURSES.get(line.payee_acct_no[:_PREFIX_DIGITS])) is not None:
            return course
    return _AT_ONCE


def create_bank_app(config: BankConfig) -> Starlette:
    """The bank as an ASGI application: ``POST /vouchers``, ``POST /sim/returns``,
    ``POST /sim/reconciliations``, ``POST /sim/claims``, ``GET /healthz``."""
    bank = Bank(config)

    def send_back(told: ReturnTold) -> ReturnedTold:
        notice = bank.send_back(told)
        return ReturnedTold(notice_no=notice.voucher_no, vt_code=notice.vt_code)

    returns = Route(RETURNS_PATH, act_of(ReturnTold, send_back), methods=["POST"])
    told = [returns, reconciling(bank, config.bank_code), claiming(bank, config.bank_code)]
    return create_app(bank, VOUCHERS_PATH, told)


def run_bank(config: BankConfig) -> None:
    """Serves the bank until the process is told to end."""
    run(create_bank_app(config), config)
