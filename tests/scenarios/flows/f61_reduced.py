"""转移支付调减、退回: a city takes back what its county has not allotted; a document goes back."""

from tests.scenarios.flows.f50_sent_below import BELOW, balance, city_of
from tests.support.bookkeeper import ELEMENTS
from tests.support.flows import County
from tests.support.waiting import wait_until

FLOWS = (61,)


def scenario(county: County) -> None:
    county.open()
    city = city_of(county)
    pro_code = city.budget("1000000.00", **BELOW)
    kept, returned = (sent(city, county, pro_code, amt) for amt in ("700.00", "300.00"))
    of_county = "…/transfers/received"
    wait_until(lambda: len(county.see(of_county)["items"]) == 2)
    for document in (kept, returned):
        county.act(f"{of_county}/{document}/accept", {"rec_no": county.number("JS")})
    indicator = {**ELEMENTS, "sup_bgt_doc_no": kept, "bgt_id": county.number("ZB")}
    county.act("…/indicators", {**indicator, "amount": "500.00"})

    transfer_no = next(
        each["transfer_no"]
        for each in city.see("…/transfers")["items"]
        if each["bgt_doc_no"] == kept
    )
    reduce = {"reduce_no": city.number("TJ"), "amt": "200.01", "reason": "项目核减"}
    place = f"…/transfers/{transfer_no}"
    assert city.refused(f"{place}/reduce", reduce) == "transfer_allotted"
    city.act(f"{place}/reduce", {**reduce, "amt": "200.00"})
    wait_until(lambda: city.see(place)["reductions"][0]["state"] == "reduced")
    assert county.see(f"{of_county}/{kept}")["rest_amt"] == "0.00"

    giving_back = {"return_no": county.number("TH"), "reason": "项目取消"}
    assert county.refused(f"{of_county}/{kept}/return", giving_back) == "transfer_allotted"
    answer = county.act(f"{of_county}/{returned}/return", giving_back)
    assert answer["status"] == "returned"
    wait_until(lambda: balance(city, county) == ("500.00", "500.00", "0.00"))
    assert city.row(pro_code)["rest_amt"] == "999500.00"
    assert county.balance("支出预算") == "0.00"


def sent(city: County, county: County, pro_code: str, amt: str) -> str:
    """The document by which it is known there."""
    body = {
        "transfer_no": city.number("ZY"),
        "rec_div_code": county.code,
        "bgt_doc_no": city.number("样财预"),
        "bgt_pman_id": f"{pro_code}-0",
        "tp_func_code": "23003",
        "fund_type_code": "111",
        "amt": amt,
    }
    city.act("…/transfers", body)
    return str(body["bgt_doc_no"])
