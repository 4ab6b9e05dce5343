"""Signed reports of the central bank as they come in: whose books one is for, how it is judged."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import psycopg

from accounting.intake.treasury_accounts import ledger_of_account
from accounting.taking import TakeReport
from ledger.elements.register import ElementRegister
from ledger.errors import GuokuError, RequestError
from payments.messages.envelope import VoucherBody, signed_bytes
from payments.messages.message_types import CENTRAL_BANK_CODE, MessageType
from payments.receipts.concerns import Judging
from payments.receipts.notices import held_unreadable
from payments.receipts.senders import Senders
from payments.refunds.notices import TakeNotice


class TreasuryReports(Judging):
    """Reports about treasury accounts. One that cannot be read waits in suspense: another may come.

    Attributes:
        MESSAGE: what they are; what it parses has ``voucher_no`` and ``tre_code``.
    """

    MESSAGE: ClassVar[MessageType[Any]]

    def __init__(
        self, connection: psycopg.Connection, senders: Senders, bodies: Sequence[VoucherBody]
    ) -> None:
        super().__init__(connection, senders, bodies)
        self._ledgers: dict[VoucherBody, int | None] = {}
        for body in bodies:
            told = self._read(body)
            tre_code = "" if isinstance(told, GuokuError) else told.tre_code
            self._ledgers[body] = ledger_of_account(
                connection, body.adm_div_code, body.st_year, tre_code
            )

    def ledger_of(self, body: VoucherBody) -> int | None:
        return self._ledgers[body]

    def command(self, message: MessageType[Any], body: VoucherBody) -> TakeReport | TakeNotice:
        evidence = self.senders.verified(message, body, CENTRAL_BANK_CODE)
        report = self._read(body)
        if isinstance(report, RequestError):
            return held_unreadable(body, "", evidence, report)
        if isinstance(report, GuokuError):
            raise report
        return self.taken(
            report,
            report_no=report.voucher_no,
            tre_code=report.tre_code,
            notice_sm3=evidence["receipt_sm3"],
            cert_serial=evidence["cert_serial"],
            signature=evidence["signature"],
            document=evidence["document"],
        )

    @abstractmethod
    def taken(self, report: Any, **signed: Any) -> TakeReport:
        """What the books are told: the report's day and lines, and what is common to all."""

    def _read(self, body: VoucherBody) -> Any:
        """What a report says, or the GuokuError of what is wrong with it. That the envelope names
        the same division, year and number was seen when it was opened."""
        try:
            report = self.MESSAGE.parse(signed_bytes(body))
            ElementRegister.check_shape("report_no", report.voucher_no, "/VoucherNo")
            ElementRegister.check_shape("tre_code", report.tre_code, "/TreCode")
        except GuokuError as error:
            return error
        return report
