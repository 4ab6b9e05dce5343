"""flood: how long payments wait while somebody else takes what he can get of the server.

The same payments at the same rate, with nobody else there and then beside each kind of flood
(``bench.hostile``, in a process of its own on the same machine), in turns; and how much memory the
server keeps once it is over.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from time import perf_counter

from api.demo.client import Client
from bench import hostile, processes
from bench.http_targets import LEDGER, PostTarget, Server, books, payments
from bench.measure import BenchError, Record, Scale, SuiteResult, Tell
from ledger.postgres.embedded import EmbeddedPostgres

CONNECTIONS = 16
PER_S = 150
WARM_UP, PAYMENTS = 300, 450
MEMORY_BACK_WITHIN_S = 60.0
POLL_S = 0.5
MARGIN_BYTES = 32 * 1024 * 1024  # what an allocator may keep and use again

RUN_NO = "FLOOD"
ALONE = "a payment a request, nobody else"
BESIDE = "a payment a request, beside {}"
MEMORY = "kept after {}"

TIMED = {
    ALONE: f"{PER_S} payments a second are due, on {CONNECTIONS} connections; a wait counts from"
    " when its payment was due",
    "beside": "the same while a process of its own does its worst on the same cores",
    "kept": "memory of the server above what it had before, as soon as it is back within"
    f" {MARGIN_BYTES >> 20} MiB, or after {MEMORY_BACK_WITHIN_S:.0f} s",
}


def run(server: EmbeddedPostgres, scale: Scale, tell: Tell) -> SuiteResult:
    """Measures; see the module."""
    record = Record(tell)
    record.timed.update(TIMED)
    with books(server, "flood") as victim:
        path = _open_run(victim)
        target = PostTarget(ALONE, victim.url, f"{LEDGER}/payments", victim.maker, "201")
        target.post(payments(scale.count(WARM_UP)), connections=CONNECTIONS)
        pid = _server_pid()
        for _ in record.rounds(scale):
            _pay(record, scale, target)
            for kind in hostile.KINDS:
                before_bytes = processes.resident_bytes(pid)
                with flooding(kind, victim, path):
                    _pay(record, scale, target._replace(name=BESIDE.format(kind)))
                kept_bytes = _kept(pid, before_bytes)
                record.value(MEMORY.format(kind), "bytes of memory", max(1, kept_bytes))
    calm_ms = record.percentile_ms(ALONE, 0.99)
    for kind in hostile.KINDS:
        name = f"p99_beside_{kind.replace(' ', '_')}"
        record.ratio_of(name, record.percentile_ms(BESIDE.format(kind), 0.99) / calm_ms)
    return record.result()


def _open_run(victim: Server) -> str:
    """A disbursement run; the path that its lines are loaded by."""
    with Client(victim.url, victim.maker) as client:
        body = {"run_no": RUN_NO, "bgt_id": "ZB-000001", "title": "工资"}
        client.post(f"{LEDGER}/disbursements", body)
    return f"{LEDGER}/disbursements/{RUN_NO}/lines"


def _pay(record: Record, scale: Scale, target: PostTarget) -> None:
    record.tell(target.name)
    bodies = payments(scale.count(PAYMENTS))
    answers = target.post(bodies, connections=CONNECTIONS, arrivals_per_s=PER_S)
    record.waits(target.name, answers.waits_s)


@contextmanager
def flooding(kind: str, victim: Server, path: str) -> Iterator[None]:
    """The flood, for the length of the block."""
    arguments = [kind, victim.url, path, victim.other_maker]
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.hostile", *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        if not process.stdout.readline():
            raise BenchError(f"{kind}: nobody came; the reason is above")
        yield
        if process.poll() is not None:
            raise BenchError(f"{kind}: it was over before the payments were")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _server_pid() -> int:
    for pid in processes.family(os.getpid()):
        command = processes.command_line(pid)
        if "api.cli" in command and "serve" in command:
            return pid
    raise BenchError("the server is not among the processes that were started")


def _kept(pid: int, before_bytes: int) -> int:
    """Memory above what it was, once it is back or will not come back in time."""
    deadline = perf_counter() + MEMORY_BACK_WITHIN_S
    while True:
        kept_bytes = processes.resident_bytes(pid) - before_bytes
        if kept_bytes <= MARGIN_BYTES or perf_counter() >= deadline:
            return kept_bytes
        Event().wait(POLL_S)
