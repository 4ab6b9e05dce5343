"""批复前支出 (预算法 §54): indicators stand beside the budget until it is approved."""

from tests.support.flows import County

FLOWS = (67,)


def scenario(county: County) -> None:
    county.open()
    advance = county.beside("50.00")
    county.paid(advance, "20.00")
    county.budget("1000.00")
    from tests.support.bookkeeper import ELEMENTS

    late = {**ELEMENTS, "bgt_id": county.number("ZB"), "amount": "1.00"}
    assert county.refused("…/indicators", late) == "insufficient_budget"
    county.paid(advance, "30.00")
    assert county.left(advance) == "0.00"
