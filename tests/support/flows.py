"""A county for a flow of the treasury: its persons, its year, and acts as an official asks them.

Flows run one after the other on one server; each has a county of its own, so that none meets what
another has done. What waits for a second person is agreed to by whoever's turn it is.
"""

from collections.abc import Iterator
from copy import copy
from typing import Any

from ledger.elements import stored_code_sets
from tests.support.bookkeeper import ELEMENTS
from tests.support.http_server import HttpTreasury

SCHOOL, HOSPITAL = "101001", "102001"
YEAR = 2026
CODES = {
    name: ELEMENTS[name]
    for name in ("exp_func_code", "gov_bgt_eco_code", "dep_bgt_eco_code", "fund_type_code")
}
AGREE = {
    "treasury_checker": "checker",
    "accountant_checker": "accountant_checker",
    "security_officer": "officer",
}
CITY_ZEROS = "00000"  # behind the four digits of a city


def county_codes() -> Iterator[str]:
    """Counties of Guangdong, one for each flow."""
    for row in stored_code_sets.shipped().rows():
        own = row.element == "mof_div_code" and row.code.startswith("44")
        if own and row.code.endswith("000") and not row.code.endswith(CITY_ZEROS):
            yield row.code


class County:
    """A county without anything; ``…`` in a path is its year's ledger, ``~`` its standing data."""

    def __init__(self, http: HttpTreasury, code: str) -> None:
        self.http, self.code = copy(http), code
        self.http.ledger = f"{code}-{YEAR}"
        self._ceilings = 0

    # ---- asking

    def act(self, path: str, body: Any = None, by: str = "maker") -> Any:
        """What comes of an act that is accepted, by a second person too where it waits for one."""
        return self._agreed(path, self.http.post(self._place(path), body, by))

    def put(self, path: str, body: Any, by: str = "admin") -> Any:
        """The same of what is set as a whole."""
        return self._agreed(path, self.http.call("PUT", self._place(path), by, json=body))

    def _agreed(self, path: str, response: Any) -> Any:
        answer = self.http.ok(response)
        base = "~" if path.startswith("~") else "…"
        for role in answer.get("awaits", ()):
            place = f"{base}/documents/{answer['kind']}/{answer['number']}/approve"
            answer = self.http.ok(self.http.post(self._place(place), None, AGREE[role]))
        return answer

    def refused(self, path: str, body: Any = None, by: str = "maker") -> str:
        """The code with which an act is refused, at once or when the second person agrees."""
        answer = self.http.post(self._place(path), body, by)
        if answer.status_code == 202:
            waits = answer.json()
            base = "~" if path.startswith("~") else "…"
            place = f"{base}/documents/{waits['kind']}/{waits['number']}/approve"
            answer = self.http.post(self._place(place), None, AGREE[waits["awaits"][0]])
        assert answer.is_error, answer.text
        return str(answer.json()["code"])

    def see(self, path: str, by: str = "auditor", **query: Any) -> Any:
        return self.http.ok(self.http.get(self._place(path), by, **query))

    def _place(self, path: str) -> str:
        return path.replace("~", f"/v1/divisions/{self.code}", 1)

    def number(self, prefix: str) -> str:
        return self.http.number(prefix)

    # ---- the county

    def open(self, *, units: bool = True, **of_year: Any) -> "County":
        """The division, two departments with a unit each, and the year, as it is asked for."""
        opening = {"mof_div_code": self.code, "name": "样例县", "tier_code": "4"}
        answer = self.http.ok(self.http.post("/v1/divisions", opening, "admin"))
        place = f"~/documents/{answer['kind']}/{answer['number']}/approve"
        self.http.ok(self.http.post(self._place(place), None, "checker"))
        if units:
            for code, kind in (("101", "1"), ("102", "1")):
                self.unit(code, kind)
            self.unit(SCHOOL, "3", parent_agency_code="101")
            self.unit(HOSPITAL, "3", parent_agency_code="102")
        self.year(YEAR, **of_year)
        return self

    def year(self, year: int, **more: Any) -> str:
        body = {"mof_div_code": self.code, "fiscal_year": year, "name": f"样例县 {year}", **more}
        return str(self.http.ok(self.http.post("/v1/ledgers", body, "admin"))["ledger"])

    def unit(self, code: str, kind: str, **more: Any) -> Any:
        body = {"agency_code": code, "agency_name": f"样例单位{code}", "agency_type_code": kind}
        return self.act("~/agencies", {**body, **more}, "admin")

    def load(self, text: str) -> None:
        """代码集加载 of the county's own rows. Code sets are one register of all divisions, so who
        agrees to a load reaches all of them."""
        place = self._place("~/code-sets")
        answer = self.http.call("POST", place, "admin", content=text.encode())
        waits = self.http.ok(answer)
        if "checker_of_all" not in self.http.tokens:
            token = self.http.token("checker.of.all", "treasury_checker", division="")
            self.http.tokens["checker_of_all"] = token
        documents = "/v1/divisions/000000000/documents"
        approve = f"{documents}/{waits['kind']}/{waits['number']}/approve"
        self.http.ok(self.http.post(approve, None, "checker_of_all"))

    # ---- projects and the budget

    def report_project(self, amt: str, **more: Any) -> str:
        """申报: a project of the school, of this year alone."""
        serial = self.number("")[1:]
        body = {
            "pro_code": f"{self.code[:6]}26{serial:0>13}",
            "pro_name": "教学楼修缮",
            "agency_code": SCHOOL,
            "pro_cat_code": "22",
            "pro_total_amt": amt,
            "pro_start_year": YEAR,
            "pro_term": 1,
            "years": [{"fiscal_year": YEAR, "amt": amt}],
            **more,
        }
        self.act("~/projects", body, "unit")
        return str(body["pro_code"])

    def project(self, amt: str, **more: Any) -> str:
        """申报, 部门审核, 财政入库."""
        pro_code = self.report_project(amt, **more)
        self.act(f"~/projects/{pro_code}/check", by="unit_checker")
        self.act(f"~/projects/{pro_code}/store", by="checker")
        return pro_code

    def ceiling(self, amt: str, agency_code: str = SCHOOL, **more: Any) -> Any:
        body = {
            "ceiling_no": self.number("KZ"),
            "agency_code": agency_code,
            "fund_type_code": "111",
            "pro_cat_code": "22",
            "amt": amt,
        }
        return self.act("…/ceilings", {**body, **more})

    def draft_body(
        self, pro_code: str, *amounts: str, of_round: int = 2, **codes: Any
    ) -> dict[str, Any]:
        """A draft of rows that are numbered from 0 behind the code of their project."""
        agency_code = codes.pop("agency_code", SCHOOL)
        income = codes.pop("income", [])
        rows = [
            {"bgt_pman_id": f"{pro_code}-{n}", "pro_code": pro_code, **CODES, **codes, "amt": amt}
            for n, amt in enumerate(amounts)
        ]
        return {
            "draft_no": self.number("YS"),
            "agency_code": agency_code,
            "round": of_round,
            "rows": rows,
            "income": income,
        }

    def draft(self, pro_code: str, *amounts: str, **more: Any) -> str:
        """编报."""
        body = self.draft_body(pro_code, *amounts, **more)
        self.act("…/budget-drafts", body, "unit")
        return str(body["draft_no"])

    def submitted(self, pro_code: str, *amounts: str, **more: Any) -> str:
        draft_no = self.draft(pro_code, *amounts, **more)
        self.act(f"…/budget-drafts/{draft_no}/submit", by="unit")
        return draft_no

    def checked(self, draft_no: str) -> str:
        """By the department and the treasury."""
        self.act(f"…/budget-drafts/{draft_no}/check", by="unit_checker")
        self.act(f"…/budget-drafts/{draft_no}/check", by="checker")
        return draft_no

    def approval(self, *draft_nos: str) -> dict[str, Any]:
        return {
            "approve_doc_no": self.number("PF"),
            "approved_on": f"{YEAR}-01-20",
            "draft_nos": list(draft_nos),
        }

    def budget(self, *amounts: str, planned: str = "", **codes: Any) -> str:
        """An approved row for each amount, within ceilings that are wide; gives the project."""
        agency_code = codes.get("agency_code", SCHOOL)
        pro_code = self.project(planned or amounts[0], agency_code=agency_code)
        self.ceiling("99999999.00", agency_code)
        draft_no = self.checked(self.submitted(pro_code, *amounts, **codes))
        self.act("…/budget-approvals", self.approval(draft_no))
        return pro_code

    def row(self, pro_code: str, nth: int = 0, **query: Any) -> Any:
        return self.see(f"…/budget-rows/{pro_code}-{nth}", **query)

    # ---- indicators and payments

    def indicator_body(self, pro_code: str, amount: str, nth: int = 0, **more: Any) -> Any:
        return {
            **ELEMENTS,
            "bgt_id": self.number("ZB"),
            "bgt_pman_id": f"{pro_code}-{nth}",
            "pro_code": pro_code,
            "amount": amount,
            **more,
        }

    def issue(self, pro_code: str, amount: str, nth: int = 0, **more: Any) -> str:
        """指标下达 of a row."""
        body = self.indicator_body(pro_code, amount, nth, **more)
        self.act("…/indicators", body)
        return str(body["bgt_id"])

    def beside(self, amount: str, **more: Any) -> str:
        """An indicator of no row: before the budget is approved."""
        body = {**ELEMENTS, "bgt_id": self.number("ZB"), "amount": amount, **more}
        self.act("…/indicators", body)
        return str(body["bgt_id"])

    def left(self, bgt_id: str) -> str:
        """可用指标."""
        return str(self.see(f"…/indicators/{bgt_id}")["canuse_amt"])

    def balance(self, name: str, book: str = "indicator") -> str:
        """What an account of a book stands at."""
        accounts = self.see(f"…/trial-balance?book={book}")["accounts"]
        found = [each["closing"] for each in accounts if each["acct_cls_name"] == name]
        return str(found[0]) if found else "0.00"

    def paid(self, bgt_id: str, amount: str, **more: Any) -> str:
        return self.http.paid(bgt_id, amount, **more)

    def payment(self, bgt_id: str, amount: str, **more: Any) -> dict[str, Any]:
        return self.http.payment(bgt_id, amount, **more)
