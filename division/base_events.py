"""What happens to the base data 基础信息 that years rest on: units, accounts, payees, standards,
working days.

Days are text, as the ministry writes them; "" where nothing was said. A change tells what is other
from a day on and nothing else, so that what is said later of an earlier day takes nothing back.
"""

from typing import ClassVar

import msgspec

from ledger.events import LEDGER, Event, Traits, Yuan, register


class AgencyRegistered(Event, frozen=True, kw_only=True):
    """单位登记: without ``start_date`` it has been there all along."""

    TYPE: ClassVar[str] = "agency.registered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="agency", asked_by="agency.register", title="单位登记"
    )
    agency_code: str
    agency_name: str
    agency_type_code: str
    parent_agency_code: str = ""
    pay_bank_code: str = ""
    unifsoc_cred_code: str = ""
    mof_dep_code: str = ""
    start_date: str = ""
    end_date: str = ""
    by: str


class AgencyChanged(Event, frozen=True, kw_only=True):
    """单位变更, or with ``end_date``, the first day on which there is no such unit, its end."""

    TYPE: ClassVar[str] = "agency.changed"
    TRAITS: ClassVar[Traits] = Traits(subject="agency", asked_by="agency.change", title="单位变更")
    agency_code: str
    change_no: str
    start_date: str = ""
    agency_name: str = ""
    agency_type_code: str = ""
    parent_agency_code: str = ""
    pay_bank_code: str = ""
    unifsoc_cred_code: str = ""
    mof_dep_code: str = ""
    end_date: str = ""
    successor_agency_code: str = ""
    by: str


class AccountRegistered(Event, frozen=True, kw_only=True):
    """账户登记: an account of the treasury, or of one of its units."""

    TYPE: ClassVar[str] = "account.registered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="account", asked_by="account.register", title="账户登记"
    )
    acct_no: str
    acct_name: str
    acct_bank_name: str
    bank_no: str
    acc_type_code: str
    agency_code: str = ""
    fund_type_code: str = ""
    pay_bank_code: str = ""
    start_date: str = ""
    end_date: str = ""
    by: str


class AccountChanged(Event, frozen=True, kw_only=True):
    """账户变更, or with ``end_date`` 销户."""

    TYPE: ClassVar[str] = "account.changed"
    TRAITS: ClassVar[Traits] = Traits(
        subject="account", asked_by="account.change", title="账户变更"
    )
    acct_no: str
    change_no: str
    start_date: str = ""
    acct_name: str = ""
    acct_bank_name: str = ""
    bank_no: str = ""
    pay_bank_code: str = ""
    end_date: str = ""
    by: str


class PayeeRegistered(Event, frozen=True, kw_only=True):
    """收款人登记."""

    TYPE: ClassVar[str] = "payee.registered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="payee", asked_by="payee.register", title="收款人登记"
    )
    receiver_code: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    payee_bank_no: str = ""
    receiver_kind: str
    is_whitelisted: bool = False
    start_date: str = ""
    end_date: str = ""
    by: str


class PayeeChanged(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "payee.changed"
    TRAITS: ClassVar[Traits] = Traits(subject="payee", asked_by="payee.change", title="收款人变更")
    receiver_code: str
    change_no: str
    start_date: str = ""
    payee_acct_name: str = ""
    payee_acct_no: str = ""
    payee_acct_bank_name: str = ""
    payee_bank_no: str = ""
    receiver_kind: str = ""
    is_whitelisted: bool | None = None
    end_date: str = ""
    by: str


class CardRegistered(Event, frozen=True, kw_only=True):
    """公务卡登记: an official's card of his unit. ``repay_acct_no`` is the bank's account by which
    it is repaid, "" where that is the card itself."""

    TYPE: ClassVar[str] = "card.registered"
    TRAITS: ClassVar[Traits] = Traits(subject="card", asked_by="card.register", title="公务卡登记")
    card_no: str
    agency_code: str
    holder_name: str
    card_bank_name: str
    repay_acct_no: str = ""
    start_date: str = ""
    end_date: str = ""
    by: str


class CardChanged(Event, frozen=True, kw_only=True):
    """公务卡变更, or with ``end_date`` 销卡."""

    TYPE: ClassVar[str] = "card.changed"
    TRAITS: ClassVar[Traits] = Traits(subject="card", asked_by="card.change", title="公务卡变更")
    card_no: str
    change_no: str
    start_date: str = ""
    holder_name: str = ""
    card_bank_name: str = ""
    repay_acct_no: str = ""
    end_date: str = ""
    by: str


class StandardRegistered(Event, frozen=True, kw_only=True):
    """支出标准: ``amt`` yuan a ``unit``, spent as ``dep_bgt_eco_code``. ``staff_kind``: whom it
    counts, of the people that are registered; "" where a project says how many."""

    TYPE: ClassVar[str] = "standard.registered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="standard", asked_by="standard.register", title="支出标准登记"
    )
    std_code: str
    name: str
    unit: str
    amt: Yuan
    dep_bgt_eco_code: str
    staff_kind: str = ""
    start_date: str = ""
    end_date: str = ""
    by: str


class StandardChanged(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "standard.changed"
    TRAITS: ClassVar[Traits] = Traits(
        subject="standard", asked_by="standard.change", title="支出标准变更"
    )
    std_code: str
    change_no: str
    start_date: str = ""
    name: str = ""
    unit: str = ""
    amt: Yuan = ""
    dep_bgt_eco_code: str = ""
    staff_kind: str = ""
    end_date: str = ""
    by: str


class StaffRegistered(Event, frozen=True, kw_only=True):
    """人员信息: how many people there are of the unit and the kind that ``staff_no`` names, and how
    many posts 编制 for them; None of a kind that has none."""

    TYPE: ClassVar[str] = "staff.registered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="staff", asked_by="staff.register", title="人员信息登记"
    )
    staff_no: str
    staff_count: int
    post_count: int | None = None
    start_date: str = ""
    end_date: str = ""
    by: str


class StaffChanged(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "staff.changed"
    TRAITS: ClassVar[Traits] = Traits(
        subject="staff", asked_by="staff.change", title="人员信息变更"
    )
    staff_no: str
    change_no: str
    start_date: str = ""
    staff_count: int | None = None
    post_count: int | None = None
    end_date: str = ""
    by: str


class CalendarDay(msgspec.Struct, frozen=True):
    """A day, and whether it is worked on."""

    date: str
    is_workday: bool


class CalendarSet(Event, frozen=True, kw_only=True):
    """工作日历: days that are told; all others are as their day of the week. ``binding``: what goes
    to the central bank is dated on a working day from then on, in each year of which a day is told;
    an earlier release's calendar did not bind."""

    TYPE: ClassVar[str] = "calendar.set"
    TRAITS: ClassVar[Traits] = Traits(subject=LEDGER, asked_by="calendar.set", title="工作日历")
    change_no: str
    days: tuple[CalendarDay, ...]
    binding: bool = False
    by: str


register(
    AgencyRegistered,
    AgencyChanged,
    AccountRegistered,
    AccountChanged,
    PayeeRegistered,
    PayeeChanged,
    CardRegistered,
    CardChanged,
    StandardRegistered,
    StandardChanged,
    StaffRegistered,
    StaffChanged,
    CalendarSet,
)
