"""人员信息: how many people of a kind a unit has, from a day on, and how many posts it was given.

What is computed by heads, personnel and running costs, is computed by what stands here, where the
spending standard says of which kind it counts (``Standard.staff_kind``).
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from division.agency import AGENCY, require_in_force
from division.base_events import StaffChanged, StaffRegistered
from division.by_day import ByDay, Registered, VersionByDay, asked, check_days, decision
from ledger.deciding.command import Command, Need, Told
from ledger.deciding.objects import Kind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, RequestError

_BETWEEN = "-"  # a unit's code and the kind of its people


class Staff(VersionByDay, frozen=True, kw_only=True):
    """The people of one kind of a unit as they are from ``start_date`` on.

    ``staff_count`` is how many there are 实有人数, ``post_count`` how many posts there are for them
    编制人数; None of a kind that has no posts, such as who is retired.
    """

    staff_no: str
    staff_count: int
    post_count: int | None


class RegisteredStaff(Registered[Staff], frozen=True, kw_only=True):
    """What is registered of a unit's people of one kind; from ``end_date`` on there are none."""


STAFFS = ByDay(
    registered=StaffRegistered,
    changed=StaffChanged,
    version=Staff,
    number="staff_no",
    changing=("staff_count", "post_count"),
    of=RegisteredStaff,
)
STAFF: Kind[RegisteredStaff] = Kind(name="staff", opened_by="staff.register", fold=STAFFS.fold)


def staff_no(agency_code: str, staff_kind: str) -> str:
    """Under which the people of a kind of a unit are registered."""
    return f"{agency_code}{_BETWEEN}{staff_kind}"


class RegisterStaff(Command, frozen=True, kw_only=True):
    """Registers the people of one kind of a unit: ``staff_no`` is ``<agency_code>-<kind>``."""

    OPERATION: ClassVar[str] = "staff.register"
    APPROVABLE: ClassVar[bool] = True
    KIND = STAFF
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "人员信息登记"
    NUMBER: ClassVar[str] = "staff_no"
    staff_no: str
    staff_count: int
    post_count: int | None = None
    start_date: date | None = None
    end_date: date | None = None

    @property
    def agency_code(self) -> str:
        return self.staff_no.rpartition(_BETWEEN)[0]

    def check(self) -> None:
        """Raises RequestError for counts that are none, or days that none can have."""
        _check_counts(self.staff_count, self.post_count)
        check_days(self)

    def needs(self) -> Iterable[Need]:
        return ((AGENCY, self.agency_code),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        require_in_force(state, self.agency_code, self.start_date or state.today)
        # point of no return
        return decision(state, STAFF, self.staff_no, STAFFS.event(self, by))

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (asked(cls, told.event),)


class ChangeStaff(Command, frozen=True, kw_only=True):
    """Tells how many there are from ``start_date`` on, and when there are none any more."""

    OPERATION: ClassVar[str] = "staff.change"
    APPROVABLE: ClassVar[bool] = True
    KIND = STAFF
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "人员信息登记"
    NUMBER: ClassVar[str] = "change_no"
    staff_no: str
    change_no: str = ""
    start_date: date | None = None
    staff_count: int | None = None
    post_count: int | None = None
    end_date: date | None = None

    def check(self) -> None:
        """Raises RequestError for a change of nothing, or of no day, or counts that are none."""
        STAFFS.check_change(self)
        _check_counts(self.staff_count, self.post_count)

    def needs(self) -> Iterable[Need]:
        return ((STAFF, self.staff_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        STAFFS.require(state.get(STAFF, self.staff_no), self)
        # point of no return
        return decision(state, STAFF, self.staff_no, STAFFS.event(self, by))

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (asked(cls, told.event),)


def _check_counts(staff_count: int | None, post_count: int | None) -> None:
    for name, count in (("staff_count", staff_count), ("post_count", post_count)):
        if count is not None and not 0 <= count < 10**9:
            raise RequestError(Code.MALFORMED, f"{name} is a count", pointer=f"/{name}")
