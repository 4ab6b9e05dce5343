"""单位新增, 变更, 撤并: a unit is merged into another with a live indicator."""

from tests.support.flows import HOSPITAL, SCHOOL, County

FLOWS = (2,)


def scenario(county: County) -> None:
    county.open()
    bgt_id = county.beside("1000.00", effective_on="2026-01-05")
    under_way = county.http.applied(bgt_id, "100.00", effective_on="2026-05-29")
    # the school ends in June; the hospital goes on with its business
    end = {"change_no": "CB-1", "end_date": "2026-06-01", "successor_agency_code": HOSPITAL}
    county.act(f"~/agencies/{SCHOOL}/changes", end, "admin")
    # nothing more is issued to it or applied for, what is under way comes to its end
    late = county.payment(bgt_id, "1.00", effective_on="2026-06-01")
    assert county.refused("…/payments", late) == "element_invalid"
    county.act(f"…/payments/{under_way}/approve", by="checker")
    # what is left goes to an indicator of the successor, and not a fen more
    successor = county.beside("1.00", agency_code=HOSPITAL)
    moving = {"to_bgt_id": successor, "reason": "撤并"}
    place = f"…/indicators/{bgt_id}/reallocations"
    over = {**moving, "adj_no": "CB-2", "amt": "900.01"}
    assert county.refused(place, over) == "insufficient_indicator"
    county.act(place, {**moving, "adj_no": "CB-3", "amt": "900.00"})
    assert (county.left(bgt_id), county.left(successor)) == ("0.00", "901.00")
