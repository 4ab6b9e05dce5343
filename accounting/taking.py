"""What the central bank has signed about a day of a treasury account, as the books are told."""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from ledger.deciding.command import Command, Told, fields_in


class TakeReport(Command, frozen=True, kw_only=True):
    """A signed report, its signature verified; ``document`` are its bytes, as they are stored."""

    NUMBER: ClassVar[str] = "report_no"
    KEEPS_REFUSAL: ClassVar[bool] = False
    report_no: str
    report_date: date
    tre_code: str
    notice_sm3: str
    cert_serial: str
    signature: str
    document: bytes

    @property
    def body(self) -> object:
        """The report is its bytes; it may be signed anew."""
        return self.notice_sm3

    @property
    def kept(self) -> list[tuple[bytes, bytes]]:
        """Its bytes by their digest: with another number the same may have been held, or refused,
        before."""
        return [(bytes.fromhex(self.notice_sm3), self.document)]

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        report_date = date.fromisoformat(told.event.report_date)
        return (cls(**fields_in(cls, told.event, report_date=report_date, document=b"")),)
