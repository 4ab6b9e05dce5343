"""异地系统: programs elsewhere with which ledgers of this one exchange messages.

One is known by the beginning of the codes of the divisions whose ledgers it keeps, ``4401`` of a
city and all below it; its keys are the certificates of ``installation/4401``. Where it is reached,
and that it is heard at all, is an event of a standing ledger that another person agrees to: whoever
speaks for a tier may send money, and say that money was received.
"""

import re
from collections.abc import Iterable
from typing import Any, ClassVar

import msgspec

from division.installation_events import (
    InstallationChanged,
    InstallationEnded,
    InstallationRegistered,
)
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import Kind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event

SUBJECT = "installation/"  # before its division, whose certificates are its keys
_DIVISION = re.compile(r"[1-9][0-9](?:[0-9]{2}){0,2}(?:[0-9]{3})?", re.ASCII)
_URL = re.compile(r"https?://[!-~]{1,290}", re.ASCII)


class Installation(msgspec.Struct, frozen=True):
    """An installation as its events have left it; ``has_ended`` while it is not heard."""

    division: str
    name: str
    url: str
    has_ended: bool = False

    @property
    def subject(self) -> str:
        """To whom its certificates are made out."""
        return SUBJECT + self.division


def fold(installation: Installation | None, event: Event) -> Installation | None:
    match event:
        case InstallationRegistered():
            return Installation(event.division, event.name, event.url)
        case InstallationChanged() if installation is not None:
            return Installation(event.division, event.name, event.url)
        case InstallationEnded() if installation is not None:
            return msgspec.structs.replace(installation, has_ended=True)
        case _:
            return installation


INSTALLATION: Kind[Installation] = Kind(
    name="installation", opened_by="installation.register", fold=fold
)


class RegisterInstallation(Command, frozen=True, kw_only=True):
    """Makes an installation known; the beginning of its divisions' codes is its number."""

    OPERATION: ClassVar[str] = "installation.register"
    APPROVABLE: ClassVar[bool] = True
    UNLESS_SAID: ClassVar[tuple[str, ...]] = ("security_officer",)
    KIND = INSTALLATION
    CHANNEL: ClassVar[str] = "异地系统登记"
    NUMBER: ClassVar[str] = "division"
    division: str
    name: str
    url: str

    def check(self) -> None:
        """Raises RequestError for what begins no division's code, or is no address."""
        if not _DIVISION.fullmatch(self.division):
            raise RequestError(
                Code.MALFORMED, "division is 2, 4, 6 or 9 digits of a code", pointer="/division"
            )
        _check_url(self.url)

    def decide(self, state: LedgerState, by: str) -> Decision:
        # point of no return
        registered = InstallationRegistered(
            division=self.division, name=self.name, url=self.url, by=by
        )
        return _decision(state, self.division, registered)


class ChangeInstallation(Command, frozen=True, kw_only=True):
    """Tells where it is reached from now on."""

    OPERATION: ClassVar[str] = "installation.change"
    APPROVABLE: ClassVar[bool] = True
    UNLESS_SAID: ClassVar[tuple[str, ...]] = ("security_officer",)
    KIND = INSTALLATION
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "异地系统登记"
    NUMBER: ClassVar[str] = "change_no"
    division: str
    change_no: str
    name: str
    url: str

    def check(self) -> None:
        """Raises RequestError for what is no address."""
        _check_url(self.url)

    def needs(self) -> Iterable[Need]:
        return ((INSTALLATION, self.division),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        _required(state, self.division)
        # point of no return
        changed = InstallationChanged(
            division=self.division, change_no=self.change_no, name=self.name, url=self.url, by=by
        )
        return _decision(state, self.division, changed)


class EndInstallation(Command, frozen=True, kw_only=True):
    """Has nothing more brought there, and nothing heard that comes from there."""

    OPERATION: ClassVar[str] = "installation.end"
    APPROVABLE: ClassVar[bool] = True
    KIND = INSTALLATION
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "异地系统登记"
    NUMBER: ClassVar[str] = "change_no"
    division: str
    change_no: str

    def needs(self) -> Iterable[Need]:
        return ((INSTALLATION, self.division),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        if _required(state, self.division).has_ended:
            raise Refusal(Code.INVALID_STATE, "the installation has ended before")
        # point of no return
        ended = InstallationEnded(division=self.division, change_no=self.change_no, by=by)
        return _decision(state, self.division, ended)


def _check_url(url: str) -> None:
    if not _URL.fullmatch(url):
        raise RequestError(Code.MALFORMED, "it is reached by an http(s) address", pointer="/url")


def _required(state: LedgerState, division: str) -> Installation:
    installation: Installation | None = state.get(INSTALLATION, division)
    if installation is None:
        raise Refusal(Code.NOT_FOUND, f"no installation {division!r} is registered here")
    return installation


def _decision(state: LedgerState, division: str, event: Any) -> Decision:
    return Decision(events=[(INSTALLATION, division, event)], effective_on=state.today)
