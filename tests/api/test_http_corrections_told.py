"""Corrections of what is claimed, over HTTP: what banks were told is shown, and told again."""

from ledger.account_set import parse_ledger
from ledger.reading.objects import read_objects
from payments.corrections.telling import TELLING
from payments.messages import adjustments
from payments.messages.envelope import RECEIPT, VoucherBody
from payments.signing.tellings import adjustment
from tests.support.http_server import HttpTreasury, http

__all__ = ["http"]

DECLINED = "原凭证科目不符"


def answered(http: HttpTreasury, tell_no: str, by: str, declined: str = "", of: str = "") -> str:
    """What becomes of a bank's signed answer; ``of`` is what it says of which voucher it is."""
    key = parse_ledger(http.ledger)
    with http.treasury.pool.connection() as connection:
        told = read_objects(connection, key, TELLING, [tell_no])[tell_no].ordered
    due = adjustment(key, told)
    form = adjustments.answer(due, due.vou_date, declined)
    if of:
        form = form.replace(due.original_voucher_no.encode(), of.encode())
    body = VoucherBody(
        adm_div_code=due.adm_div_code,
        st_year=due.st_year,
        vt_code=due.vt_code,
        voucher_no=due.voucher_no,
        voucher_flag=RECEIPT,
        voucher=form,
    )
    answer = http.deliver(http.message_of(body, by)).json()
    return str(answer.get("code") or answer["results"][0]["status"])


def test_what_banks_were_told_is_shown_and_told_again(http: HttpTreasury) -> None:
    supplies = http.indicator("20000.00")
    service = http.indicator("20000.00", exp_func_code="2010103")
    number = http.paid(supplies, "100.00")
    day = http.ok(http.get(f"…/payments/{number}"))["receipt"]["xpay_date"]
    claim = {"clear_no": http.number("C"), "clear_date": day, "pay_bank_code": "102"}
    http.ok(http.post("…/clearings", claim))
    cor_no = http.number("G")
    body = {"cor_no": cor_no, "pay_app_no": number, "to_bgt_id": service, "amt": "40.00"}
    made = http.ok(http.post("…/corrections", {**body, "reason": "功能科目用错"}, "accountant"))
    told = [(each["tell_no"], each["state"], each["amt"]) for each in made["messages"]]
    bank, central_bank = f"{cor_no}-5253", f"{cor_no}-5351"
    assert told == [(bank, "told", "40.00"), (central_bank, "told", "40.00")]

    assert answered(http, bank, "bank/103") == "signature_invalid"
    assert answered(http, bank, "bank/102", of="9" * 20) == "receipt_mismatch"
    assert answered(http, bank, "bank/102") == "created"
    assert answered(http, central_bank, "pboc/1", DECLINED) == "created"
    path = f"…/correction-messages/{central_bank}/tell"
    again = http.ok(http.post(path, {"tell_no": f"{cor_no}-A"}, "accountant"))
    assert (again["state"], again["amt"]) == ("told", "40.00")
    assert http.post(path, {"tell_no": f"{cor_no}-B"}, "accountant").json()["code"] == (
        "invalid_state"
    )
    shown = http.ok(http.get(f"…/corrections/{cor_no}"))["messages"]
    assert [(each["state"], each["reason"], each["settled_by"]) for each in shown] == [
        ("confirmed", "", ""),
        ("settled", DECLINED, f"{cor_no}-A"),
        ("told", "", ""),
    ]
