"""What is read over HTTP: objects now and as of a moment, lists in pages, books, history."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

import json
import threading
from datetime import UTC, datetime

import pytest

from ledger.account_set import parse_ledger
from ledger.integrity.chain import event_digest, microseconds
from ledger.postgres.database import Database
from payments.messages.envelope import parse_envelope
from tests.support.http_server import HttpTreasury, http, http_treasury_on

DETAIL = {"payee_acct_name": "甲", "payee_acct_no": "622200", "payee_acct_bank_name": "样例银行"}
TWO_LINES = [
    {**DETAIL, "pay_detail_id": "d1", "pay_amt": "150.00"},
    {**DETAIL, "pay_detail_id": "d2", "pay_amt": "50.00", "iden_no": "440101200001010000"},
]

FEBRUARY_1 = "2026-02-01"


def test_a_payment_from_application_to_refund(http: HttpTreasury) -> None:
    bgt_id = http.indicator("1000.00")
    number = http.signed(bgt_id, "200.00", details=TWO_LINES, payee_acct_name="")
    message = http.receipt_for(number, "d2")
    taken, again = http.deliver(message), http.deliver(message)
    assert (taken.status_code, again.status_code) == (200, 200)
    assert again.json()["results"][0]["status"] == "replayed"
    payment = http.get(f"…/payments/{number}").json()
    assert (payment["status"], payment["xpay_amt"]) == ("partially_paid", "150.00")
    outcomes = [(d["pay_detail_id"], d["xpay_amt"], d["xadd_word"]) for d in payment["details"]]
    assert outcomes == [("d1", "150.00", ""), ("d2", "0.00", "账号户名不符")]
    assert http.figures(bgt_id)["canuse_amt"] == "850.00"
    refund = {"refund_no": http.number("R"), "refund_amt": "150.01", "reason": "收款人退回"}
    answer = http.post(f"…/payments/{number}/refunds", refund)
    assert (answer.status_code, answer.json()["code"]) == (422, "refund_exceeds_paid")
    refund = {**refund, "refund_no": http.number("R"), "refund_amt": "50.00"}
    asked = http.ok(http.post(f"…/payments/{number}/refunds", refund))
    assert (asked["refund_amt"], asked["indicator"]["canuse_amt"]) == ("0.00", "850.00")
    refunded = http.returned(number, "50.00", "d1")
    assert (refunded["refund_amt"], refunded["indicator"]["canuse_amt"]) == ("50.00", "900.00")


def test_voucher_and_receipt_are_what_travelled(http: HttpTreasury) -> None:
    bgt_id = http.indicator()
    waiting = http.applied(bgt_id)
    assert http.get(f"…/payments/{waiting}/voucher").json()["code"] == "invalid_state"
    number = http.signed(bgt_id)
    voucher = http.get(f"…/payments/{number}/voucher")
    assert voucher.headers["content-type"] == "application/xml; charset=GBK"
    [body] = parse_envelope(voucher.content)
    payment = http.get(f"…/payments/{number}").json()
    assert http.treasury.provider.sm3(body.voucher).hex() == payment["signatures"][0]["voucher_sm3"]
    assert http.get(f"…/payments/{number}/receipt").json()["code"] == "invalid_state"
    message = http.receipt_for(number)
    http.ok(http.deliver(message))
    [kept] = parse_envelope(http.get(f"…/payments/{number}/receipt").content)
    [sent] = parse_envelope(message)
    assert kept.voucher == sent.voucher
    assert kept.signatures[0].value == sent.signatures[0].value
    serial = kept.signatures[0].sn
    assert http.get(f"/v1/certificates/{serial}", "").json()["subject"] == "bank/102"
    assert http.get("/v1/certificates/00", "").json()["code"] == "not_found"


def test_a_forged_receipt_is_refused_and_recorded(http: HttpTreasury) -> None:
    number = http.signed(http.indicator())
    message = http.receipt_for(number)
    at = message.index(b"<Signature ")
    at = message.index(b">", at) + 20
    forged = message[:at] + (b"A" if message[at : at + 1] != b"A" else b"B") + message[at + 1 :]
    answer = http.deliver(forged)
    assert (answer.status_code, answer.json()["code"]) == (422, "signature_invalid")
    assert http.get(f"…/payments/{number}").json()["status"] == "signed"
    recorded = http.get("…/refusals", code="signature_invalid").json()["items"]
    cert_no = http.get(f"…/payments/{number}").json()["pay_cert_no"]
    assert cert_no in {refusal["number"] for refusal in recorded}
    assert http.deliver(b"<MOF/>").json()["code"] == "malformed"


def test_a_clearing_with_its_lines_and_vouchers(http: HttpTreasury) -> None:
    number = http.paid(http.indicator(effective_on=FEBRUARY_1), effective_on="2026-04-01")
    body = {"clear_no": http.number("C"), "clear_date": "2026-04-01", "pay_bank_code": "102"}
    made = http.post("…/clearings", body)
    assert (made.status_code, made.json()["status"]) == (201, "requested")
    shown = http.get(f"…/clearings/{body['clear_no']}").json()
    assert number in {voucher["pay_app_no"] for voucher in shown["vouchers"]}
    assert sum(float(line["pay_amt"]) for line in shown["lines"]) == float(shown["pay_amt"])
    listed = http.get("…/clearings", page_size="1").json()
    assert listed["items"][0]["clear_no"]
    nothing = http.post("…/clearings", {**body, "clear_no": http.number("C")})
    assert (nothing.status_code, nothing.json()["code"]) == (409, "clearing_empty")
    assert http.get("…/clearings/none").json()["code"] == "not_found"


def test_several_days_are_cleared_by_one_request_each_with_what_the_one_before_left(
    http: HttpTreasury,
) -> None:
    bgt_id = http.indicator(effective_on=FEBRUARY_1)
    first = http.paid(bgt_id, effective_on="2026-06-01")
    second = http.paid(bgt_id, effective_on="2026-06-02")
    bodies = [
        {"clear_no": http.number("C"), "clear_date": day, "pay_bank_code": "102"}
        for day in ("2026-06-01", "2026-06-02", "2026-06-03")
    ]
    results = http.post("…/clearings:batch", bodies).json()["results"]
    assert [result["status"] for result in results] == ["created", "created", "refused"]
    assert results[2]["problem"]["code"] == "clearing_empty"
    for number, body in zip((first, second), bodies, strict=False):
        shown = http.get(f"…/clearings/{body['clear_no']}").json()
        assert number in {voucher["pay_app_no"] for voucher in shown["vouchers"]}
    assert (
        http.get(f"…/clearings/{bodies[1]['clear_no']}").json()["vouchers"][0]["pay_app_no"]
        == second
    )
    again = http.post("…/clearings:batch", bodies[:1]).json()["results"]
    assert [result["status"] for result in again] == ["replayed"]


def test_a_trace_leads_both_ways(http: HttpTreasury) -> None:
    bgt_id = http.indicator(is_contrlbyplan=True, effective_on=FEBRUARY_1)
    plan = {"plan_voucher_no": http.number("J"), "plan_month": 3, "plan_amt": "500.00"}
    plan["effective_on"] = FEBRUARY_1
    http.ok(http.post(f"…/indicators/{bgt_id}/plans", plan))
    number = http.paid(bgt_id, effective_on="2026-05-01")
    body = {"clear_no": http.number("C"), "clear_date": "2026-05-01", "pay_bank_code": "102"}
    http.ok(http.post("…/clearings", body))
    chain = http.get(f"…/payments/{number}/trace").json()["chain"]
    steps = [link["step"] for link in chain]
    assert steps == [
        "project", "budget", "indicator", "plan", "payment", "voucher", "receipt", "clearing",
        "journals",
    ]  # fmt: skip
    assert [link["next"] for link in chain] == [*steps[1:], None]
    assert [link["previous"] for link in chain] == [None, *steps[:-1]]
    by_step = {link["step"]: link for link in chain}
    assert by_step["clearing"]["number"] == body["clear_no"]
    assert by_step["indicator"]["number"] == bgt_id
    types = {}
    for line in http.get("…/events", limit="100000").text.splitlines():
        event = json.loads(line)
        types[event["position"]] = event["type"].partition("@")[0]  # of whatever version
    for link in chain:
        assert link["positions"]
        for fact in link["facts"]:
            assert types[fact["position"]] == fact.get("type", "indicator.issued")
    assert {types[at] for at in by_step["journals"]["positions"]} == {"journal.posted"}


def test_an_indicator_is_traced_to_every_fen_in_pages(http: HttpTreasury) -> None:
    bgt_id, other = http.indicator("1000.00"), http.indicator("500.00")
    moved = {"adj_no": http.number("D"), "to_bgt_id": bgt_id, "amt": "50.00", "reason": "调剂"}
    http.ok(http.post(f"…/indicators/{other}/reallocations", moved))
    numbers = [http.paid(bgt_id, "10.00"), http.applied(bgt_id, "20.00"), http.applied(bgt_id)]
    http.ok(http.post(f"…/payments/{numbers[2]}/reject", {"reason": "用途不明"}, "checker"))
    answer = http.get(f"…/indicators/{bgt_id}/trace", page_size="2")
    trace = http.ok(answer)
    assert trace["figures"] == {
        name: amount for name, amount in http.figures(bgt_id).items() if name in trace["figures"]
    }
    assert [proof["holds"] for proof in trace["proofs"]] == [True] * 6
    assert (trace["sums"]["occupied"], trace["sums"]["net_paid"]) == ("20.00", "10.00")
    assert [source["bgt_id"] for source in trace["sources"]] == [other]
    assert int(answer.headers["X-Projection-Position"]) == trace["position"]
    following = http.ok(
        http.get(f"…/indicators/{bgt_id}/trace", page_size="2", cursor=trace["next_cursor"])
    )
    assert "sums" not in following
    listed = [item["pay_app_no"] for page in (trace, following) for item in page["payments"]]
    assert listed == numbers
    assert http.get("…/indicators/none/trace").json()["code"] == "indicator_not_found"
    for query in ({"page_size": "0"}, {"cursor": "x"}, {"cursor": trace["next_cursor"][:-4]}):
        assert http.get(f"…/indicators/{bgt_id}/trace", **query).json()["code"] == "malformed"
    stolen = http.get(f"…/indicators/{other}/trace", cursor=trace["next_cursor"])
    assert stolen.json()["code"] == "malformed"


def test_as_of_a_moment_is_what_was_known_or_effective_then(http: HttpTreasury) -> None:
    bgt_id = http.indicator("1000.00", effective_on="2026-02-01")
    issued_at = http.get("…").json()["position"]
    number = http.applied(bgt_id, "300.00", effective_on="2026-03-02")
    applied_at, then = http.get("…").json()["position"], datetime.now(UTC).isoformat()
    adjustment = {"adj_no": http.number("T"), "adj_amt": "-100.00", "reason": "追减"}
    adjustment["effective_on"] = "2026-02-10"
    http.ok(http.post(f"…/indicators/{bgt_id}/adjustments", adjustment))
    http.ok(http.post(f"…/payments/{number}/approve", person="checker"))

    def seen(**moment: object) -> tuple[str, str]:
        figures = http.ok(http.get(f"…/indicators/{bgt_id}", **moment))
        return figures["amount"], figures["canuse_amt"]

    assert seen() == ("900.00", "600.00")
    assert seen(as_of_position=issued_at) == ("1000.00", "1000.00")
    assert seen(as_of_position=applied_at) == ("1000.00", "700.00")
    assert seen(as_of_recorded=then) == ("1000.00", "700.00")
    assert seen(as_of_effective="2026-02-28") == ("900.00", "900.00")
    assert seen(as_of_effective="2026-02-01") == ("1000.00", "1000.00")
    assert http.get(f"…/indicators/{bgt_id}", as_of_position=1).json()["code"] == (
        "indicator_not_found"
    )
    payment = f"…/payments/{number}"
    assert http.get(payment).json()["status"] == "approved"
    assert http.get(payment, as_of_position=applied_at).json()["status"] == "applied"
    assert http.get(payment, as_of_recorded=then).json()["status"] == "applied"
    assert http.get(payment, as_of_effective="2026-03-01").json()["code"] == "payment_not_found"
    for wrong in (
        {"as_of_position": 10**9},
        {"as_of_position": 1, "as_of_recorded": then},
        {"as_of_recorded": "2026-01-01T00:00:00"},
        {"as_of_effective": "01.02.2026"},
    ):
        assert http.get(payment, **wrong).json()["code"] == "malformed"
    assert http.get("…/payments", as_of_position=1).json()["code"] == "malformed"


def test_whoever_writes_reads_what_he_wrote(http: HttpTreasury) -> None:
    bgt_id = http.indicator()
    for _ in range(5):
        body = http.payment(bgt_id)
        at = http.ok(http.post("…/payments", body))["commit"]["position"]
        listed = http.get("…/payments", bgt_id=bgt_id, page_size="1000")
        assert body["pay_app_no"] in {p["pay_app_no"] for p in listed.json()["items"]}
        assert int(listed.headers["x-projection-position"]) >= at


def test_a_position_not_reached_is_unavailable(database: Database) -> None:
    with http_treasury_on(database, read_wait_s=0.0) as http:
        for path in ("…/payments", "…/trial-balance", f"…/indicators/{http.indicator()}"):
            answer = http.get(path, headers={"X-Min-Position": str(10**9)})
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert int(answer.headers["retry-after"]) >= 1


def test_a_cursor_carries_its_filter(http: HttpTreasury) -> None:
    bgt_id = http.indicator()
    numbers = [http.applied(bgt_id) for _ in range(5)]
    http.applied(http.indicator())
    seen = []
    query = {"bgt_id": bgt_id, "page_size": "2"}
    while query:
        page = http.ok(http.get("…/payments", **query))
        seen += [payment["pay_app_no"] for payment in page["items"]]
        query = {"cursor": page["next_cursor"], "page_size": "2"} if page["next_cursor"] else {}
    assert seen == numbers
    cursor = http.get("…/payments", bgt_id=bgt_id, page_size="2").json()["next_cursor"]
    other = http.get("…/payments", cursor=cursor, bgt_id="another")
    assert other.json()["code"] == "malformed"
    assert http.get("…/indicators", cursor=cursor).json()["code"] == "malformed"


def test_payments_are_looked_for_sorted_and_added_up(http: HttpTreasury) -> None:
    bgt_id = http.indicator("1000.00")
    numbers = [http.applied(bgt_id, amount) for amount in ("30.00", "10.00", "20.00")]
    asked = {"bgt_id": bgt_id, "min_amt": "15.00", "sort": "-pay_amt", "with_total": "true"}
    found = http.ok(http.get("…/payments", **asked, page_size="1"))
    assert [payment["pay_app_no"] for payment in found["items"]] == [numbers[0]]
    assert (found["total"], found["sum_amt"]) == (2, "50.00")
    rest = http.ok(http.get("…/payments", cursor=found["next_cursor"]))
    assert [payment["pay_app_no"] for payment in rest["items"]] == [numbers[2]]
    assert "total" not in rest
    for wrong in ({"sort": "amount"}, {"with_total": "perhaps"}, {"received_from": "2026-13-01"}):
        assert http.get("…/payments", **wrong).json()["code"] == "malformed"
    assert http.get("…/payments", max_amt="1").json()["code"] == "invalid_amount"


def test_the_books_balance_and_name_their_accounts(http: HttpTreasury) -> None:
    http.paid(http.indicator(effective_on=FEBRUARY_1), effective_on="2026-06-01")
    trial = http.ok(http.get("…/trial-balance"))
    assert all(total["debit"] == total["credit"] for total in trial["totals"])
    names = {account["acct_cls_name"] for account in trial["accounts"]}
    assert {"支出指标", "支付", "零余额账户"} <= names
    one = http.ok(http.get("…/trial-balance", book="zero_balance"))
    assert {account["book"] for account in one["accounts"]} == {"zero_balance"}
    assert http.get("…/trial-balance", book="none").json()["code"] == "malformed"
    journal = http.ok(http.get("…/journals", page_size="1", book="indicator"))["items"][0]
    assert {line["dr_cr"] for line in journal["lines"]} == {1, -1}


def test_events_are_gapless_and_their_digests_recomputed(http: HttpTreasury) -> None:
    http.indicator()
    key, positions = parse_ledger(http.ledger), []
    answer = http.get("…/events", after="0", limit="100000")
    assert answer.headers["content-type"] == "application/x-ndjson"
    for line in answer.content.splitlines():
        event = json.loads(line)
        start = line.index(b'"payload":') + len(b'"payload":')
        payload = line[start : line.rindex(b',"digest":')]
        assert json.loads(payload) == event["payload"]
        recorded = datetime.fromisoformat(event["recorded_at"])
        day = datetime.fromisoformat(event["effective_on"]).toordinal() - 719163
        digest = event_digest(
            key,
            event["position"],
            bytes.fromhex(event["stream_id"].replace("-", "")),
            event["stream_version"],
            microseconds(recorded),
            day,
            event["type"].encode(),
            payload,
        )
        assert digest.hex() == event["digest"]
        positions.append(event["position"])
    assert positions == list(range(1, len(positions) + 1))
    assert len(positions) == http.get("…").json()["position"]
    part = http.get("…/events", after="3", limit="2").text.splitlines()
    assert [json.loads(line)["position"] for line in part] == [4, 5]


def test_a_payments_own_events(http: HttpTreasury) -> None:
    number = http.signed(http.indicator())
    items = http.get(f"…/payments/{number}/events").json()["items"]
    types = [event["type"] for event in items]
    assert types == ["payment.applied", "journal.posted", "payment.approved", "voucher.signed"]
    assert [event["stream_version"] for event in items] == [1, 2, 3, 4]
    lines = http.get(f"…/payments/{number}/events", headers={"Accept": "application/x-ndjson"})
    assert [json.loads(line) for line in lines.text.splitlines()] == items
    assert http.get("…/payments/none/events").json()["code"] == "payment_not_found"


@pytest.mark.parametrize("resumed", [False, True])
def test_events_come_live_and_go_on_where_they_were(http: HttpTreasury, resumed: bool) -> None:
    bgt_id = http.indicator()
    at = int(http.get("…").json()["position"])
    token = {"Authorization": f"Bearer {http.tokens['auditor']}"}
    if resumed:
        token["Last-Event-ID"] = str(at)
    path = f"/v1/ledgers/{http.ledger}/events/stream"
    poster = threading.Timer(0.3, lambda: http.applied(bgt_id))
    with http.client.stream("GET", path, headers=token, params={"after": at}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        poster.start()
        fields: list[tuple[str, str]] = []
        for line in response.iter_lines():
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields.append((name, value))
            if len(fields) == 6:
                break
    poster.join()
    assert [value for name, value in fields if name == "id"] == [str(at + 1), str(at + 2)]
    assert [value for name, value in fields if name == "event"] == [
        "payment.applied",
        "journal.posted",
    ]
    assert json.loads(fields[2][1])["position"] == at + 1


def test_a_closed_period_takes_nothing_any_more(http: HttpTreasury) -> None:
    http.ok(http.post("…/periods:close", {"through": "2026-01-31"}, "admin"))
    body = {**http.payment(http.indicator()), "effective_on": "2026-01-31"}
    answer = http.post("…/payments", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "period_closed")
    assert http.get("…").json()["closed_through"] == "2026-01-31"


def test_both_indicators_of_a_reallocation_are_answered(http: HttpTreasury) -> None:
    giving, taking = http.indicator("100.00"), http.indicator("10.00")
    body = {"adj_no": http.number("T"), "to_bgt_id": taking, "amt": "40.00", "reason": "调剂"}
    answer = http.ok(http.post(f"…/indicators/{giving}/reallocations", body))
    shown = [(i["bgt_id"], i["canuse_amt"]) for i in answer["indicators"]]
    assert shown == [(giving, "60.00"), (taking, "50.00")]
    for path, canuse in (("freezes", "20.00"), ("unfreezes", "60.00")):
        frozen = {"freeze_no": http.number("D"), "amt": "40.00"}
        answer = http.ok(http.post(f"…/indicators/{giving}/{path}", frozen))
        assert answer["canuse_amt"] == canuse
