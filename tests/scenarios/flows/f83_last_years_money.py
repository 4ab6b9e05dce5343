"""跨年退款: money of last year's payment is asked for, and comes back in this year's books."""

from datetime import date

from tests.support.flows import YEAR, County
from tests.support.waiting import wait_until

FLOWS = (83,)
BEFORE = YEAR - 1


def scenario(county: County) -> None:
    county.open(units=False)
    this_year, last_year = county.http.ledger, county.year(BEFORE)
    county.http.ledger = last_year

    # of 1,000.00 of last year 600.00 were paid; in December 100.00 of it came back
    bgt_id = county.beside("1000.00", effective_on=f"{BEFORE}-01-10")
    pay_app_no = county.paid(bgt_id, "600.00", effective_on=f"{BEFORE}-12-20")
    county.http.returned(pay_app_no, "100.00", day=date(BEFORE, 12, 28))
    assert county.left(bgt_id) == "500.00"

    # a second person agrees that 450.00 are asked for, and not a fen above what is left
    asking = {"refund_no": county.number("TK"), "refund_amt": "450.00", "reason": "合同解除"}
    refunds = f"…/payments/{pay_app_no}/refunds"
    above = {**asking, "refund_no": county.number("TK"), "refund_amt": "500.01"}
    assert county.refused(refunds, above) == "refund_exceeds_paid"
    county.act(refunds, asking)

    # 以前年度退回: the bank's notice of this year answers it, and last year's books stand
    paid = county.balance("支付")
    back = county.http.returned(pay_app_no, "450.00", day=date(YEAR, 1, 20))
    [_, answered] = sorted(back["refunds"], key=lambda each: each["received_on"])
    assert (answered["refund_no"], answered["state"]) == (asking["refund_no"], "received")
    assert answered["booked_in"] == this_year
    assert (county.balance("支付"), county.left(bgt_id)) == (paid, "500.00")

    # no more comes back over both years than was paid
    over = county.http.notice_for(pay_app_no, "50.01", day=date(YEAR, 1, 21))
    assert county.http.deliver(over).json()["code"] == "refund_exceeds_paid"

    # this year has it, once: nothing was carried over yet, so the treasury has it 收回
    county.http.ledger = this_year
    [item] = wait_until(
        lambda: county.see("…/prior-returns")["items"], "the return to be booked this year"
    )
    assert (item["pay_app_no"], item["refund_amt"], item["bgt_id"]) == (pay_app_no, "450.00", "")
    assert item["effective_on"] == f"{YEAR}-01-20"
    claim = {"clear_no": county.number("QS"), "clear_date": f"{YEAR}-01-31", "pay_bank_code": "102"}
    claims = county.act("…/clearings", claim)["claims"]
    assert [(each["vt_code"], each["pay_amt"]) for each in claims] == [("2302", "450.00")]
