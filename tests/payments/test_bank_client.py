"""One message, and what an answer to it says of each voucher: often nothing."""

import pytest
from starlette.responses import Response

from payments.delivery.bank_client import (
    Acknowledgement,
    BankClient,
    MessageAnswers,
    VoucherProblem,
)
from payments.delivery.contents import OutgoingItem, in_messages
from payments.messages.envelope import VoucherBody
from tests.support.channel_parties import SigningTreasury
from tests.support.receiver import Receiver, accepting
from tests.support.waiting import HANG_S


def post(receiver: Receiver, bodies: list[VoucherBody]) -> MessageAnswers:
    client = BankClient(timeout_s=HANG_S)
    try:
        return client.post(receiver.url, bodies)
    finally:
        client.close()


def test_one_bad_voucher_does_not_keep_back_the_others(treasury: SigningTreasury) -> None:
    bodies = [treasury.body_of(number) for number in treasury.signed(8)]
    bad = bodies[5].voucher_no

    def picky(came: list[VoucherBody]) -> Response:
        if any(body.voucher_no == bad for body in came):
            return Response(b"what is this", 400)
        return accepting(came)

    with Receiver(picky) as receiver:
        posted = post(receiver, bodies)
    assert posted.answers.keys() == {body.voucher_no for body in bodies} - {bad}
    assert posted.unanswered.keys() == {bad}, "no bank has named it: it may be a gateway's word"
    assert len(receiver.came) == 7


@pytest.mark.parametrize(
    "answer",
    [
        Response(b"down", 503),
        Response(b"who are you", 401),
        Response(b"nobody here", 404),
        Response(b"slower", 429),
        Response(b"<html>Bad Gateway</html>", 502, media_type="text/html"),
        Response(b"over there", 302, {"Location": "/login"}),
        Response(b"ok, thanks"),
        Response(b"<html>Sign in</html>", media_type="text/html"),
        Response(b'{"results": []}'),
    ],
    ids=lambda answer: f"{answer.status_code} {answer.body[:9].decode()}",
)
def test_an_answer_about_nothing_leaves_it_open(
    treasury: SigningTreasury, answer: Response
) -> None:
    bodies = [treasury.body_of(number) for number in treasury.signed(2)]
    with Receiver(lambda _: answer) as receiver:
        posted = post(receiver, bodies)
    assert posted.answers == {}
    assert posted.unanswered.keys() == {body.voucher_no for body in bodies}
    assert len(receiver.came) == 1


@pytest.mark.parametrize("status", [400, 409, 413, 415, 422])
def test_a_bare_status_is_no_banks_word(treasury: SigningTreasury, status: int) -> None:
    """A gateway's 400 was taken for the bank's, and kept the money for ever."""
    bodies = [treasury.body_of(number) for number in treasury.signed(2)]
    with Receiver(lambda _: Response(b"no", status)) as receiver:
        posted = post(receiver, bodies)
    assert posted.answers == {}
    assert set(posted.unanswered.values()) == {f"{status}: no"}


def test_who_refuses_everything_is_not_asked_of_each(treasury: SigningTreasury) -> None:
    """A thousand vouchers made two thousand requests to a gateway that was down."""
    bodies = [treasury.body_of(number) for number in treasury.signed(64)]
    with Receiver(lambda _: Response(b"no", 400)) as receiver:
        posted = post(receiver, bodies)
    assert len(posted.unanswered) == 64
    assert sum(len(came) == 1 for came in receiver.came) == 8


def test_of_half_an_answer_the_half_counts(treasury: SigningTreasury) -> None:
    bodies = [treasury.body_of(number) for number in treasury.signed(2)]
    with Receiver(lambda came: accepting(came[:1])) as receiver:
        posted = post(receiver, bodies)
    assert posted.answers.keys() == {bodies[0].voucher_no}
    assert posted.unanswered.keys() == {bodies[1].voucher_no}


@pytest.mark.parametrize(
    ("status", "is_final"),
    [(422, True), (404, True), (403, True), (401, False), (408, False), (429, False), (503, False)],
)
def test_of_a_named_voucher_only_what_may_pass_is_asked_again(status: int, is_final: bool) -> None:
    answer = Acknowledgement("1", "refused", VoucherProblem("any", status, "why"))
    assert answer.definitive is is_final


def test_messages_stay_within_their_size_and_go_to_one_receiver(treasury: SigningTreasury) -> None:
    treasury.signed(1)
    body = treasury.body_of("P1")
    size = len(body.voucher)
    items = [OutgoingItem(str(i), "a" if i < 5 else "b", body, "102") for i in range(8)]
    messages = [[item.number for item in m] for m in in_messages(items, 3 * size)]
    assert messages == [["0", "1", "2"], ["3", "4"], ["5", "6", "7"]]
    assert [len(m) for m in in_messages(items, size - 1)] == [1] * 8
    assert list(in_messages([], size)) == []
