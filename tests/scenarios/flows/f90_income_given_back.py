"""收入退付、更正、调库: taxes paid twice go back; a fine was told as a tax; some goes on."""

from datetime import date
from typing import Any

from accounting.income_orders import INCOME_CORRECTION, INCOME_REFUND
from tests.support.bookkeeper import PAYEE
from tests.support.flows import County
from tests.support.http_orders import order_answered, refund_returned

FLOWS = (90, 91)
JANUARY_15, JANUARY_16, JANUARY_19 = "2026-01-15", "2026-01-16", "2026-01-19"
VAT = {"inc_sort_code": "10101", "fund_type_code": "111"}
FINES = {"inc_sort_code": "10305", "fund_type_code": "111"}


def scenario(county: County) -> None:
    county.open()
    treasury = f"{county.code}0"

    def report(number: str, day: str, *lines: dict[str, Any]) -> Any:
        said = {"report_no": number, "report_date": day, "tre_code": treasury}
        return county.act("…/income-reports", {**said, "lines": list(lines)}, "accountant")

    def books() -> tuple[str, str, str]:
        rows = county.see("…/trial-balance")["accounts"]
        closing = {each["acct_cls_name"]: each["closing"] for each in rows}
        return closing["税收收入"], closing["非税收入"], closing["国库存款"]

    report("SR-0115", JANUARY_15, {**VAT, "amt": "1000.00"}, {**FINES, "amt": "50.00"})
    # 退付: ordered by one accountant, agreed to by another; nothing moves before the central bank
    order = {"inc_refund_no": "TF-1", **VAT, "amt": "300.00", "reason": "误缴", **PAYEE}
    order["effective_on"] = JANUARY_16
    over = {**order, "inc_refund_no": "TF-0", "amt": "1000.01"}
    assert county.refused("…/income-refunds", over, "accountant") == "exceeds_received"
    ordered = county.act("…/income-refunds", order, "accountant")
    assert (ordered["status"], ordered["tre_code"]) == ("ordered", treasury)
    assert books() == ("1000.00", "50.00", "1050.00")
    assert county.see("…/cash")["accounts"][0]["claimed"] == "300.00"
    # its receipt 5209 books it as negative income
    assert order_answered(county.http, INCOME_REFUND, "TF-1") == "created"
    assert books() == ("700.00", "50.00", "750.00")
    # a part comes back to the treasury (3210): the payer's account is closed
    notice = (ordered["voucher_no"], "3210-1", 100_00, date(2026, 1, 16))
    assert refund_returned(county.http, *notice) == "created"
    [shown] = county.see("…/income-refunds")["items"]
    assert (shown["status"], shown["returned_amt"]) == ("paid", "100.00")
    # 更正: 200.00 of the tax was a fine; the central bank corrects its books by a 5407
    to = {"to_inc_sort_code": "10305", "to_fund_type_code": "111"}
    said = {"inc_cor_no": "SG-1", **VAT, **to, "amt": "200.00", "reason": "科目用错"}
    said["effective_on"] = JANUARY_16
    county.act("…/income-corrections", said, "accountant")
    assert order_answered(county.http, INCOME_CORRECTION, "SG-1") == "created"
    assert county.see("…/income-corrections/SG-1")["status"] == "corrected"
    assert books() == ("600.00", "250.00", "850.00")
    # that day's report says all of it, and 10.00 that came: only these are booked
    report("SR-0116", JANUARY_16, {**VAT, "amt": "-390.00"}, {**FINES, "amt": "200.00"})
    assert books() == ("610.00", "250.00", "860.00")
    # a receipt behind the report of its day finds its money booked
    late = {**order, "inc_refund_no": "TF-2", "amt": "10.00"}
    county.act("…/income-refunds", late, "accountant")
    assert order_answered(county.http, INCOME_REFUND, "TF-2") == "created"
    assert county.see("…/income-refunds/TF-2")["is_reported"]
    assert books() == ("610.00", "250.00", "860.00")
    # what the central bank will not do is free again
    county.act("…/income-refunds", {**order, "inc_refund_no": "TF-3"}, "accountant")
    assert order_answered(county.http, INCOME_REFUND, "TF-3", paid=False) == "created"
    assert county.see("…/income-refunds/TF-3")["status"] == "rejected"
    assert county.see("…/cash")["accounts"][0]["free"] == "860.00"
    # 退库更正: 50.00 of what was given back was a fine; no cash moves
    monday = {**VAT, "reason": "科目用错", "effective_on": JANUARY_19}
    of_refund = {**monday, **to, "inc_cor_no": "SG-2", "inc_refund_no": "TF-1", "amt": "200.01"}
    assert county.refused("…/income-corrections", of_refund, "accountant") == (
        "correction_exceeds_paid"
    )
    county.act("…/income-corrections", {**of_refund, "amt": "50.00"}, "accountant")
    assert order_answered(county.http, INCOME_CORRECTION, "SG-2") == "created"
    assert books() == ("660.00", "200.00", "860.00")
    # 调库: 60.00 of the tax was another county's, and goes to its treasury
    same = {"to_inc_sort_code": "10101", "to_fund_type_code": "111"}
    moved = {**monday, **same, "inc_cor_no": "DK-1", "to_tre_code": "4412820000", "amt": "60.00"}
    county.act("…/income-corrections", moved, "accountant")
    assert county.see("…/cash")["accounts"][0]["claimed"] == "60.00"
    assert order_answered(county.http, INCOME_CORRECTION, "DK-1") == "created"
    assert books() == ("600.00", "200.00", "800.00")
    assert county.see("…/cash")["accounts"][0]["free"] == "800.00"
