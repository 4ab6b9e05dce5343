"""What the central bank reports of a treasury account, signed with its own key."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from ledger.deciding.command import Outcome
from ledger.money import parse_yuan
from ledger.writing.submitting import submit_to
from payments.messages import balance_3402, income_3401
from payments.messages.balance_3402 import BalanceDay, BalanceItem
from payments.messages.envelope import SEND, VoucherBody, add_signature, build_envelope
from payments.messages.income_3401 import IncomeDay, IncomeItem
from payments.messages.vt_codes import BALANCE_REPORT, INCOME_REPORT
from payments.receipts.intake import Deliverer, ReceiptIntake
from tests.support.channel_parties import CENTRAL_BANK, SigningTreasury
from tests.support.openings import TREASURY

ANYWHERE = Deliverer("pboc", lambda _ledger_id: None)


def income_day(
    report_no: str, day: date, *lines: tuple[str, str, str], tre_code: str = TREASURY
) -> VoucherBody:
    """A 3401 of a day, not signed; each line is a kind of income, a fund and an amount."""
    items = tuple(
        IncomeItem(
            inc_sort_code=kind,
            fund_type_code=fund,
            budget_level_code="2",
            day_amt=parse_yuan(amt, signed=True, zero=True),
        )
        for kind, fund, amt in lines
    )
    report = IncomeDay(
        adm_div_code="440000",
        st_year=2026,
        voucher_no=report_no,
        tre_code=tre_code,
        report_date=day,
        sum_money=sum(item.day_amt for item in items),
        lines=items,
    )
    return report_body(INCOME_REPORT, report_no, income_3401.build(report))


def balance_day(report_no: str, day: date, *balances: str, came: str = "0.00") -> VoucherBody:
    """A 3402 of a day, not signed: a line for each balance; on each ``came`` was received."""
    came_fen = parse_yuan(came, zero=True)
    lines = tuple(
        BalanceItem(
            acct_code=str(number),
            yesterday_balance=parse_yuan(balance, signed=True, zero=True) - came_fen,
            today_receipt=came_fen,
            today_pay=0,
            today_balance=parse_yuan(balance, signed=True, zero=True),
        )
        for number, balance in enumerate(balances, 1)
    )
    report = BalanceDay(
        adm_div_code="440000",
        st_year=2026,
        voucher_no=report_no,
        tre_code=TREASURY,
        acct_date=day,
        lines=lines,
    )
    return report_body(BALANCE_REPORT, report_no, balance_3402.build(report))


def report_body(vt_code: str, number: str, document: bytes) -> VoucherBody:
    """A report as it travels, not signed."""
    return VoucherBody(
        adm_div_code="440000",
        st_year=2026,
        vt_code=vt_code,
        voucher_no=number,
        voucher_flag=SEND,
        voucher=document,
    )


class SigningCentralBank:
    """Signs as the central bank, or as whoever is named, and hands in at the treasury."""

    def __init__(self, treasury: SigningTreasury) -> None:
        self.treasury = treasury
        self._intake = ReceiptIntake(treasury.pool, treasury.provider, lambda: datetime.now(UTC))
        self._books = submit_to(treasury.keeper.sequencer)

    def signed(self, body: VoucherBody, subject: str = CENTRAL_BANK) -> VoucherBody:
        # valid when it is taken in and on the day that a test's books are at
        serial = self.treasury.certificate(subject, begun_days_ago=500, days=1000).serial
        key = self.treasury.keys.private_key(subject)
        sign = self.treasury.provider.sign
        return add_signature(body, no=subject, sn=serial, sign=lambda data: sign(key, data))

    def hand_in(self, bodies: Sequence[VoucherBody], *, dry_run: bool = False) -> list[Outcome]:
        """What became of each, as they are."""
        message = build_envelope(bodies)
        taken = self._intake.take_in(message, ANYWHERE, self._books, dry_run=dry_run)
        return [each.outcome for each in taken]

    def report(self, *bodies: VoucherBody) -> list[Outcome]:
        """Each signed and handed in, all in one message."""
        return self.hand_in([self.signed(body) for body in bodies])


def told(outcomes: Sequence[Outcome]) -> list[str]:
    """What became of each: its status, or the code of its problem."""
    return [
        outcome.status if outcome.problem is None else outcome.problem.code.text
        for outcome in outcomes
    ]
