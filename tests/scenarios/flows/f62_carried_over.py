"""上年结转安排: what last year left goes back or on, and is paid this year, once."""

from tests.support.flows import YEAR, County
from tests.support.waiting import wait_until

FLOWS = (62,)
BEFORE = YEAR - 1


def scenario(county: County) -> None:
    county.open(units=False)
    this_year, last_year = county.http.ledger, county.year(BEFORE)
    county.http.ledger = last_year

    # of 1,000.00 that were issued last year nothing was paid; 200.00 of it are frozen
    bgt_id = county.beside("1000.00")
    freezing = {"freeze_no": county.number("DJ"), "amt": "200.00"}
    county.act(f"…/indicators/{bgt_id}/freezes", {**freezing, "effective_on": f"{BEFORE}-12-31"})
    assert county.refused("…/year-end:close", by="accountant") == "period_not_ready"
    county.act("…/periods:close", {"through": f"{BEFORE}-12-31"}, "accountant")
    standing = county.see("…/year-end")
    assert (standing["state"], standing["unspent_amt"]) == ("open", "1000.00")
    [left] = standing["unspent"]
    assert (left["number"], left["acts"]) == (bgt_id, ["year_end.carry_over"])

    # 收回 300.00, 结转 700.00: not a fen more than is left, and a second person agrees
    def item(carried: str, back: str) -> dict[str, str]:
        return {"bgt_id": bgt_id, "carryovers_amt": carried, "take_back_amt": back}

    def carry(*items: dict[str, str]) -> dict[str, object]:
        return {"carry_no": county.number("JZ"), "items": list(items)}

    too_much = carry(item("700.00", "300.01"))
    assert county.refused("…/year-end:carry-over", too_much, "accountant") == "exceeds_unspent"
    county.act("…/year-end:carry-over", carry(item("700.00", "300.00")), "accountant")
    assert (county.left(bgt_id), county.balance("结转")) == ("0.00", "700.00")

    # 年终关账: the year is closed for good, and the next one has what was carried over
    county.act("…/year-end:close", {}, "accountant")
    reopening = {"from": f"{BEFORE}-13", "reason": "漏记"}
    assert county.refused("…/periods:reopen", reopening, "accountant") == "period_closed"
    handed = wait_until(
        lambda: (found := county.see("…/year-end"))["state"] == "handed_over" and found,
        "the year to be handed over",
    )
    assert (handed["to_ledger"], handed["carryovers_amt"]) == (this_year, "700.00")
    assert county.balance("指标来源") == "0.00", "the book of indicators comes to nothing"

    county.http.ledger = this_year
    carried = county.see(f"…/indicators/JZ{BEFORE}-{bgt_id}")
    assert (carried["ori_bgt_id"], carried["canuse_amt"]) == (bgt_id, "700.00")
    assert carried["bgt_type_name"] == "上年结转"
    pays = county.payment(carried["bgt_id"], "700.01")
    assert county.refused("…/payments", pays) == "insufficient_indicator"
    county.paid(carried["bgt_id"], "700.00")
    assert county.left(carried["bgt_id"]) == "0.00"
