"""单位: the units of a division, each as it is on a day (``division.by_day``)."""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from division.base_events import AgencyChanged, AgencyRegistered
from division.by_day import ByDay, Registered, VersionByDay, asked, check_days, decision
from ledger.account_set import division_of
from ledger.deciding.command import Command, Need, Told
from ledger.deciding.objects import Kind
from ledger.deciding.state import Decision, LedgerState
from ledger.elements.code_sets import ElementRegister
from ledger.errors import Code, Refusal, RequestError

AGENCY_TYPES = {"1": "行政", "2": "参公", "3": "公益一类", "4": "公益二类", "5": "企业"}


class Agency(VersionByDay, frozen=True, kw_only=True):
    """A unit as it is from ``start_date`` on, until another version of it begins."""

    agency_code: str
    agency_name: str
    agency_type_code: str
    parent_agency_code: str
    pay_bank_code: str
    unifsoc_cred_code: str
    mof_dep_code: str


class RegisteredAgency(Registered[Agency], frozen=True, kw_only=True):
    """A registered unit; ``successor_agency_code``: whose business it is from its end on."""

    successor_agency_code: str = ""

    @property
    def agency_code(self) -> str:
        return self.number


AGENCIES = ByDay(
    registered=AgencyRegistered,
    changed=AgencyChanged,
    version=Agency,
    number="agency_code",
    changing=(
        "agency_name",
        "agency_type_code",
        "parent_agency_code",
        "pay_bank_code",
        "unifsoc_cred_code",
        "mof_dep_code",
    ),
    of=RegisteredAgency,
    more=("successor_agency_code",),
)
AGENCY: Kind[RegisteredAgency] = Kind(
    name="agency", opened_by="agency.register", fold=AGENCIES.fold
)


class RegisterAgency(Command, frozen=True, kw_only=True):
    """Registers a unit; its code is its number, and begins with its parent's."""

    OPERATION: ClassVar[str] = "agency.register"
    APPROVABLE: ClassVar[bool] = True
    KIND = AGENCY
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "单位登记"
    NUMBER: ClassVar[str] = "agency_code"
    agency_code: str
    agency_name: str
    agency_type_code: str
    parent_agency_code: str = ""
    pay_bank_code: str = ""
    unifsoc_cred_code: str = ""
    mof_dep_code: str = ""
    start_date: date | None = None
    end_date: date | None = None

    def check(self) -> None:
        """Raises RequestError for a code or days that no unit can have."""
        ElementRegister.check_shape("agency_code", self.agency_code, "/agency_code")
        check_days(self)

    def needs(self) -> Iterable[Need]:
        return ((AGENCY, self.parent_agency_code),) if self.parent_agency_code else ()

    def decide(self, state: LedgerState, by: str) -> Decision:
        check_bank(state, self.pay_bank_code)
        if self.parent_agency_code:
            _check_parent(state, self, self.start_date or state.today)
        # point of no return
        return decision(state, AGENCY, self.agency_code, AGENCIES.event(self, by))

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (asked(cls, told.event),)


class ChangeAgency(Command, frozen=True, kw_only=True):
    """Tells what of a unit is other from ``start_date`` on, and whether it ends; what is left out
    stays. ``successor_agency_code`` names the unit that goes on with its business 撤并."""

    OPERATION: ClassVar[str] = "agency.change"
    APPROVABLE: ClassVar[bool] = True
    KIND = AGENCY
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "单位登记"
    NUMBER: ClassVar[str] = "change_no"
    agency_code: str
    change_no: str = ""
    start_date: date | None = None
    agency_name: str = ""
    agency_type_code: str = ""
    parent_agency_code: str = ""
    pay_bank_code: str = ""
    unifsoc_cred_code: str = ""
    mof_dep_code: str = ""
    end_date: date | None = None
    successor_agency_code: str = ""

    def check(self) -> None:
        """Raises RequestError for a change of nothing, or of no day."""
        AGENCIES.check_change(self)
        if self.successor_agency_code and self.end_date is None:
            raise RequestError(
                Code.MALFORMED,
                "a successor follows a unit that ends",
                pointer="/successor_agency_code",
            )

    def needs(self) -> Iterable[Need]:
        codes = (self.agency_code, self.parent_agency_code, self.successor_agency_code)
        return tuple((AGENCY, code) for code in codes if code)

    def decide(self, state: LedgerState, by: str) -> Decision:
        AGENCIES.require(state.get(AGENCY, self.agency_code), self)
        check_bank(state, self.pay_bank_code)
        if self.parent_agency_code:
            assert self.start_date is not None, "checked"
            _check_parent(state, self, self.start_date)
        if self.successor_agency_code:
            assert self.end_date is not None, "checked"
            _check_successor(state, self, self.end_date)
        # point of no return
        return decision(state, AGENCY, self.agency_code, AGENCIES.event(self, by))

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (asked(cls, told.event),)


def check_bank(state: LedgerState, pay_bank_code: str) -> None:
    """Raises Refusal, ``element_invalid``, for what is no agent bank's code."""
    if pay_bank_code:
        state.codes.check(
            "pay_bank_code",
            pay_bank_code,
            on=state.today,
            mof_div_code=division_of(state.ledger_id),
            pointer="/pay_bank_code",
        )


def require_in_force(
    state: LedgerState, agency_code: str, day: date, pointer: str = "/agency_code"
) -> Agency:
    """A unit that the command needs; raises Refusal, ``element_invalid``, where it is not there."""
    registered = state.get(AGENCY, agency_code)
    agency = None if registered is None else registered.on(day)
    if agency is None:
        detail = f"no unit {agency_code!r} is registered here for {day}"
        raise Refusal(Code.ELEMENT_INVALID, detail, pointer=pointer)
    return agency


def _check_parent(state: LedgerState, said: RegisterAgency | ChangeAgency, day: date) -> None:
    """The parent is there on the day, and its code the beginning of the unit's.

    Raises:
        Refusal: ``element_invalid``.
    """
    parent, pointer = said.parent_agency_code, "/parent_agency_code"
    if not said.agency_code.startswith(parent) or said.agency_code == parent:
        detail = f"the code {said.agency_code} is none of a unit below {parent}"
        raise Refusal(Code.ELEMENT_INVALID, detail, pointer=pointer)
    require_in_force(state, parent, day, pointer)


def _check_successor(state: LedgerState, said: ChangeAgency, day: date) -> None:
    """Raises Refusal, ``element_invalid``."""
    successor, pointer = said.successor_agency_code, "/successor_agency_code"
    if successor == said.agency_code:
        raise Refusal(Code.ELEMENT_INVALID, "a unit does not follow itself", pointer=pointer)
    require_in_force(state, successor, day, pointer)
