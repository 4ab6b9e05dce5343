"""What operations staff ask: is it alive, is it ready and if not why, what do the figures say."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import psycopg
from fastapi import APIRouter, Depends
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from psycopg import Connection
from psycopg_pool import ConnectionPool
from starlette.responses import Response

from api.access import Right
from api.http.admission import require_caller
from api.http.call import Call
from api.http.dependencies import AnyCall, Reading
from api.http.models.enums import Tag
from api.http.problems import OF_READ, refusals
from api.http.routes import Operation
from api.http.services import Services
from api.webhooks.positions import FollowedLedger, followed
from ledger.account_set import ledger_text
from ledger.sealing.history_guard import WAY_OUT
from payments.delivery import outbox
from payments.delivery.dispatcher import Dispatcher
from payments.delivery.outages import read_outages
from projections.catalogue import PROJECTIONS

router = APIRouter(route_class=Operation, tags=[Tag.OPERATIONS])

READY_ANSWER_S = 0.8  # whoever asks wants to know within a second, above all if all is down
LAG_S_MAX = 60.0  # an event that old and not followed means that nobody follows

_LAGGING = """
SELECT count(*) FROM division_ledgers l CROSS JOIN unnest(%(names)s::text[]) AS n (name)
LEFT JOIN proj_positions p ON p.ledger_id = l.ledger_id AND p.projection = n.name AND p.live
JOIN LATERAL (SELECT c.recorded_at FROM commits c WHERE c.ledger_id = l.ledger_id
    AND c.position > coalesce(p.position, 0) ORDER BY c.position LIMIT 1) AS oldest ON true
WHERE l.position > coalesce(p.position, 0)
  AND oldest.recorded_at < now() - make_interval(secs => %(lag_s)s)"""
_OUTBOX_UNSENT = """
SELECT count(*) FROM division_ledgers l LEFT JOIN outbox_positions o USING (ledger_id)
JOIN LATERAL (SELECT c.recorded_at FROM commits c WHERE c.ledger_id = l.ledger_id
    AND c.position > coalesce(o.position, 0) ORDER BY c.position LIMIT 1) AS oldest ON true
WHERE l.position > coalesce(o.position, 0)
  AND oldest.recorded_at < now() - make_interval(secs => %(lag_s)s)"""
_REFUSED = """
SELECT kind, count(*) FROM outbox WHERE state = 'dead'
GROUP BY kind ORDER BY kind"""
_UNSEALED = """
SELECT count(*) FROM sealed_ledgers l LEFT JOIN sealed s USING (ledger_id)
JOIN LATERAL (SELECT c.recorded_at FROM commits c WHERE c.ledger_id = l.ledger_id
    AND c.position > coalesce(s.size, 0) ORDER BY c.position LIMIT 1) AS oldest ON true
WHERE l.position > coalesce(s.size, 0)
  AND oldest.recorded_at < now() - make_interval(secs => %(lag_s)s)"""
_POSITIONS = """
SELECT l.ledger_id, l.position, coalesce(min(p.position), 0), coalesce(max(s.size), 0)
FROM division_ledgers l LEFT JOIN sealed s USING (ledger_id)
LEFT JOIN proj_positions p ON p.ledger_id = l.ledger_id AND p.live
GROUP BY l.ledger_id, l.position ORDER BY l.ledger_id"""


class Readiness(msgspec.Struct):
    """``reasons`` keep the server from being ready; ``degraded`` are faults of others that it works
    on with: a bank that is away keeps nobody from applying, approving and signing."""

    ready: bool
    reasons: list[str]
    degraded: list[str]


class Alive(msgspec.Struct):
    alive: bool


class MetricsText(Response):
    """Prometheus text."""

    media_type = CONTENT_TYPE_LATEST


@router.get(
    "/healthz",
    operation_id="health.live",
    summary="Liveness",
    response_model=Alive,
    responses=refusals(),
)
async def alive(call: AnyCall) -> Response:
    return call.respond(Alive(alive=True))


@router.get(
    "/readyz",
    operation_id="health.ready",
    summary="Readiness, with reasons",
    response_model=Readiness,
    responses={**refusals(), 503: {"model": Readiness, "description": "not ready"}},
)
async def ready(call: AnyCall) -> Response:
    gone = call.treasury.database.trouble()
    degraded: list[str] = []
    try:
        async with asyncio.timeout(READY_ANSWER_S):
            ask = call.services.readiness.get
            reasons, degraded = ([gone], []) if gone else await ask(lambda: _found(call))
    except TimeoutError:
        reasons = [f"the database has not answered within {READY_ANSWER_S:g} s"]
    except psycopg.OperationalError as error:
        reasons = [f"the database cannot be reached: {error}".splitlines()[0]]
    status = 503 if reasons else 200
    readiness = Readiness(ready=not reasons, reasons=reasons, degraded=degraded)
    response = call.respond(readiness, status=status)
    if reasons:
        response.headers["Retry-After"] = "1"
    return response


def _found(call: Call) -> tuple[list[str], list[str]]:
    with call.treasury.pool.connection() as connection:
        degraded = list(_degraded(connection))
    return list(_reasons(call)), degraded


def _degraded(connection: Connection) -> Iterator[str]:
    """Banks that do not answer, and what waits for a person."""
    for outage in read_outages(connection).values():
        since = outage.since.isoformat(timespec="seconds")
        yield f"bank {outage.bank} has not answered since {since}: {outage.last_error}"
    for kind, count in connection.execute(_REFUSED):
        yield f"{count} of kind {kind} were refused by a bank or given up: guoku outbox list"


def _reasons(call: Call) -> Iterator[str]:
    """Why the server is not ready; nothing when it is."""
    background = call.services.background
    runner = background.runner if background else None
    dispatcher = background.dispatcher if background else None
    with call.treasury.pool.connection() as connection:
        for reason in call.treasury.history.reasons():
            yield f"{reason} (history_cut): {WAY_OUT}"
        yield from call.treasury.sequencer.conditions.reasons(connection)
        names = [projection.name for projection in PROJECTIONS]
        scope = {"names": names, "lag_s": LAG_S_MAX}
        if lagging := _count(connection, _LAGGING, scope):
            yield f"{lagging} read models are more than {LAG_S_MAX:.0f} s behind"
        if lagging := _count(connection, _OUTBOX_UNSENT, scope):
            yield f"the outbox of {lagging} ledgers is more than {LAG_S_MAX:.0f} s behind"
        if lagging := _count(connection, _UNSEALED, scope):
            yield f"{lagging} ledgers have events unsealed for more than {LAG_S_MAX:.0f} s"
    if background is not None and background.sealer is not None:
        yield from background.sealer.health().reasons
        for cosigner in background.cosigners:
            yield from cosigner.health().reasons
    if runner is not None:
        yield from runner.health().reasons
    if dispatcher is not None:
        yield from _dispatcher_reasons(dispatcher)
    for part in (*background.children, *background.recordings) if background else ():
        if fault := part.fault():
            yield fault


def _dispatcher_reasons(dispatcher: Dispatcher) -> Iterator[str]:
    health = dispatcher.health()
    if not health.running:
        yield "the dispatcher does not run"
    elif health.last_error:
        yield f"the dispatcher cannot work: {health.last_error}"
    elif health.last_loop_at is not None:
        silent_s = (datetime.now(UTC) - health.last_loop_at).total_seconds()
        if silent_s > LAG_S_MAX:
            yield f"the dispatcher has been silent for {silent_s:.0f} s"


def _count(connection: Connection, statement: str, scope: dict[str, Any]) -> int:
    row = connection.execute(statement.encode(), scope).fetchone()
    assert row is not None
    return int(row[0])


# ---- figures


class _Standing(Collector):
    """Positions, lag and outbox, read when they are asked for."""

    def __init__(self, pool: ConnectionPool, services: Services) -> None:
        self._pool = pool
        self._services = services

    def collect(self) -> Iterable[Metric]:
        position = GaugeMetricFamily(
            "guoku_ledger_position", "Position of the ledger's head", labels=["ledger"]
        )
        lag = GaugeMetricFamily(
            "guoku_projection_lag_events",
            "Events that the slowest read model has still to see",
            labels=["ledger"],
        )
        unsealed = GaugeMetricFamily(
            "guoku_unsealed_events", "Events without a checkpoint", labels=["ledger"]
        )
        with self._pool.connection() as connection:
            for ledger_id, head, projected, sealed in connection.execute(_POSITIONS):
                position.add_metric([ledger_text(ledger_id)], head)
                lag.add_metric([ledger_text(ledger_id)], head - projected)
                unsealed.add_metric([ledger_text(ledger_id)], head - sealed)
            standing = outbox.standing(connection)
            outages = read_outages(connection)
            webhooks = followed(connection)
        states = GaugeMetricFamily("guoku_outbox_rows", "Outbox rows by state", labels=["state"])
        for state in ("due", "sent", "dead"):
            states.add_metric([state], getattr(standing, state))
        silent = GaugeMetricFamily(
            "guoku_bank_silent", "1 while a bank does not answer", labels=["bank", "url"]
        )
        for outage in outages.values():
            silent.add_metric([outage.bank, outage.url], 1)
        yield silent
        yield position
        yield lag
        yield unsealed
        yield from self._sealer()
        yield states
        yield GaugeMetricFamily(
            "guoku_outbox_lag_events", "Events the outbox has not read", value=standing.lag_events
        )
        yield GaugeMetricFamily(
            "guoku_sequencer_waiting_commands",
            "Commands of this process that wait for their commit",
            value=self._services.capacity.commands,
        )
        yield GaugeMetricFamily(
            "guoku_http_body_bytes",
            "Bytes of bodies of requests under way",
            value=self._services.capacity.body_bytes,
        )
        yield CounterMetricFamily(
            "guoku_http_busy_refusals",
            "Requests refused because too much was under way",
            value=self._services.capacity.refused,
        )
        yield from self._services.connections.figures()
        yield GaugeMetricFamily(
            "guoku_live_streams", "Open event streams", value=self._services.live.streams
        )
        yield from _of_webhooks(webhooks)
        for name, value in self._pool.get_stats().items():
            yield GaugeMetricFamily(f"guoku_pool_{name}", f"psycopg pool: {name}", value=value)

    def _sealer(self) -> Iterator[Metric]:
        background = self._services.background
        if background is None or background.sealer is None:
            return
        health = background.sealer.health()
        yield CounterMetricFamily(
            "guoku_sealed_events", "Events sealed by this process", value=health.sealed_events
        )
        yield CounterMetricFamily(
            "guoku_checkpoints", "Checkpoints signed by this process", value=health.checkpoints
        )
        yield GaugeMetricFamily(
            "guoku_sealing_stopped",
            "Ledgers whose history is not sealed because it does not agree with what was sealed",
            value=len(health.stopped),
        )
        away = GaugeMetricFamily(
            "guoku_witness_away", "1 while a witness cannot be asked", labels=["witness"]
        )
        refusing = GaugeMetricFamily(
            "guoku_witness_refusals", "Origins that a witness does not cosign", labels=["witness"]
        )
        for cosigner in background.cosigners:
            standing = cosigner.health()
            away.add_metric([standing.witness], int(bool(standing.away)))
            refusing.add_metric([standing.witness], len(standing.refused))
        yield away
        yield refusing


def _of_webhooks(webhooks: Sequence[FollowedLedger]) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "guoku_webhook_lag_events",
        "Events behind which receivers of webhooks are, over all of them",
        value=sum(each.at.head - each.at.position for each in webhooks),
    )
    yield GaugeMetricFamily(
        "guoku_webhooks_stopped",
        "Ledgers of webhooks that nothing more is brought of until somebody replays",
        value=sum(bool(each.at.stopped) for each in webhooks),
    )
    yield GaugeMetricFamily(
        "guoku_webhook_dead_letters",
        "Events that receivers never took",
        value=sum(each.dead_letters for each in webhooks),
    )


def register_figures(registry: CollectorRegistry, services: Services) -> None:
    """Puts the books' figures into the registry, and counts commits from now on."""
    commits = Counter("guoku_sequencer_batches", "Commits of this process", registry=registry)
    services.treasury.sequencer.on_commit(lambda _ledger_id, _position: commits.inc())
    registry.register(_Standing(services.treasury.pool, services))


@router.get(
    "/metrics",
    operation_id="health.metrics",
    summary="Prometheus",
    response_class=MetricsText,
    responses=refusals(*OF_READ),
)
async def metrics(call: Annotated[Call, Depends(Reading(Right.WATCH))]) -> Response:
    require_caller(call)
    figures = call.services.figures
    return MetricsText(await figures.get(lambda: generate_latest(call.services.registry)))
