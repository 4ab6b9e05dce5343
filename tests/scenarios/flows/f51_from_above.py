"""上级转移支付接收登记: what came from above is issued by its document."""

from tests.support.flows import County

FLOWS = (51,)


def scenario(county: County) -> None:
    county.open()
    county.budget("100.00")
    from tests.support.bookkeeper import ELEMENTS

    body = {**ELEMENTS, "bgt_id": county.number("ZB"), "amount": "500.00"}
    assert county.refused("…/indicators", body) == "insufficient_budget"
    told = {
        "sup_bgt_doc_no": "粤财预〔2026〕8号",
        "source_type_code": "2",
        "budget_level_code": "2",
    }
    county.act("…/indicators", {**body, **told})
    shown = county.see(f"…/indicators/{body['bgt_id']}")
    assert shown["sup_bgt_doc_no"] == "粤财预〔2026〕8号"
    assert county.balance("指标来源") == "600.00", "the own budget, and what came from above"
