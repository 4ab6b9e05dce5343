"""库存日报报文 3402 as it comes in: whose books it is for, and what they are told."""

from collections.abc import Sequence
from typing import Any

import psycopg

from accounting.balance_events import ReportedBalance
from accounting.balances import TakeBalance
from accounting.intake.treasury_accounts import ledger_of_account
from ledger.elements.register import ElementRegister
from ledger.errors import GuokuError, RequestError
from ledger.money import yuan
from payments.messages.balance_3402 import BalanceDay
from payments.messages.envelope import VoucherBody, signed_bytes
from payments.messages.message_types import (
    BALANCE_REPORTED,
    CENTRAL_BANK_CODE,
    Concern,
    MessageType,
)
from payments.receipts.concerns import Judging, judges
from payments.receipts.notices import held_unreadable
from payments.receipts.senders import Senders
from payments.refunds.notices import TakeNotice


def lines_of(report: BalanceDay) -> tuple[ReportedBalance, ...]:
    """What a report says, as the books keep it."""
    return tuple(
        ReportedBalance(
            acct_code=line.acct_code,
            acct_name=line.acct_name,
            yesterday_balance=yuan(line.yesterday_balance),
            today_receipt=yuan(line.today_receipt),
            today_pay=yuan(line.today_pay),
            today_balance=yuan(line.today_balance),
        )
        for line in report.lines
    )


@judges(Concern.BALANCE)
class BalanceReports(Judging):
    """Signed by the central bank. One that cannot be read waits in suspense: another may come."""

    def __init__(
        self, connection: psycopg.Connection, senders: Senders, bodies: Sequence[VoucherBody]
    ) -> None:
        super().__init__(connection, senders, bodies)
        self._ledgers: dict[VoucherBody, int | None] = {}
        for body in bodies:
            told = _read(body)
            tre_code = "" if isinstance(told, GuokuError) else told.tre_code
            self._ledgers[body] = ledger_of_account(
                connection, body.adm_div_code, body.st_year, tre_code
            )

    def ledger_of(self, body: VoucherBody) -> int | None:
        return self._ledgers[body]

    def command(self, message: MessageType[Any], body: VoucherBody) -> TakeBalance | TakeNotice:
        evidence = self.senders.verified(message, body, CENTRAL_BANK_CODE)
        report = _read(body)
        if isinstance(report, RequestError):
            return held_unreadable(body, "", evidence, report)
        if isinstance(report, GuokuError):
            raise report
        return TakeBalance(
            report_no=report.voucher_no,
            report_date=report.acct_date,
            tre_code=report.tre_code,
            lines=lines_of(report),
            notice_sm3=evidence["receipt_sm3"],
            cert_serial=evidence["cert_serial"],
            signature=evidence["signature"],
            document=evidence["document"],
        )


def _read(body: VoucherBody) -> BalanceDay | GuokuError:
    """What a report says, or what is wrong with it. That the envelope names the same division, year
    and number was seen when it was opened."""
    try:
        report = BALANCE_REPORTED.parse(signed_bytes(body))
        ElementRegister.check_shape("report_no", report.voucher_no, "/VoucherNo")
        ElementRegister.check_shape("tre_code", report.tre_code, "/TreCode")
    except GuokuError as error:
        return error
    return report
