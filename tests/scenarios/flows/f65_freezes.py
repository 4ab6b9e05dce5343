"""冻结和解冻: of 1,000.00, 400.00 are frozen; 600.01 cannot be paid, 400.01 not be set free."""

from tests.support.flows import County

FLOWS = (65,)


def scenario(county: County) -> None:
    county.open()
    bgt_id = county.issue(county.budget("1000.00"), "1000.00")
    place = f"…/indicators/{bgt_id}"
    county.act(f"{place}/freezes", {"freeze_no": "DJ-1", "amt": "400.00"})
    over = county.payment(bgt_id, "600.01")
    assert county.refused("…/payments", over) == "insufficient_indicator"
    free = {"freeze_no": "JD-1", "amt": "400.01"}
    assert county.refused(f"{place}/unfreezes", free) == "insufficient_indicator"
    assert county.left(bgt_id) == "600.00"
    county.act(f"{place}/unfreezes", {"freeze_no": "JD-2", "amt": "400.00"})
    assert county.left(bgt_id) == "1000.00"
