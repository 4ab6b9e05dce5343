"""更正: what was paid and claimed under one function is another one's, and both banks are told."""

from datetime import date

from tests.support.flows import YEAR, County
from tests.support.http_tellings import telling_answered

FLOWS = (82,)
DAY = date(YEAR, 1, 30)


def scenario(county: County) -> None:
    county.open()
    http = county.http
    paid_from = county.beside("10000.00", effective_on=f"{YEAR}-01-05")
    due_from = county.beside("10000.00", effective_on=f"{YEAR}-01-05", exp_func_code="2010103")
    pay_app_no = county.paid(paid_from, "6000.00", effective_on=f"{DAY}")
    claim = {"clear_no": county.number("QS"), "clear_date": f"{DAY}", "pay_bank_code": "102"}
    county.act("…/clearings", claim)

    # 0.01 more than was paid is refused; of 4,000.00 a second person agrees that they are 2010103's
    asked = {"pay_app_no": pay_app_no, "to_bgt_id": due_from, "reason": "功能科目用错"}
    above = {**asked, "cor_no": county.number("GZ"), "amt": "6000.01"}
    assert county.refused("…/corrections", above, "accountant") == "correction_exceeds_paid"
    cor_no = county.number("GZ")
    made = county.act("…/corrections", {**asked, "cor_no": cor_no, "amt": "4000.00"}, "accountant")
    assert [(each["vt_code"], each["amt"]) for each in made["messages"]] == [
        ("5253", "4000.00"),
        ("5351", "4000.00"),
    ]
    assert (county.left(paid_from), county.left(due_from)) == ("8000.00", "6000.00")

    # 调整失败: the central bank declines; nothing else is corrected, and then it is taken back
    assert telling_answered(http, f"{cor_no}-5253", "bank/102") == "created"
    assert telling_answered(http, f"{cor_no}-5351", "pboc/1", "原凭证科目不符") == "created"
    more = {**asked, "cor_no": county.number("GZ"), "amt": "1.00"}
    assert county.refused("…/corrections", more, "accountant") == "invalid_state"
    back_no = county.number("GZ")
    back = {"cor_no": back_no, "from_bgt_id": due_from, "to_bgt_id": paid_from, "undoes": cor_no}
    said = {**asked, **back, "amt": "4000.00"}
    undone = county.act("…/corrections", said, "accountant")
    assert [each["vt_code"] for each in undone["messages"]] == ["5253"], "it had adjusted it"
    assert telling_answered(http, f"{back_no}-5253", "bank/102") == "created"
    assert (county.left(paid_from), county.left(due_from)) == ("4000.00", "10000.00")
