"""http: payments over HTTP, one by one and in bulk, beside an empty endpoint.

The real application (``guoku serve``) in its own process, the load generator in another, on
127.0.0.1. Every payment is checked, decided, hashed, chained and committed before its answer. Where
a request is one payment, requests/s are payments/s; in bulk both are told.
"""

from collections.abc import Sequence

from bench.http_targets import (
    LEDGER,
    NDJSON,
    PostTarget,
    Servers,
    lines,
    numbers,
    payments,
    servers,
)
from bench.measure import Record, Scale, SuiteResult, Tell
from ledger.postgres.embedded import EmbeddedPostgres

CONNECTIONS = 64
REQUESTS, EMPTY_REQUESTS, WARM_UP_REQUESTS = 3_000, 6_000, 500
ARRIVALS_PER_S = (500, 1_000)
OPEN_LOOP_S = 1.5
BULK_CONNECTIONS = 2
BULK_REQUESTS = {50: 100, 500: 20, 5_000: 4}  # payments a request: requests a round

PAYMENTS = "guoku serve, a payment a request"
FOLLOWED = "guoku serve --with-projector, a payment a request"
EMPTY = "empty FastAPI endpoint, body read"
PARSED = "empty FastAPI endpoint, body parsed"
BULK = "payments:batch, NDJSON, {:,} a request"
APPROVAL = "payments:approve, {:,} a request"

TIMED = {
    PAYMENTS: "from the first request to the last answer, and for each request from its last byte"
    f" sent to its answer, seen by the load generator; {CONNECTIONS} connections, closed loop",
    FOLLOWED: "the same with the read models kept up to date by the same process",
    EMPTY: "the same bodies, headers, connections and server (uvicorn, uvloop, httptools); the"
    " answer is {}",
    PARSED: "the same, the body parsed by FastAPI to a dict",
    "open loop": f"a request is due at a fixed rate; its wait counts from then; {CONNECTIONS}"
    " connections",
    "in bulk": f"{BULK_CONNECTIONS} connections, closed loop; every payment has its own result",
}


def run(server: EmbeddedPostgres, scale: Scale, tell: Tell) -> SuiteResult:
    """Measures; see the module."""
    record = Record(tell)
    record.timed.update(TIMED)
    with servers(server) as up:
        singles = _singles(up)
        for target in singles:
            tell(f"warm-up: {target.name}")
            target.post(payments(scale.count(WARM_UP_REQUESTS)), connections=CONNECTIONS)
        for _ in record.rounds(scale):
            for target in singles:
                _closed(record, scale, target)
            for rate in ARRIVALS_PER_S:
                for target in singles[:2]:
                    _open(record, scale, target, rate)
            for size, requests in BULK_REQUESTS.items():
                _bulk(record, up, size, scale.count(requests))
    for name, over in (("requests_to_empty", PAYMENTS), ("followed_requests_to_empty", FOLLOWED)):
        record.ratio(name, (over, "requests/s"), (EMPTY, "requests/s"))
    record.ratio("requests_to_empty_parsed", (PAYMENTS, "requests/s"), (PARSED, "requests/s"))
    p99 = {name: record.percentile_ms(name, 0.99) for name in (PAYMENTS, EMPTY)}
    record.ratio_of("p99_to_empty", p99[PAYMENTS] / p99[EMPTY])
    single, bulk = record.median(PAYMENTS, "requests/s"), BULK.format(max(BULK_REQUESTS))
    record.ratio_of("bulk_payments_to_single", record.median(bulk, "payments/s") / single)
    return record.result()


def _singles(up: Servers) -> Sequence[PostTarget]:
    path = f"{LEDGER}/payments"
    return (
        PostTarget(EMPTY, up.empty.url, "/empty", up.empty.maker, "200"),
        PostTarget(PAYMENTS, up.alone.url, path, up.alone.maker, "201"),
        PostTarget(PARSED, up.empty.url, "/parsed", up.empty.maker, "200"),
        PostTarget(FOLLOWED, up.followed.url, path, up.followed.maker, "201"),
    )


def _closed(record: Record, scale: Scale, target: PostTarget) -> None:
    record.tell(target.name)
    standard = EMPTY_REQUESTS if target.expected == "200" else REQUESTS
    answers = target.post(payments(scale.count(standard)), connections=CONNECTIONS)
    record.rate(target.name, answers.elapsed_s, requests=len(answers.waits_s))
    record.waits(target.name, answers.waits_s)


def _open(record: Record, scale: Scale, target: PostTarget, per_s: int) -> None:
    name = f"{target.name}, open loop {per_s:,}/s"
    record.tell(name)
    bodies = payments(scale.count(int(per_s * OPEN_LOOP_S)))
    answers = target.post(bodies, connections=CONNECTIONS, arrivals_per_s=per_s)
    record.rate(name, answers.elapsed_s, arrivals=len(answers.waits_s))
    record.waits(name, answers.waits_s)


def _bulk(record: Record, up: Servers, size: int, requests: int) -> None:
    """Payments in bulk, and then their approval by another person."""
    server = up.alone
    bulks = [payments(size) for _ in range(requests)]
    for name, path, token, bodies in (
        (BULK, "payments:batch", server.maker, list(map(lines, bulks))),
        (APPROVAL, "payments:approve", server.checker, list(map(numbers, bulks))),
    ):
        target = PostTarget(
            name.format(size),
            server.url,
            f"{LEDGER}/{path}",
            token,
            "200",
            content_type=NDJSON if name is BULK else "application/json",
            per_request=size,
        )
        record.tell(target.name)
        answers = target.post(bodies, connections=BULK_CONNECTIONS)
        record.rate(target.name, answers.elapsed_s, requests=requests, payments=size * requests)
        record.waits(target.name, answers.waits_s)
