"""支出标准: what a unit of measure may cost, as budgets reckon with it from a day on."""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from division.base_events import StandardChanged, StandardRegistered
from division.by_day import ByDay, Registered, VersionByDay, asked, check_days, decision
from ledger.account_set import division_of
from ledger.deciding.command import Command, Need, Told
from ledger.deciding.objects import Kind
from ledger.deciding.state import Decision, LedgerState
from ledger.money import parse_yuan


class Standard(VersionByDay, frozen=True, kw_only=True):
    """A standard as it is from ``start_date`` on: ``amt`` yuan a ``unit``. ``staff_kind``: whom it
    counts (``division.staff``), "" where a project says how many."""

    std_code: str
    name: str
    unit: str
    amt: str
    dep_bgt_eco_code: str
    staff_kind: str


class RegisteredStandard(Registered[Standard], frozen=True, kw_only=True):
    """A registered standard; from ``end_date`` on there is none."""


STANDARDS = ByDay(
    registered=StandardRegistered,
    changed=StandardChanged,
    version=Standard,
    number="std_code",
    changing=("name", "unit", "amt", "dep_bgt_eco_code", "staff_kind"),
    of=RegisteredStandard,
)
STANDARD: Kind[RegisteredStandard] = Kind(
    name="standard", opened_by="standard.register", fold=STANDARDS.fold
)


class RegisterStandard(Command, frozen=True, kw_only=True):
    """Registers a standard."""

    OPERATION: ClassVar[str] = "standard.register"
    APPROVABLE: ClassVar[bool] = True
    KIND = STANDARD
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "支出标准登记"
    NUMBER: ClassVar[str] = "std_code"
    std_code: str
    name: str
    unit: str
    amt: str
    dep_bgt_eco_code: str
    staff_kind: str = ""
    start_date: date | None = None
    end_date: date | None = None

    def check(self) -> None:
        """Raises RequestError for an amount that is none, or days that none can have."""
        parse_yuan(self.amt, pointer="/amt")
        check_days(self)

    def decide(self, state: LedgerState, by: str) -> Decision:
        _check_economy(state, self.dep_bgt_eco_code, self.start_date or state.today)
        # point of no return
        return decision(state, STANDARD, self.std_code, STANDARDS.event(self, by))

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (asked(cls, told.event),)


class ChangeStandard(Command, frozen=True, kw_only=True):
    """Tells what of a standard is other from ``start_date`` on, and when it ends."""

    OPERATION: ClassVar[str] = "standard.change"
    APPROVABLE: ClassVar[bool] = True
    KIND = STANDARD
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "支出标准登记"
    NUMBER: ClassVar[str] = "change_no"
    std_code: str
    change_no: str = ""
    start_date: date | None = None
    name: str = ""
    unit: str = ""
    amt: str = ""
    dep_bgt_eco_code: str = ""
    staff_kind: str = ""
    end_date: date | None = None

    def check(self) -> None:
        """Raises RequestError for a change of nothing, or of no day, or an amount that is none."""
        STANDARDS.check_change(self)
        if self.amt:
            parse_yuan(self.amt, pointer="/amt")

    def needs(self) -> Iterable[Need]:
        return ((STANDARD, self.std_code),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        STANDARDS.require(state.get(STANDARD, self.std_code), self)
        if self.dep_bgt_eco_code:
            _check_economy(state, self.dep_bgt_eco_code, self.start_date or state.today)
        # point of no return
        return decision(state, STANDARD, self.std_code, STANDARDS.event(self, by))

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (asked(cls, told.event),)


def _check_economy(state: LedgerState, dep_bgt_eco_code: str, day: date) -> None:
    """Raises Refusal, ``element_invalid``."""
    state.codes.check(
        "dep_bgt_eco_code",
        dep_bgt_eco_code,
        on=day,
        mof_div_code=division_of(state.ledger_id),
        pointer="/dep_bgt_eco_code",
    )
