"""提前下达: an indicator of the next year is dated ahead, and pays nothing before its day."""

from tests.support.flows import County

FLOWS = (42,)


def scenario(county: County) -> None:
    county.open()
    county.http.ledger = county.year(2027)
    document = {"sup_bgt_doc_no": "财预〔2026〕99号", "effective_on": "2027-01-01"}
    bgt_id = county.beside("1000.00", **document)
    assert county.see(f"…/indicators/{bgt_id}")["amount"] == "1000.00"
    assert county.see(f"…/indicators/{bgt_id}", as_of_effective="2027-01-01")["amount"] == "1000.00"
    on_its_day = county.payment(bgt_id, "1.00", effective_on="2027-01-04")
    assert county.refused("…/payments", on_its_day) == "future_date"
    left_out = county.payment(bgt_id, "1.00")
    assert county.refused("…/payments", left_out) == "future_date", "its first day is to come"
