"""Errors that a worker process raises: they arrive as what they were, code, figures and all."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from ledger.errors import (
    AccessError,
    Code,
    ConfigurationError,
    GuokuError,
    IntegrityError,
    Refusal,
    RequestError,
    UnavailableError,
)

ERRORS = (
    RequestError(Code.MALFORMED, "no JSON", pointer="/pay_amt"),
    AccessError(Code.LEDGER_NOT_FOUND, "no ledger 440000000-2026"),
    Refusal(
        Code.INSUFFICIENT_INDICATOR, "指标余额不足", available_amt="1.00", requested_amt="2.00"
    ),
    UnavailableError(Code.BUSY, "too many commands wait", retry_after_s=7),
    ConfigurationError("no chart"),
    IntegrityError("the chain breaks", position=4),
)


def fail(error: GuokuError) -> None:
    raise error


def test_what_a_worker_raises_arrives_whole() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as workers:
        for error in ERRORS:
            with pytest.raises(type(error)) as raised:
                workers.submit(fail, error).result()
            arrived = raised.value
            assert type(arrived) is type(error)
            assert (arrived.code, arrived.detail, arrived.extra, str(arrived)) == (
                error.code,
                error.detail,
                error.extra,
                str(error),
            )
    assert isinstance(arrived, IntegrityError)


def test_how_long_to_wait_is_not_lost_on_the_way() -> None:
    busy = UnavailableError(Code.BUSY, "too many commands wait", retry_after_s=7)
    with (
        ProcessPoolExecutor(1, get_context("spawn")) as workers,
        pytest.raises(UnavailableError) as raised,
    ):
        workers.submit(fail, busy).result()
    assert raised.value.retry_after_s == 7
