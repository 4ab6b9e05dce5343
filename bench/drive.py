"""Two ways to load the sequencer: callers that wait for their answers, and a fixed arrival rate."""

import gc
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from time import perf_counter, sleep
from typing import NamedTuple, Protocol

from bench.measure import BenchError
from ledger.deciding.command import Outcome, Submission

ANSWER_TIMEOUT_S = 120
SLEEP_S_MIN = 0.0005

Submit = Callable[[Sequence[Submission]], Future[list[Outcome]]]


class Driven(NamedTuple):
    """What came of it: outcomes in order, wall time, and how long each request waited."""

    outcomes: list[Outcome]
    elapsed_s: float
    waits_s: list[float]


class Drive(Protocol):
    def __call__(self, submit: Submit, submissions: Sequence[Submission]) -> Driven: ...


class ClosedLoop:
    """So many callers; each sends a request of ``batch`` commands when its last was answered."""

    def __init__(self, *, batch: int, callers: int) -> None:
        self.batch, self.callers = batch, callers

    def __call__(self, submit: Submit, submissions: Sequence[Submission]) -> Driven:
        starts = range(0, len(submissions), self.batch)
        requests = [submissions[start : start + self.batch] for start in starts]
        answers: list[list[Outcome]] = [[] for _ in requests]
        waits_s = [0.0] * len(requests)
        left = iter(range(len(requests)))  # next() on it is atomic: callers share it
        failed: list[BaseException] = []

        def caller() -> None:
            for index in left:
                if failed:
                    return
                began = perf_counter()
                answers[index] = submit(requests[index]).result(ANSWER_TIMEOUT_S)
                waits_s[index] = perf_counter() - began

        gc.collect()
        with ThreadPoolExecutor(self.callers) as threads:
            began = perf_counter()
            try:
                for future in [threads.submit(caller) for _ in range(self.callers)]:
                    future.result()
            except BaseException as error:
                failed.append(error)  # the other callers end after the request they wait for
                raise
            elapsed_s = perf_counter() - began
        return Driven([o for answer in answers for o in answer], elapsed_s, waits_s)


class OpenLoop:
    """One command each ``1/rate`` s, whether the earlier ones are answered or not.

    A command's wait counts from the moment it was due, so a stall is felt by all that were due in
    it (no coordinated omission).
    """

    def __init__(self, *, rate_per_s: float) -> None:
        self.rate_per_s = rate_per_s

    def __call__(self, submit: Submit, submissions: Sequence[Submission]) -> Driven:
        waits_s = [0.0] * len(submissions)
        futures: list[Future[list[Outcome]]] = []

        def answered(index: int, due: float) -> Callable[[Future[list[Outcome]]], None]:
            def note(_: Future[list[Outcome]]) -> None:
                waits_s[index] = perf_counter() - due

            return note

        gc.collect()
        began = perf_counter()
        for index, submission in enumerate(submissions):
            due = began + index / self.rate_per_s
            while (early_s := due - perf_counter()) > 0:
                sleep(max(early_s, SLEEP_S_MIN))
            future = submit([submission])
            future.add_done_callback(answered(index, due))
            futures.append(future)
        wait(futures, ANSWER_TIMEOUT_S)
        elapsed_s = perf_counter() - began
        return Driven([f.result(0)[0] for f in futures], elapsed_s, waits_s)


def accepted(driven: Driven) -> Driven:
    """The same; raises BenchError if anything was refused: a refusal is quicker than a payment."""
    for outcome in driven.outcomes:
        if outcome.problem is not None or outcome.replayed:
            raise BenchError(f"a command of the bench was not accepted: {outcome.problem}")
    return driven
