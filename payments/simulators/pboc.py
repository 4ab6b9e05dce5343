"""The simulated central bank 人民银行国库: settles claims 2301 and 2302, pays orders 5207,
pays back and corrects income by 5209 and 5407, adjusts outlays by 5351."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import msgspec
from starlette.applications import Starlette
from starlette.routing import Route

from division.certificates import Certificate
from ledger.errors import Code, Refusal
from ledger.gm import sm3
from payments.delivery.contents import CLAIMS_PATH
from payments.messages import arrival_3403, income_orders, orders_5207
from payments.messages.arrival_3403 import Arrival3403
from payments.messages.clearing_2301 import ClearingOutcome, ClearingVoucher, parse, receipt_of
from payments.messages.envelope import VoucherBody, signed_bytes
from payments.messages.income_orders import IncomeOrder
from payments.messages.message_types import Concern, Party, SignedBy, received_by
from payments.messages.orders_5207 import Order5207
from payments.messages.vt_codes import ARRIVAL
from payments.signing.voucher_document import ADM_DIV_DIGITS, TREASURY_BANK_CODE
from payments.simulators.adjusting import adjusted
from payments.simulators.answers import Answer, Notice
from payments.simulators.counterparty import Counterparty, CounterpartyConfig
from payments.simulators.daily_reports import (
    BALANCE_PATH,
    INCOME_PATH,
    BalanceTold,
    IncomeTold,
    send_balance,
    send_income,
)
from payments.simulators.reconciling import reconciling
from payments.simulators.server import act_of, create_app, run
from payments.simulators.sharing import (
    SHARED_INCOME_PATH,
    SharedIncomeTold,
    send_shared_income,
)

REJECTED = "库款余额不足"
WRONG_BY_FEN = 1
DIVISION_DIGITS = 9


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
    """Settles every claim and pays every order in full, unless a fault is switched on."""

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
        message = received_by(self.PARTY, body)
        if message.concerns in (Concern.ORDER, Concern.INCOME_ORDER):
            return self._order(message.parse(signed_bytes(body)))
        if message.concerns is Concern.ADJUSTMENT:
            return adjusted(self._pboc.faults, message.parse(signed_bytes(body)))
        claim = parse(signed_bytes(body))  # refuses sums that do not agree
        faults = self._pboc.faults
        if faults.strikes(faults.reject_rate, "reject", claim.voucher_no):
            return Answer(
                amount_fen=0, receipt=self._receipt(claim, settled=False), return_reason=REJECTED
            )
        if faults.strikes(faults.wrong_amount_rate, "amount", claim.voucher_no):
            claim = _over_another_amount(claim)
        return Answer(amount_fen=claim.pay_amt, receipt=self._receipt(claim, settled=True))

    def _order(self, order: Order5207 | IncomeOrder) -> Answer:
        """Does what it is ordered, or rejects it."""
        faults = self._pboc.faults
        done = not faults.strikes(faults.reject_rate, "reject", order.voucher_no)
        day = faults.day_of(order.vou_date)
        if isinstance(order, IncomeOrder):
            receipt = income_orders.receipt_of(order, _serial(order), day, done=done)
        else:
            receipt = orders_5207.receipt_of(order, _serial(order), day, paid=done)
            if done and arrival_3403.mark_in(order.pay_summary_name) is not None:
                self._tell_arrival(order, day)
        return Answer(
            amount_fen=order.pay_amt if done else 0,
            receipt=receipt,
            return_reason="" if done else REJECTED,
        )

    def _tell_arrival(self, order: Order5207, day: date) -> None:
        """What one treasury has sent another, that one is told of; its account says who it is."""
        division = order.payee_acct_no.removeprefix(TREASURY_BANK_CODE)[:DIVISION_DIGITS]
        notice = Arrival3403(
            adm_div_code=division[:ADM_DIV_DIGITS],
            st_year=order.st_year,
            vou_date=day,
            voucher_no=f"DZ{_serial(order)}",
            tre_code=f"{division}0",
            original_voucher_no=order.voucher_no,
            fund_type_code=order.fund_type_code,
            rec_acct_no=order.payee_acct_no,
            pay_traseq_no=_serial(order),
            add_word=order.pay_summary_name,
            amt=order.pay_amt,
        )
        document = arrival_3403.build(notice)
        told = Notice(vt_code=ARRIVAL, voucher_no=notice.voucher_no, document=document)
        self.send(told, notice.adm_div_code, notice.st_year)

    def _receipt(self, claim: ClearingVoucher, *, settled: bool) -> bytes:
        outcome = ClearingOutcome(
            x_pay_snd_bnk_no=self._pboc.clearing_bank_no,
            x_clear_date=self._pboc.faults.day_of(claim.vou_date),
            x_pay_amt=claim.pay_amt if settled else 0,
        )
        return receipt_of(claim, outcome)


def _serial(order: Order5207 | IncomeOrder) -> str:
    """The bank's number of a movement: the same whenever it is asked."""
    return f"SB{sm3(order.voucher_no.encode()).hex()[:16].upper()}"


def _over_another_amount(claim: ClearingVoucher) -> ClearingVoucher:
    """A form that agrees with itself, and not with what was claimed."""
    first, *others = claim.details
    more = msgspec.structs.replace(first, pay_amt=first.pay_amt + WRONG_BY_FEN)
    return msgspec.structs.replace(
        claim, pay_amt=claim.pay_amt + WRONG_BY_FEN, details=(more, *others)
    )


def create_pboc_app(config: PbocConfig) -> Starlette:
    """The central bank as an ASGI application: ``POST /claims``, ``POST /sim/income``,
    ``POST /sim/shared-income``, ``POST /sim/balance``, ``POST /sim/reconciliations``,
    ``GET /healthz``."""
    central_bank = CentralBank(config)
    reports = [
        Route(
            INCOME_PATH,
            act_of(IncomeTold, lambda told: send_income(central_bank, told)),
            methods=["POST"],
        ),
        Route(
            SHARED_INCOME_PATH,
            act_of(SharedIncomeTold, lambda told: send_shared_income(central_bank, told)),
            methods=["POST"],
        ),
        Route(
            BALANCE_PATH,
            act_of(BalanceTold, lambda told: send_balance(central_bank, told)),
            methods=["POST"],
        ),
        reconciling(central_bank),
    ]
    return create_app(central_bank, CLAIMS_PATH, reports)


def run_pboc(config: PbocConfig) -> None:
    """Serves the central bank until the process is told to end."""
    run(create_pboc_app(config), config)
