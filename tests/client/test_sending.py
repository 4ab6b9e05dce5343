"""The client against the real server, some of whose answers are lost: nothing is done twice."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

import asyncio
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest

from guoku_client import (
    AsyncClient,
    Client,
    Conflict,
    DocumentName,
    Forbidden,
    Indicator,
    Insufficient,
    Ledger,
    Malformed,
    NewIndicator,
    NewLedger,
    NewPayment,
    NewRefund,
    NoAnswer,
    NotFound,
    Refused,
    Retries,
    Submitted,
    Unauthenticated,
    UnexpectedAnswer,
    ledgers,
    open_ledger,
)
from tests.support.bookkeeper import ELEMENTS, PAYEE
from tests.support.http_server import ONE_PERSON, HttpTreasury, http
from tests.support.lossy import AsyncLossyTransport, LossyTransport, bodies

AT_ONCE = Retries(give_up_after_s=30.0, first_wait_s=0.0)
ONE_ATTEMPT = Retries(give_up_after_s=0.0)
UNREACHABLE = "http://127.0.0.1:9"  # discard: nobody listens

Connect = Callable[..., Client]


@pytest.fixture
def connect(http: HttpTreasury) -> Iterator[Connect]:
    """Makes a client of a person; ``lost`` are the requests whose answers do not come."""
    made: list[Client] = []

    def connect(person: str = "maker", *lost: int, retries: Retries = AT_ONCE) -> Client:
        transport = LossyTransport(*lost)
        made.append(Client(http.url, http.tokens[person], retries=retries, transport=transport))
        return made[-1]

    yield connect
    for client in made:
        client.close()


@pytest.fixture
def books(http: HttpTreasury) -> Ledger:
    return Ledger(http.ledger)


def sent_by(client: Client) -> list[httpx.Request]:
    transport = client._http._transport
    assert isinstance(transport, LossyTransport)
    return transport.sent


def payment(http: HttpTreasury, bgt_id: str, amount: str = "100.00") -> NewPayment:
    return NewPayment(
        pay_app_no=http.number(), bgt_id=bgt_id, pay_amt=amount, use_des="办公用品", **PAYEE
    )


def test_a_lost_answer_is_asked_for_with_the_same_number_and_bytes(
    http: HttpTreasury, connect: Connect, books: Ledger
) -> None:
    """The answer to the application is lost twice: one payment is applied for, once."""
    bgt_id = http.indicator("100.00")
    maker = connect("maker", 0, 1)
    asked = payment(http, bgt_id)
    applied = maker.do(books.apply(asked))
    assert (applied.status, applied.pay_amt) == ("applied", Decimal("100.00"))
    assert applied.commit is not None
    first, second, third = bodies(sent_by(maker))
    assert first == second == third
    assert http.figures(bgt_id)["pay_app_amt"] == "100.00"


def test_an_act_without_a_number_of_its_own_is_repeated_too(
    http: HttpTreasury, connect: Connect, books: Ledger
) -> None:
    number = http.applied(http.indicator())
    assert connect("checker", 0).do(books.approve(number)).status == "approved"
    other = http.applied(http.indicator())
    assert connect("maker", 0).do(books.withdraw(other)).status == "withdrawn"


def test_what_is_not_repeated_may_have_been_done_and_says_so(
    http: HttpTreasury, connect: Connect, books: Ledger
) -> None:
    asked = payment(http, http.indicator())
    with pytest.raises(NoAnswer) as caught:
        connect("maker", 0, retries=ONE_ATTEMPT).do(books.apply(asked))
    assert caught.value.outcome_unknown
    assert connect().do(books.apply(asked)).pay_app_no == asked.pay_app_no
    with Client(UNREACHABLE, "t", retries=ONE_ATTEMPT) as nobody, pytest.raises(NoAnswer) as never:
        nobody.do(books.apply(asked))
    assert not never.value.outcome_unknown


def test_a_refusal_has_its_code_its_figures_and_a_hint(
    http: HttpTreasury, connect: Connect, books: Ledger
) -> None:
    maker, bgt_id = connect(), http.indicator("100.00")
    with pytest.raises(Insufficient) as caught:
        maker.do(books.apply(payment(http, bgt_id, "100.01")))
    refused = caught.value
    assert (refused.code, refused.status) == ("insufficient_indicator", 422)
    assert (refused.available_amt, refused.requested_amt) == (Decimal("100.00"), Decimal("100.01"))
    assert refused.members["bgt_id"] == bgt_id
    assert refused.hint
    assert refused.correlation_id
    assert not refused.outcome_unknown
    assert isinstance(refused, Refused)

    with pytest.raises(Malformed) as malformed:
        maker.do(books.get("payments", page_sizes=1))
    assert malformed.value.pointer == "/page_sizes"
    with pytest.raises(NotFound):
        maker.do(books.payment("不在/这里?"))
    with pytest.raises(Forbidden):
        maker.do(books.approve(http.applied(bgt_id, "1.00")))
    with pytest.raises(Conflict):
        maker.do(books.withdraw(http.signed(http.indicator())))
    with Client(http.url, "nobody") as stranger, pytest.raises(Unauthenticated):
        stranger.do(books.show())
    assert "nobody" not in repr(stranger)


def test_a_conflict_of_a_number_is_no_replay(
    http: HttpTreasury, connect: Connect, books: Ledger
) -> None:
    asked = payment(http, http.indicator())
    maker = connect()
    maker.do(books.apply(asked))
    changed = msgspec.structs.replace(asked, pay_amt="99.99")
    with pytest.raises(Refused) as caught:
        maker.do(books.apply(changed))
    assert caught.value.code == "idempotency_conflict"


def test_a_dry_run_does_nothing(http: HttpTreasury, connect: Connect, books: Ledger) -> None:
    bgt_id = http.indicator()
    shown = connect().do(books.apply(payment(http, bgt_id)).dry_run())
    assert (shown.status, shown.commit) == ("applied", None)
    assert http.figures(bgt_id)["pay_app_amt"] == "0.00"


def test_a_batch_whose_answers_are_lost_is_done_once_and_matched(
    http: HttpTreasury, connect: Connect, books: Ledger
) -> None:
    """Seven of 10.00 in portions of three, from 60.00: six go through and one is refused, though
    the first portion's answer and the last one's are lost."""
    bgt_id = http.indicator("60.00")
    asked = [payment(http, bgt_id, "10.00") for _ in range(7)]
    maker = connect("maker", 0, 3)
    results = list(maker.each(books.apply_all(asked, size=3)))
    assert [result.asked for result in results] == asked
    assert [result.status for result in results] == [
        *("replayed",) * 3,
        *("created",) * 3,
        "refused",
    ]
    [refused] = [result for result in results if not result.accepted]
    assert isinstance(refused.problem, Insufficient)
    assert [len(request.content) for request in sent_by(maker)].count(0) == 0
    assert bodies(sent_by(maker))[0] == bodies(sent_by(maker))[1]

    numbers = [result.number for result in results if result.accepted]
    approved = list(connect("checker", 0).each(books.approve_all(numbers)))
    assert [result.number for result in approved] == numbers
    signed = list(connect("signer", 1).each(books.sign_all(numbers, "treasury", size=4)))
    assert all(result.accepted for result in signed)
    assert http.figures(bgt_id)["pay_app_amt"] == "60.00"
    shown = list(connect().each(books.payments(page_size=4, bgt_id=bgt_id)))
    assert {row.pay_app_no: row.status for row in shown} == dict.fromkeys(numbers, "signed")


def test_an_atomic_batch_is_done_whole_or_not_at_all(
    http: HttpTreasury, connect: Connect, books: Ledger
) -> None:
    bgt_id = http.indicator("15.00")
    asked = [payment(http, bgt_id, "10.00") for _ in range(2)]
    results = list(connect().each(books.apply_all(asked, atomic=True)))
    assert [result.problem.code for result in results if result.problem] == [
        "batch_aborted",
        "insufficient_indicator",
    ]
    with pytest.raises(ValueError, match="at most 5000"):
        books.apply_all(asked * 2501, atomic=True)


@pytest.mark.parametrize(
    "results",
    [
        [],
        [{"index": 1, "status": "created"}],
        [{"index": 0, "status": "created"}] * 2,
        [{"index": 0, "status": "lost"}],
        [{"index": 0, "status": "refused"}],
        [{"index": 0, "status": "created", "payment": {"pay_app_no": "another"}}],
    ],
)
def test_results_of_something_else_are_not_taken(
    books: Ledger, results: list[dict[str, Any]]
) -> None:
    """A proxy that mixes up answers would pay the wrong ones off."""
    answer = httpx.MockTransport(lambda _: httpx.Response(200, json={"results": results}))
    with Client("http://x", "t", transport=answer) as client, pytest.raises(UnexpectedAnswer):
        list(client.each(books.approve_all(["P-1"])))


def test_documents_are_agreed_to_by_other_persons(http: HttpTreasury, connect: Connect) -> None:
    """The default policy: an indicator, and its change, take another person."""
    admin, maker, checker = connect("admin"), connect("maker"), connect("checker")
    opened = admin.do(open_ledger(NewLedger(mof_div_code="440100000", fiscal_year=2026, name="市")))
    assert opened.ledger in [each.ledger for each in admin.each(ledgers(page_size=1))]
    books = Ledger(opened.ledger)
    asked = [NewIndicator(bgt_id=f"D{n}", amount="10.00", **ELEMENTS) for n in range(3)]
    waits = maker.do(books.issue(asked[0]))
    assert isinstance(waits, Submitted)
    assert waits.awaits == ("treasury_checker",)
    others = list(maker.each(books.issue_all(asked[1:])))
    assert [result.status for result in others] == ["submitted", "submitted"]

    waiting = list(checker.each(books.documents(page_size=2, state="submitted")))
    names = [DocumentName(kind=row.kind, number=row.number) for row in waiting]
    assert [name.number for name in names] == ["D0", "D1", "D2"]
    assert checker.do(books.give_back(names[2], "金额有误")).state == "returned"
    issued = checker.do(books.agree(names[0]))
    assert issued["bgt_id"] == "D0"
    [agreed] = checker.each(books.agree_all(names[1:2]))
    assert (agreed.number, agreed.accepted) == ("D1", True)
    assert maker.do(books.document(names[1])).state == "approved"
    changed = maker.do(books.adjust("D0", adj_no="A1", adj_amt=Decimal("-1"), reason="追减"))
    assert isinstance(changed, Submitted)
    checker.do(books.agree(DocumentName(kind=changed.kind, number=changed.number)))
    planned = maker.do(books.plan("D0", plan_voucher_no="J1", plan_month=3, plan_amt="2.00"))
    assert isinstance(planned, Indicator)
    assert (planned.amount, planned.plan_amt) == (Decimal("9.00"), Decimal("2.00"))
    earlier = maker.do(books.indicator("D0", as_of_position=issued["commit"]["position"]))
    assert earlier.amount == Decimal("10.00")
    assert [row.bgt_id for row in maker.each(books.indicators(page_size=1))] == ["D0", "D1"]


def test_the_rest_of_a_payments_life(http: HttpTreasury, connect: Connect, books: Ledger) -> None:
    maker, bgt_id = connect(), http.indicator()
    number = http.paid(bgt_id)
    shown = maker.do(books.payment(number))
    assert (shown.status, shown.xpay_amt) == ("paid", Decimal("100.00"))
    assert shown.receipt is not None
    assert shown.receipt.xpay_amt == Decimal("100.00")
    assert number.encode() not in maker.do(books.voucher(number)), "it stands there in base64"
    assert maker.do(books.get("payments", number, "trace"))["pay_app_no"] == number
    refund = NewRefund(refund_no=http.number("R"), refund_amt="30.00", reason="重复")
    asked = maker.do(books.refund(number, refund))
    assert not isinstance(asked, Submitted)
    assert [each.state for each in asked.refunds] == ["approved"]

    rejected = connect("checker").do(books.reject(http.applied(bgt_id), "用途不符"))
    assert (rejected.status, rejected.reason) == ("rejected", "用途不符")
    voided = maker.do(books.void(http.signed(bgt_id), "填错"))
    assert not isinstance(voided, Submitted)
    assert voided.status == "voided"
    recalled = maker.do(books.recall(http.signed(bgt_id), "收款人有误", http.number("C")))
    assert not isinstance(recalled, Submitted)
    assert recalled.status == "signed"
    with pytest.raises(NotFound):
        maker.do(books.evidence("P-none"))


def test_every_event_is_had_in_its_order(connect: Connect, books: Ledger) -> None:
    auditor = connect("auditor", 0)
    events = list(auditor.each(books.events()))
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    assert events[0].type == "ledger.opened"
    last = auditor.do(books.show()).position
    assert [e.position for e in auditor.each(books.events(after=last - 1))] == [last]


def test_for_an_event_loop_it_is_the_same(http: HttpTreasury, books: Ledger) -> None:
    bgt_id = http.indicator("30.00")
    asked = [payment(http, bgt_id, "10.00") for _ in range(4)]
    transport = AsyncLossyTransport(0, 2)

    async def pay() -> tuple[list[str], list[str]]:
        async with AsyncClient(
            http.url, http.tokens["maker"], retries=AT_ONCE, transport=transport
        ) as maker:
            applied = await maker.do(books.apply(asked[0]))
            statuses = [
                result.status async for result in maker.each(books.apply_all(asked[1:], size=2))
            ]
            rows = [row async for row in maker.each(books.payments(page_size=1, bgt_id=bgt_id))]
            with pytest.raises(Insufficient):
                await maker.do(books.apply(payment(http, bgt_id, "0.01")))
            return statuses, [applied.pay_app_no, *(row.pay_app_no for row in rows)]

    statuses, numbers = asyncio.run(pay())
    assert statuses == ["replayed", "replayed", "refused"]
    assert numbers[0] == asked[0].pay_app_no
    assert sorted(numbers[1:]) == sorted(each.pay_app_no for each in asked[:3])
    assert http.figures(bgt_id)["pay_app_amt"] == "30.00"
