"""区划和年度建立: a county is opened in its province's register, then its year."""

from tests.support.flows import County

FLOWS = (1,)


def scenario(county: County) -> None:
    # a year may be opened before the division: then its units are what the code sets say
    body = {"mof_div_code": "441399000", "fiscal_year": 2026, "name": "没有的县"}
    assert county.refused("/v1/ledgers", body, "admin") == "element_invalid"
    county.open(units=False)
    shown = county.see("~")
    assert (shown["name"], shown["is_standing"]) == ("样例县", True)
    opened = county.see("/v1/ledgers/" + county.http.ledger)
    assert opened["ledger"] == f"{county.code}-2026"
    # once only, and the next year has a ledger of its own
    assert county.year(2026) == opened["ledger"], "told again, it is the same"
    assert county.year(2027) == f"{county.code}-2027"
    # 工作日历: a Saturday that is worked in
    days = [{"date": "2026-02-14", "is_workday": True}]
    county.put("~/calendar", {"change_no": "RL-1", "days": days})
    [told] = [each for each in county.see("~/calendar")["days"] if each["is_told"]]
    assert told["date"] == "2026-02-14"
