"""What happens to the base data 基础信息 that years rest on: units.

Days are text, as the ministry writes them; "" where nothing was said. A change tells what is other
from a day on and nothing else, so that what is said later of an earlier day takes nothing back.
"""

from typing import ClassVar

from ledger.events import Event, Traits, register


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


register(AgencyRegistered, AgencyChanged)
