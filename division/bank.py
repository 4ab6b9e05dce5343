"""代理银行: which banks pay for a division and all below it, and by which channel.

An appointment holds from its day on, and what changes with a day is told as a change. Of several
divisions that have appointed a bank of one code the nearest one decides.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any, ClassVar

import msgspec

from division.events import BankAppointed, BankChanged, BankEnded
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import Kind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event


class Channel(msgspec.Struct, frozen=True):
    """How a bank is reached from ``start_date`` on: its address, and its certificate."""

    start_date: date
    name: str
    url: str
    cert_serial: str


class AppointedBank(msgspec.Struct, frozen=True):
    """An appointed bank; ``channels`` in the order in which they were told, ``end_date`` the first
    day on which it pays no more."""

    pay_bank_code: str
    channels: tuple[Channel, ...]
    end_date: date | None = None

    def on(self, day: date) -> Channel | None:
        """Its channel on that day; None before its start and after its end."""
        if self.end_date is not None and day >= self.end_date:
            return None
        return self.reached(day)

    def reached(self, day: date) -> Channel | None:
        """The same, and after its end, too: what was agreed before still goes to it."""
        begun = [channel for channel in self.channels if channel.start_date <= day]
        return max(begun, key=lambda channel: channel.start_date) if begun else None


def fold(bank: AppointedBank | None, event: Event) -> AppointedBank | None:
    match event:
        case BankAppointed():
            return AppointedBank(event.pay_bank_code, (_channel(event),))
        case BankChanged() if bank is not None:
            kept = [c for c in bank.channels if c.start_date.isoformat() != event.start_date]
            return AppointedBank(bank.pay_bank_code, (*kept, _channel(event)), bank.end_date)
        case BankEnded() if bank is not None:
            return msgspec.structs.replace(bank, end_date=date.fromisoformat(event.end_date))
        case _:
            return bank


def _channel(event: BankAppointed | BankChanged) -> Channel:
    return Channel(date.fromisoformat(event.start_date), event.name, event.url, event.cert_serial)


BANK: Kind[AppointedBank] = Kind(name="bank", opened_by="bank.appoint", fold=fold)


def _check_url(url: str) -> None:
    if not url.startswith(("http://", "https://")) or not url.isprintable() or " " in url:
        raise RequestError(Code.MALFORMED, "a channel is an http(s) address", pointer="/url")


class AppointBank(Command, frozen=True, kw_only=True):
    """Appoints a bank; its code is its number."""

    OPERATION: ClassVar[str] = "bank.appoint"
    APPROVABLE: ClassVar[bool] = True
    KIND = BANK
    CHANNEL: ClassVar[str] = "代理银行委托"
    NUMBER: ClassVar[str] = "pay_bank_code"
    pay_bank_code: str
    name: str
    url: str
    cert_serial: str
    start_date: date

    def check(self) -> None:
        """Raises RequestError for what is no address."""
        _check_url(self.url)

    def decide(self, state: LedgerState, by: str) -> Decision:
        # point of no return
        appointed = BankAppointed(
            pay_bank_code=self.pay_bank_code,
            name=self.name,
            url=self.url,
            cert_serial=self.cert_serial,
            start_date=self.start_date.isoformat(),
            by=by,
        )
        return _decision(state, self.pay_bank_code, appointed)

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (cls(**_dated_fields(cls, told.event, "start_date")),)


class ChangeBank(Command, frozen=True, kw_only=True):
    """Tells what is other from a day on; what is left out stays."""

    OPERATION: ClassVar[str] = "bank.change"
    APPROVABLE: ClassVar[bool] = True
    KIND = BANK
    KEEPS_REFUSAL: ClassVar[bool] = False
    NUMBER: ClassVar[str] = "change_no"
    CHANNEL: ClassVar[str] = "代理银行委托"
    pay_bank_code: str
    change_no: str = ""
    start_date: date
    name: str = ""
    url: str = ""
    cert_serial: str = ""

    def check(self) -> None:
        """Raises RequestError for what is no address."""
        if self.url:
            _check_url(self.url)

    def needs(self) -> Iterable[Need]:
        return ((BANK, self.pay_bank_code),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        last = _required(state, self.pay_bank_code).channels[-1]
        # point of no return
        changed = BankChanged(
            pay_bank_code=self.pay_bank_code,
            change_no=self.change_no,
            name=self.name or last.name,
            url=self.url or last.url,
            cert_serial=self.cert_serial or last.cert_serial,
            start_date=self.start_date.isoformat(),
            by=by,
        )
        return _decision(state, self.pay_bank_code, changed)

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        """As if nothing had been left out."""
        return (cls(**_dated_fields(cls, told.event, "start_date")),)

    @classmethod
    def bodies_in(cls, event: BankChanged, day: date) -> Iterable[object]:
        return ()  # what was left out is not told

    def is_told_by(self, event: BankChanged) -> bool:
        """What was left out was not asked."""
        own = (self.pay_bank_code, self.change_no, self.start_date.isoformat())
        asked = ("name", "url", "cert_serial")
        return own == (event.pay_bank_code, event.change_no, event.start_date) and all(
            getattr(self, name) in ("", getattr(event, name)) for name in asked
        )


class EndBank(Command, frozen=True, kw_only=True):
    """From ``end_date`` on the bank pays no more."""

    OPERATION: ClassVar[str] = "bank.end"
    APPROVABLE: ClassVar[bool] = True
    KIND = BANK
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "代理银行委托"
    pay_bank_code: str
    end_date: date

    @property
    def number(self) -> str:
        return f"{self.pay_bank_code} {self.end_date}"

    @classmethod
    def number_in(cls, event: BankEnded) -> str:
        return f"{event.pay_bank_code} {event.end_date}"

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (cls(**_dated_fields(cls, told.event, "end_date")),)

    def needs(self) -> Iterable[Need]:
        return ((BANK, self.pay_bank_code),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        _required(state, self.pay_bank_code)
        # point of no return
        ended = BankEnded(
            pay_bank_code=self.pay_bank_code, end_date=self.end_date.isoformat(), by=by
        )
        return _decision(state, self.pay_bank_code, ended)


def _dated_fields(cls: type[Command], event: Event, day: str) -> dict[str, Any]:
    """The fields of a command that its event tells of, the one that is a day as a day."""
    return fields_in(cls, event, **{day: date.fromisoformat(getattr(event, day))})


def _required(state: LedgerState, pay_bank_code: str) -> AppointedBank:
    bank = state.get(BANK, pay_bank_code)
    if bank is None:
        raise Refusal(Code.NOT_FOUND, f"no bank {pay_bank_code!r} was appointed here")
    return bank


def _decision(state: LedgerState, pay_bank_code: str, event: Event) -> Decision:
    return Decision(events=[(BANK, pay_bank_code, event)], effective_on=state.today)
