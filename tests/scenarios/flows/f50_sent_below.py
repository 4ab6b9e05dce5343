"""对下转移支付预算、下达: a city budgets for its county, sends it, and the county allots it."""

from tests.support.bookkeeper import ELEMENTS
from tests.support.flows import County
from tests.support.waiting import wait_until

FLOWS = (18, 41, 50)
BELOW = {"exp_func_code": "23003", "gov_bgt_eco_code": "51301", "dep_bgt_eco_code": ""}
TRACKED = {"is_dir_code": "01", "track_pro_code": "ZDXM1"}


def scenario(county: County) -> None:
    county.open()
    city = city_of(county)
    pro_code = city.budget("3000000.00", **BELOW)
    document = city.number("样财预")
    body = {
        "transfer_no": city.number("ZY"),
        "rec_div_code": county.code,
        "bgt_doc_no": document,
        "bgt_pman_id": f"{pro_code}-0",
        "tp_func_code": "23003",
        "fund_type_code": "111",
        "amt": "1000000.00",
        **TRACKED,
    }
    assert city.refused("…/transfers", {**body, "amt": "3000000.01"}) == "insufficient_budget"
    assert city.act("…/transfers", body)["status"] == "issued"
    assert city.row(pro_code)["rest_amt"] == "2000000.00"
    assert city.balance("支出指标—转移支付") == "1000000.00"

    def received() -> list[dict[str, str]]:
        items: list[dict[str, str]] = county.see("…/transfers/received")["items"]
        return items

    wait_until(lambda: received() != [])
    assert balance(city, county) == ("1000000.00", "0.00", "1000000.00")
    assert county.balance("支出预算") == "1000000.00"
    own = {**ELEMENTS, "sup_bgt_doc_no": document, "amount": "1000000.00"}
    indicator = {**own, **TRACKED, "bgt_id": county.number("ZB")}
    assert county.refused("…/indicators", indicator) == "invalid_state"
    accepting = f"…/transfers/received/{document}/accept"
    assert county.act(accepting, {"rec_no": county.number("JS")})["status"] == "accepted"
    assert balance(city, county) == ("1000000.00", "1000000.00", "0.00")

    assert county.refused("…/indicators", {**own, "bgt_id": "x"}) == "element_mismatch"
    county.act("…/indicators", indicator)
    one_fen = {**indicator, "bgt_id": county.number("ZB"), "amount": "0.01"}
    assert county.refused("…/indicators", one_fen) == "insufficient_budget"
    assert county.see(f"…/transfers/received/{document}")["rest_amt"] == "0.00"
    wait_until(lambda: city.see(f"…/transfers/{body['transfer_no']}")["status"] == "accepted")


def city_of(county: County) -> County:
    """The city of the county, opened by whichever of its counties' flows comes first."""
    city = County(county.http, f"{county.code[:4]}00000")
    known = county.http.get("/v1/ledgers", "auditor", page_size="1000")
    ledgers = {each["ledger"] for each in county.http.ok(known)["items"]}
    return city if city.http.ledger in ledgers else city.open()


def balance(sender: County, to: County) -> tuple[str, str, str]:
    asked = {"from": sender.http.ledger, "to": to.http.ledger}
    told = sender.http.ok(sender.http.get("/v1/transfers/balance", "auditor", **asked))
    return told["sent_amt"], told["accepted_amt"], told["in_transit_amt"]
