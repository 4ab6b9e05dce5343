"""The work that is measured: full payments, from application to receipt, in a ledger of one's own.

A *full payment* is five commands and seven events: applied and its journal, approved, signed, sent,
receipted and its journal. Its voucher and receipt are stored with it, in the size of real ones. The
signature is made up, since signatures are verified before and not in the books (suite
``sign`` measures them). Amounts are log-normal around 558,000 yuan, as a province's are.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import count
from random import Random
from typing import NamedTuple

from psycopg_pool import ConnectionPool

from api.interpreter import tune_interpreter
from bench.drive import ClosedLoop, Drive, Driven, accepted
from budget.indicator import INDICATOR, Indicator
from budget.issuing import IssueIndicator
from ledger.account_set import ledger_id
from ledger.books import load_charts
from ledger.deciding.approvals import NOBODY_ELSE
from ledger.deciding.command import Command, Outcome, Submission
from ledger.deciding.opening import OpenLedger
from ledger.elements import stored_code_sets
from ledger.events import JournalPosted
from ledger.gm import sm3
from ledger.money import parse_yuan, yuan
from ledger.postgres.database import Database, make_pool
from ledger.reading import objects
from ledger.reading.documents import compress_document
from ledger.writing.queue import BATCH_SUBMISSIONS_MAX
from ledger.writing.sequencer import Sequencer
from payments.application import ApplyPayment, ApprovePayment
from payments.messages import receipt_5214
from payments.payment import Payment
from payments.receipt_lines import ReceiptLine
from payments.signature_policy import SetSignaturePolicy
from payments.signing.voucher_document import voucher_document
from payments.voucher import ApplyReceipt, MarkSent, SignVoucher

DIVISION, YEAR = "440000000", 2026
INDICATORS = 1_000
UNITS = 200
_DEPARTMENTS = 899
HOT = "ZB-HOT"
INDICATOR_AMOUNT = "9000000000000.00"
AMOUNT_MEDIAN_LN, AMOUNT_SIGMA = 12.4, 1.2  # e^(12.4 + 1.2²/2) is about 500,000 yuan
SEED = 20260302
SIGNATURE = "MEUCIQ" + "A" * 90  # base64 of a DER signature: 96 characters
CERTIFICATE = "0123456789abcdef"
MAKER, CHECKER, SIGNER, BANK = "maker", "checker", "signer", "bank/102"
SETTING_UP = ClosedLoop(batch=BATCH_SUBMISSIONS_MAX, callers=1)


class PaymentsRun(NamedTuple):
    """A run of full payments: counts, and the sum of its stages' wall times."""

    payments: int
    commands: int
    events: int
    elapsed_s: float
    waits_s: list[float]
    first_position: int
    last_position: int


class Bookkeeping:
    """An open ledger with indicators, and full payments on them."""

    def __init__(self, pool: ConnectionPool, sequencer: Sequencer) -> None:
        self.pool = pool
        self.ledger_id = ledger_id(DIVISION, YEAR)
        self.sequencer = sequencer
        self._serial = count(1)
        self._random = Random(SEED)
        self._voucher = self._receipt = b""

    # ---- setting up

    def open(self, indicators: int = INDICATORS, units: int = UNITS) -> None:
        """Opens the ledger, issues the spread indicators and the hot one, takes samples."""
        opening = OpenLedger(
            mof_div_code=DIVISION, fiscal_year=YEAR, name="省本级", approval_policy=NOBODY_ELSE
        )
        self._do([opening], "admin")
        self._bgt_ids = [f"ZB-{n:06d}" for n in range(indicators)]
        all_ids = [*self._bgt_ids, HOT]
        self._do([_indicator(n % units, bgt_id) for n, bgt_id in enumerate(all_ids)], MAKER)
        self._take_samples()

    def _take_samples(self) -> None:
        """Documents of the size that real ones have, from one payment that is not counted."""
        [number] = self.apply(1)
        [payment] = self.approve([number])
        with self.pool.connection() as connection:
            found = objects.read_objects(
                connection, self.ledger_id, INDICATOR, [payment.applied.bgt_id]
            )
        indicator = found[payment.applied.bgt_id]
        assert isinstance(indicator, Indicator)
        voucher = voucher_document(self.ledger_id, payment, indicator, stored_code_sets.shipped())
        outcome = receipt_5214.VoucherOutcome(
            x_pay_date=_voucher_date(payment),
            x_agent_business_no="BANK-0000000001",
            details=tuple(
                receipt_5214.DetailOutcome(id=d.pay_detail_id, x_pay_amt=parse_yuan(d.pay_amt))
                for d in payment.details
            ),
        )
        self._voucher = compress_document(voucher)
        self._receipt = compress_document(receipt_5214.fill_receipt(voucher, outcome))

    # ---- stages, outside of any measurement

    def apply(self, payments: int, *, hot: bool = False) -> list[str]:
        """Applications; gives their numbers."""
        applications = list(self.applications(payments, hot=hot))
        self._do(applications, MAKER)
        return [application.pay_app_no for application in applications]

    def approve(self, numbers: Sequence[str]) -> list[Payment]:
        driven = self._do([ApprovePayment(pay_app_no=number) for number in numbers], CHECKER)
        return [outcome.subjects[0] for outcome in driven.outcomes]

    def take_signatures(self, signing: str) -> None:
        """Sets what one signature covers from now on."""
        self._do([SetSignaturePolicy(roles=("treasury",), signing=signing)], "admin")

    def decide(self, commands: Sequence[Command], by: str) -> list[Outcome]:
        """What comes of them, each of which is accepted."""
        return list(self._do(commands, by).outcomes)

    def _do(self, commands: Iterable[Command], by: str) -> Driven:
        return accepted(self._drive(SETTING_UP, commands, by))

    def _drive(self, drive: Drive, commands: Iterable[Command], by: str) -> Driven:
        submissions = [Submission(command=command, by=by) for command in commands]
        return drive(lambda some: self.sequencer.submit(self.ledger_id, some), submissions)

    # ---- what is measured

    def pay(self, payments: int, drive: Drive, *, hot: bool = False) -> PaymentsRun:
        """Full payments, stage by stage. The commands of a stage are made before its clock runs."""
        before = self.position()
        applied = accepted(self._drive(drive, self.applications(payments, hot=hot), MAKER))
        numbers = [outcome.subjects[0].pay_app_no for outcome in applied.outcomes]
        approvals = (ApprovePayment(pay_app_no=number) for number in numbers)
        approved = accepted(self._drive(drive, approvals, CHECKER))
        signed = accepted(self._drive(drive, map(self._signature, numbers), SIGNER))
        sent = accepted(self._drive(drive, (MarkSent(pay_app_no=n) for n in numbers), "dispatcher"))
        receipts = (self._receipt_for(outcome.subjects[0]) for outcome in approved.outcomes)
        received = accepted(self._drive(drive, receipts, BANK))
        stages = (applied, approved, signed, sent, received)
        after = self.position()
        return PaymentsRun(
            payments=payments,
            commands=sum(len(stage.outcomes) for stage in stages),
            events=after - before,
            elapsed_s=sum(stage.elapsed_s for stage in stages),
            waits_s=[wait_s for stage in stages for wait_s in stage.waits_s],
            first_position=before + 1,
            last_position=after,
        )

    def position(self) -> int:
        with self.pool.connection() as connection:
            head = objects.read_head(connection, self.ledger_id)
        assert head is not None
        return head.position

    def movements(self, paid: PaymentsRun) -> int:
        """From one account to another: pairs of lines in the journals of these payments."""
        with self.pool.connection() as connection:
            row = connection.execute(
                "SELECT sum(json_array_length(convert_from(payload, 'UTF8')::json -> 'lines'))"
                " FROM events WHERE ledger_id = %s AND position BETWEEN %s AND %s AND type = %s",
                (self.ledger_id, paid.first_position, paid.last_position, JournalPosted.TYPE),
            ).fetchone()
        assert row is not None
        return int(row[0]) // 2

    def applications(self, payments: int, *, hot: bool = False) -> Iterator[ApplyPayment]:
        for _ in range(payments):
            serial = next(self._serial)
            amount = self._random.lognormvariate(AMOUNT_MEDIAN_LN, AMOUNT_SIGMA)
            yield ApplyPayment(
                pay_app_no=f"SQ-440000-2026-{serial:08d}",
                bgt_id=HOT if hot else self._bgt_ids[serial % len(self._bgt_ids)],
                pay_amt=yuan(max(1, round(amount * 100))),
                use_des="购办公用品",
                payee_acct_name="广州样例办公用品有限公司",
                payee_acct_no=f"62220000{serial:011d}",
                payee_acct_bank_name="样例银行广州分行",
            )

    def _signature(self, number: str) -> SignVoucher:
        return SignVoucher(
            pay_app_no=number,
            role="treasury",
            cert_serial=CERTIFICATE,
            voucher_sm3=sm3(number.encode()).hex(),
            signature=SIGNATURE,
            document=self._voucher,
        )

    def _receipt_for(self, payment: Payment) -> ApplyReceipt:
        lines = tuple(
            ReceiptLine(d.pay_detail_id, d.payee_acct_no, fen := parse_yuan(d.pay_amt), fen, "")
            for d in payment.details
        )
        return ApplyReceipt(
            pay_app_no=payment.pay_app_no,
            pay_cert_no=payment.pay_cert_no,
            xpay_fen=payment.pay_fen,
            xpay_date=_voucher_date(payment),
            agent_business_no=f"BANK-{payment.pay_app_no[-10:]}",
            lines=lines,
            receipt_sm3=sm3(b"receipt " + payment.pay_app_no.encode()).hex(),
            cert_serial=CERTIFICATE,
            signature=SIGNATURE,
            document=self._receipt,
        )


@contextmanager
def bookkeeping(
    database: Database,
    indicators: int = INDICATORS,
    units: int = UNITS,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[Bookkeeping]:
    """A ledger with the real sequencer, wired as the composition root wires it."""
    with make_pool(database.app_conninfo, 2, 16, "bench") as pool:
        sequencer = Sequencer(
            pool,
            load_charts(),
            stored_code_sets.shipped,
            clock,
            writer_conninfo=database.app_conninfo,
        )
        try:
            books = Bookkeeping(pool, sequencer)
            books.open(indicators, units)
            tune_interpreter()
            yield books
        finally:
            sequencer.close()


def _indicator(unit: int, bgt_id: str) -> IssueIndicator:
    return IssueIndicator(
        bgt_id=bgt_id,
        amount=INDICATOR_AMOUNT,
        agency_code=f"{101 + unit % _DEPARTMENTS}{1 + unit // _DEPARTMENTS:03d}",
        pro_code="440000260000000000001",
        exp_func_code="2010102",
        gov_bgt_eco_code="50201",
        dep_bgt_eco_code="30201",
        fund_type_code="111",
        bgt_type_code="21",
    )


def _voucher_date(payment: Payment) -> date:
    assert payment.approved is not None
    return date.fromisoformat(payment.approved.vou_date)
