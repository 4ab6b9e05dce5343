"""Rights 权限: as what somebody may act, for which divisions and units, until when. No I/O.

A person has rights in the standing ledger of a division. A token is a credential of that person and
may carry less than the person has, never more. What counts is what both carry now.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

import msgspec

from division.roles import ROLES, unknown_roles
from ledger.account_set import DIVISION_DIGITS
from ledger.deciding.principals import AT_MACHINE, folded
from ledger.deciding.state import BEIJING
from ledger.errors import Code, RequestError

AGENCY_DIGITS_MAX = 21

_PRINCIPAL = re.compile(r"[\w.@-]{1,96}")  # what a certificate's subject can carry
_DIVISION = re.compile(rf"[0-9]{{0,{DIVISION_DIGITS}}}", re.ASCII)
_AGENCY = re.compile(rf"[0-9A-Za-z]{{1,{AGENCY_DIGITS_MAX}}}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class Rights(msgspec.Struct, frozen=True):
    """What somebody may.

    Attributes:
        division: prefix of the division codes; "" is all.
        roles: of ``division.roles.ROLES``.
        agency_prefixes: what the units' codes begin with for which a unit acts; none is all.
        valid_until: a day, which is included, or a moment with its zone; "" is without end.
    """

    division: str
    roles: tuple[str, ...]
    agency_prefixes: tuple[str, ...] = ()
    valid_until: str = ""

    def check(self) -> None:
        """Raises RequestError, ``malformed``, with the field, for what nobody can be given."""
        if not _DIVISION.fullmatch(self.division):
            raise _malformed("a division prefix has at most nine digits", "/division")
        if not self.roles or (unknown := unknown_roles(self.roles)):
            wrong = f"unknown role {unknown[0]!r}; " if self.roles else ""
            raise _malformed(f"{wrong}roles are {', '.join(ROLES)}", "/roles")
        for index, prefix in enumerate(self.agency_prefixes):
            if not _AGENCY.fullmatch(prefix):
                raise _malformed(
                    "the prefix of a unit's code is letters and digits", f"/agency_prefixes/{index}"
                )
        ends_at(self.valid_until)

    def includes(self, other: "Rights") -> bool:
        """Whether whoever has these has the others, too, as long as they last."""
        return (
            other.division.startswith(self.division)
            and set(other.roles) <= set(self.roles)
            and (
                not self.agency_prefixes
                or (
                    bool(other.agency_prefixes)
                    and all(begins_with(p, self.agency_prefixes) for p in other.agency_prefixes)
                )
            )
        )

    def among(self, agency_prefixes: tuple[str, ...]) -> "Rights":
        """The same, for these units where nothing is said of units."""
        return msgspec.structs.replace(
            self, agency_prefixes=self.agency_prefixes or agency_prefixes
        )

    def widened(self, other: "Rights") -> "Rights":
        """These and the others: the least that includes both. Of two divisions one is within the
        other, for both are in one standing ledger."""
        either = self.agency_prefixes and other.agency_prefixes
        prefixes = {*self.agency_prefixes, *other.agency_prefixes} if either else ()
        later = _later(other.valid_until, self.valid_until)
        return Rights(
            division=min(self.division, other.division, key=len),
            roles=tuple(sorted({*self.roles, *other.roles})),
            agency_prefixes=tuple(sorted(prefixes)),
            valid_until=other.valid_until if later else self.valid_until,
        )


def check_principal(principal: str) -> None:
    """Raises RequestError, ``malformed``, for what is no principal's name."""
    if not _PRINCIPAL.fullmatch(principal):
        raise _malformed("a principal is 1 to 96 letters, digits or any of . @ - _", "/principal")


def check_person(principal: str) -> None:
    """The same for whoever is to be registered: nobody is called as who acts at the machine."""
    check_principal(principal)
    if folded(principal) in AT_MACHINE:
        raise _malformed(f"{principal} is who acts at the machine itself", "/principal")


def begins_with(code: str, prefixes: Iterable[str]) -> bool:
    """Whether a code is within one of these prefixes."""
    return any(code.startswith(prefix) for prefix in prefixes)


def both(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...] | None:
    """The prefixes of what is within both lists, each of which means all where it is empty; None
    where nothing is."""
    if not one or not other:
        return tuple(one or other)
    within = {p for p in one if begins_with(p, other)} | {p for p in other if begins_with(p, one)}
    return tuple(sorted(within)) or None


def ends_at(valid_until: str) -> datetime | None:
    """From when on rights do not hold any more; None where they have no end.

    Raises:
        RequestError: ``malformed`` for what is neither a day nor a moment with its zone.
    """
    if not valid_until:
        return None
    try:
        if _DAY.fullmatch(valid_until):
            day = date.fromisoformat(valid_until) + timedelta(days=1)
            return datetime(day.year, day.month, day.day, tzinfo=BEIJING)
        moment = datetime.fromisoformat(valid_until)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment.utcoffset() is None:
        raise _malformed("valid_until is a day, or a moment with its zone", "/valid_until")
    return moment


def _later(one: str, other: str) -> bool:
    """Whether ``one`` ends behind ``other``."""
    first, second = ends_at(one), ends_at(other)
    return second is not None and (first is None or first > second)


def _malformed(detail: str, pointer: str) -> RequestError:
    return RequestError(Code.MALFORMED, detail, pointer=pointer)
