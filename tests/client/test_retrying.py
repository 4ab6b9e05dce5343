"""When the client repeats a request, how long it waits, and what it says when it gives up."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from guoku_client import NoAnswer, Retries, ServerError
from guoku_client.errors import error_from, problem_from
from guoku_client.retrying import Attempts

RETRIES = Retries(give_up_after_s=60.0, first_wait_s=1.0, wait_max_s=8.0)


class Clock:
    """A clock that moves by what was waited."""

    def __init__(self, *, changes: bool = True, draw: float = 1.0) -> None:
        self.now_s = 0.0
        self.attempts = Attempts(RETRIES, lambda: self.now_s, lambda: draw, changes)

    def silence(self, *, arrived: bool = True) -> float:
        return self._waited(lambda: self.attempts.wait_after(NoAnswer("lost"), arrived=arrived))

    def answer(self, status: int, code: str, retry_after: str = "") -> float:
        error = problem_from({"code": code, "status": status})
        return self._waited(
            lambda: self.attempts.wait_after(error, status=status, retry_after=retry_after)
        )

    def given_up(self, ask: Callable[[], float]) -> ServerError:
        for _ in range(100):
            try:
                ask()
            except ServerError as error:
                return error
        raise AssertionError("it never ends")

    def _waited(self, ask: Callable[[], float]) -> float:
        wait_s = ask()
        self.now_s += wait_s
        return wait_s


def test_waits_are_doubled_up_to_the_longest() -> None:
    clock = Clock()
    assert [clock.silence() for _ in range(6)] == [1, 2, 4, 8, 8, 8]
    assert Clock(draw=0.0).silence() == 0.5, "a half of a wait is left to chance"


def test_the_server_says_when_to_come_back() -> None:
    clock = Clock()
    assert clock.answer(429, "busy", "20") == 20
    assert clock.answer(503, "unavailable", "0") == 2
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=30))
    assert 25 < clock.answer(503, "unavailable", at) <= 30
    assert Clock().answer(503, "unavailable", "nonsense") == 1


def test_who_is_to_wait_longer_than_he_can_is_told_at_once() -> None:
    error = Clock().given_up(lambda: Clock().answer(429, "busy", "61"))
    assert not error.outcome_unknown


def test_it_ends_and_says_whether_something_may_have_been_done() -> None:
    lost, unreached, read = Clock(), Clock(), Clock(changes=False)
    assert lost.given_up(lost.silence).outcome_unknown
    assert not unreached.given_up(lambda: unreached.silence(arrived=False)).outcome_unknown
    assert not read.given_up(read.silence).outcome_unknown
    assert lost.now_s <= RETRIES.give_up_after_s


@pytest.mark.parametrize("status", [400, 404, 409, 413, 422])
def test_a_refusal_is_an_answer(status: int) -> None:
    """Also after a lost one: if the first had been done, it would have been answered again."""
    clock = Clock()
    clock.silence()
    assert not clock.given_up(lambda: clock.answer(status, "x")).outcome_unknown
    assert clock.now_s == 1


@pytest.mark.parametrize(("status", "code"), [(429, "busy"), (401, "unauthenticated")])
def test_busy_after_a_lost_answer_says_nothing_of_the_first(status: int, code: str) -> None:
    """429 is of its own request alone: the one before it may have been done."""
    clock = Clock()
    clock.silence()
    assert clock.given_up(lambda: clock.answer(status, code)).outcome_unknown
    fresh = Clock()
    assert not fresh.given_up(lambda: fresh.answer(status, code)).outcome_unknown


@pytest.mark.parametrize(
    ("status", "code", "unknown"),
    [
        (500, "internal", True),
        (503, "unavailable", True),
        (502, "", True),
        (503, "clock_skewed", False),
        (503, "history_cut", False),
    ],
)
def test_a_server_that_fails_is_asked_again(status: int, code: str, unknown: bool) -> None:
    clock = Clock()
    assert clock.given_up(lambda: clock.answer(status, code)).outcome_unknown is unknown
    assert clock.now_s > 30


def test_what_a_gateway_says_is_no_problem_of_the_servers() -> None:
    page = b"<html>Bad Gateway</html>"
    assert type(error_from(502, "text/html", page)).__name__ == "Unavailable"
    assert type(error_from(302, "text/html", page)).__name__ == "UnexpectedAnswer"
    cut = error_from(422, "application/problem+json", b'{"code": "insuff')
    assert type(cut).__name__ == "UnexpectedAnswer"
