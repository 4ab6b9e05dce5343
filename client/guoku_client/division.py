"""What outlives a year 基础信息: the units, persons and the rest of a division."""

from collections.abc import Callable
from typing import Any

from guoku_client.asked import DocumentName
from guoku_client.call import Answer, Call, Many, acting, asking, json_of, path_of, reader
from guoku_client.paging import PAGE_ITEMS, listed
from guoku_client.shown import Agency, DocumentRow, Person, Submitted

_agency: Callable[[Answer], Agency | Submitted] = reader(Agency, Submitted)
_person: Callable[[Answer], Person | Submitted] = reader(Person, Submitted)


class Division:
    """The calls of a division, by its code: ``440000000``.

    What is registered waits for another person unless the division's policy says otherwise.
    """

    def __init__(self, mof_div_code: str) -> None:
        self.mof_div_code = mof_div_code

    def path(self, *parts: str) -> str:
        return path_of("divisions", self.mof_div_code, *parts)

    def get(self, *parts: str, **query: Any) -> Call[dict[str, Any]]:
        """``GET …/parts`` as JSON: ``get("accounts", "2000000000")``."""
        return asking(self.path(*parts), json_of, **query)

    def post(self, *parts: str, body: object, method: str = "POST") -> Call[dict[str, Any]]:
        """An act as JSON."""
        return acting(self.path(*parts), json_of, body, method)

    # ---- units 单位

    def agencies(self, page_size: int = PAGE_ITEMS, **moment: Any) -> Many[Agency]:
        return listed(self.path("agencies"), Agency, moment, page_size)

    def agency(self, agency_code: str, **moment: Any) -> Call[Agency]:
        """As it is, or ``as_of_position=``, ``as_of_recorded=``, ``as_of_effective=``."""
        return asking(self.path("agencies", agency_code), reader(Agency), **moment)

    def register_agency(
        self, agency_code: str, agency_name: str, agency_type_code: str, **further: Any
    ) -> Call[Agency | Submitted]:
        """``further``: ``parent_agency_code``, ``pay_bank_code``, ``start_date``, ``end_date``."""
        named = {"agency_code": agency_code, "agency_name": agency_name}
        body = {**named, "agency_type_code": agency_type_code, **further}
        return acting(self.path("agencies"), _agency, body)

    # ---- persons 人员

    def persons(self, page_size: int = PAGE_ITEMS) -> Many[Person]:
        return listed(self.path("persons"), Person, {}, page_size)

    def register_person(
        self, principal: str, roles: tuple[str, ...], **further: Any
    ) -> Call[Person | Submitted]:
        """``further``: ``name``, ``agency_prefixes``, ``valid_until``."""
        return acting(
            self.path("persons"), _person, {"principal": principal, "roles": roles, **further}
        )

    # ---- documents 单据 that wait for other persons

    def documents(self, page_size: int = PAGE_ITEMS, **filters: Any) -> Many[DocumentRow]:
        """``state=``, ``kind=``, ``mine=True``."""
        return listed(self.path("documents"), DocumentRow, filters, page_size)

    def agree(self, document: DocumentName) -> Call[dict[str, Any]]:
        """同意; answered as the act itself would be, once nobody else is awaited."""
        path = self.path("documents", document.kind, document.number, "approve")
        return acting(path, json_of, {})

    def give_back(self, document: DocumentName, reason: str) -> Call[dict[str, Any]]:
        """退回."""
        path = self.path("documents", document.kind, document.number, "return")
        return acting(path, json_of, {"reason": reason})
