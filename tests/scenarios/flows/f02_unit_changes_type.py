"""单位变更: an institution becomes an office in June; each outlay is booked by what it was then."""

from datetime import date

from tests.support.flows import SCHOOL, County

FLOWS = (2,)
PENSION = {
    "exp_func_code": "2080502",
    "gov_bgt_eco_code": "50905",
    "dep_bgt_eco_code": "30302",
}


def scenario(county: County) -> None:
    county.open()
    bgt_id = county.beside("5000.00", **PENSION, effective_on="2026-01-05")
    may, june = date(2026, 5, 29), date(2026, 6, 1)
    before = _paid(county, bgt_id, "1000.00", may)
    at = county.see("~/agencies/" + SCHOOL)
    assert at["agency_type_code"] == "3"
    change = {"change_no": "DW-1", "start_date": june.isoformat(), "agency_type_code": "1"}
    county.act(f"~/agencies/{SCHOOL}/changes", change, "admin")
    _paid(county, bgt_id, "30.00", may)
    _paid(county, bgt_id, "200.00", june)
    booked = {name: county.balance(name, "unit_budgetary") for name in ("事业支出", "行政支出")}
    assert booked == {"事业支出": "1030.00", "行政支出": "200.00"}
    # money of May that comes back in June leaves the account to which it was booked
    county.http.returned(before, "400.00", day=june)
    booked = {name: county.balance(name, "unit_budgetary") for name in ("事业支出", "行政支出")}
    assert booked == {"事业支出": "630.00", "行政支出": "200.00"}
    # and the register says of each day what the unit was
    days = {"2026-05-31": "3", "2026-06-01": "1"}
    for day, kind in days.items():
        assert county.see(f"~/agencies/{SCHOOL}", as_of_effective=day)["agency_type_code"] == kind


def _paid(county: County, bgt_id: str, amount: str, day: date) -> str:
    number = county.http.signed(bgt_id, amount, effective_on=day.isoformat())
    receipt = county.http.receipt_for(number, day=day)
    county.http.ok(county.http.deliver(receipt))
    return number
