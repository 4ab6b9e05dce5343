"""It is FastAPI: what its users add to an application works here as they expect."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.testclient import TestClient
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access import Right
from api.http.admission import admit
from api.http.app import create_app
from api.http.call import Call
from api.http.dependencies import LedgerRead, ReadingLedger
from api.http.operations import Readiness
from api.http.routes import CommandRoute, DirectRoute, Operation
from tests.support.http_server import OPERATIONS, HttpTreasury, http, method_of, served
from tests.support.waiting import HANG_S


def address(operation: Operation, ledger: str) -> str:
    path = operation.path.replace("{ledger}", ledger)
    for name in ("bgt_id", "pay_app_no", "clear_no", "run_no", "serial"):
        path = path.replace("{" + name + "}", "none")
    return path


def test_tracing_sees_every_route_by_its_template(http: HttpTreasury) -> None:
    app = create_app(http.treasury)
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
    with (
        served(app) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=HANG_S) as client,
    ):
        for operation in OPERATIONS:
            client.request(method_of(operation), address(operation, http.ledger))
    seen = {span.name for span in spans.get_finished_spans() if span.kind is SpanKind.SERVER}
    assert seen == {f"{method_of(operation)} {operation.path}" for operation in OPERATIONS}


def test_a_request_asks_few_routes_whether_they_are_meant(
    http: HttpTreasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 300 routes one was tried after the other, each twice: a millisecond of the event loop for
    every request, and 300 that came at one moment kept all payments waiting."""
    asked: list[str] = []
    plain = Operation.matches

    def counted(route: Operation, scope: Scope) -> tuple[Match, Scope]:
        asked.append(route.path)
        return plain(route, scope)

    monkeypatch.setattr(Operation, "matches", counted)
    last = f"/v1/ledgers/{http.ledger}/disbursements/none/lines"
    with TestClient(create_app(http.treasury)) as client:
        assert client.put(last).status_code == 405, "no route has it: all are asked"
        assert len(asked) > 100
        asked.clear()
        assert client.post(last).status_code == 401
    assert len(asked) < 60


class Counting:
    """A middleware as users write them: it counts requests and marks answers."""

    def __init__(self, app: ASGIApp, seen: list[str]) -> None:
        self._app = app
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._seen.append(scope["route"].operation_id)
                message["headers"] = [*message["headers"], (b"x-seen", b"yes")]
            await send(message)

        await self._app(scope, receive, marked if scope["type"] == "http" else send)


def test_a_middleware_sees_ordinary_operations_and_single_commands(http: HttpTreasury) -> None:
    app, seen = create_app(http.treasury), list[str]()
    app.add_middleware(Counting, seen=seen)
    body = http.payment(http.indicator())
    headers = {"Authorization": f"Bearer {http.tokens['maker']}"}
    with (
        served(app) as url,
        httpx.Client(base_url=url, trust_env=False, headers=headers, timeout=HANG_S) as client,
    ):
        payments = f"/v1/ledgers/{http.ledger}/payments"
        answers = [
            client.post(payments, json=body),
            client.get(f"{payments}/{body['pay_app_no']}"),
            client.post(payments, json={}),
        ]
    assert [answer.status_code for answer in answers] == [201, 200, 400]
    assert all(answer.headers["x-seen"] == "yes" for answer in answers)
    assert seen == ["payment.apply", "payment.show", "payment.apply"]


def test_the_test_client_pays(http: HttpTreasury) -> None:
    """The application within the test's own process, without a socket."""
    bgt_id = http.indicator("100.00")
    headers = {"Authorization": f"Bearer {http.tokens['maker']}"}
    with TestClient(create_app(http.treasury), headers=headers) as client:
        path = f"/v1/ledgers/{http.ledger}/payments"
        applied = client.post(path, json=http.payment(bgt_id, "40.00"))
        refused = client.post(path, json=http.payment(bgt_id, "60.01"))
    assert (applied.status_code, applied.json()["status"]) == (201, "applied")
    assert refused.json()["code"] == "insufficient_indicator"
    assert http.figures(bgt_id)["canuse_amt"] == "60.00"


def test_a_route_of_somebody_else_asks_for_callers_and_rights_as_ours_do(
    http: HttpTreasury,
) -> None:
    router = APIRouter(route_class=Operation)

    @router.get("/v1/ledgers/{ledger}/mine", operation_id="mine.show")
    async def mine(call: LedgerRead, least: int = 0) -> dict[str, int]:
        return {"ledger": await admit(call), "least": least}

    app = create_app(http.treasury)
    app.include_router(router)
    path = f"/v1/ledgers/{http.ledger}/mine"
    with TestClient(app) as client:
        client.headers["Authorization"] = f"Bearer {http.tokens['auditor']}"
        assert client.get(path, params={"least": 7}).json() == {"ledger": 4400000002026, "least": 7}
        misspelt = client.get(path, params={"laest": 7}).json()
        assert (misspelt["code"], misspelt["pointer"]) == ("malformed", "/laest")
        client.headers["Authorization"] = f"Bearer {http.tokens['bank']}"
        assert client.get(path).json()["code"] == "forbidden"
        published = client.get("/openapi.json").json()["paths"]["/v1/ledgers/{ledger}/mine"]["get"]
    assert published["security"] == [{"token": []}]
    assert published["x-roles"] == sorted(Right.READ.roles)


def test_a_dependency_is_overridden_as_in_any_application(http: HttpTreasury) -> None:
    reading = ReadingLedger(Right.READ)
    router = APIRouter(route_class=Operation)

    @router.get("/who")
    async def who(call: Annotated[Call, Depends(reading)]) -> str:
        return call.caller.principal

    def nobody(call: Call) -> Call:
        raise PermissionError

    app = create_app(http.treasury)
    app.include_router(router)
    app.dependency_overrides[reading] = nobody
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.get("/who").json()["code"] == "internal"


def test_what_fastapi_makes_of_an_operation_is_made_once_when_it_is_asked_for() -> None:
    """It was made of all of them while the program was loaded, which took most of its start."""

    async def show(call: LedgerRead, least: int = 0) -> Readiness:
        raise NotImplementedError

    operation = Operation("/v1/ledgers/{ledger}/shown", show, response_model=Readiness)
    assert operation.path_regex.match("/v1/ledgers/44-2026/shown")
    assert not {"dependant", "response_field", "app"} & vars(operation).keys()
    together = Barrier(8)

    def asked(_: int) -> Any:
        together.wait(HANG_S)
        return operation.dependant

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(asked, range(8)))
    assert {id(dependant) for dependant in made} == {id(operation.dependant)}
    assert operation.right is Right.READ
    assert operation.query_names == {"least"}
    with pytest.raises(AttributeError):
        operation.nothing_of_the_kind  # type: ignore[attr-defined]  # noqa: B018


def test_operations_have_tags_summaries_and_models(http: HttpTreasury) -> None:
    document = http.get("/openapi.json", "").json()
    tags = {tag["name"] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert set(operation["tags"]) <= tags, where
            assert operation["summary"], where
            for status, answer in operation["responses"].items():
                for media, content in answer["content"].items():
                    assert content["schema"], (where, status, media)
                    if status == "default" or (int(status) >= 400 and status != "503"):
                        assert media == "application/problem+json", where
            for media, content in operation.get("requestBody", {"content": {}})["content"].items():
                assert content["schema"], (where, media)
    for name, schema in document["components"]["schemas"].items():
        for field, shape in schema.get("properties", {}).items():
            if shape.get("type") == "array":
                items = shape["items"]
                assert items != {}, (name, field)
                assert items.get("additionalProperties") is not True, (name, field)


def test_what_is_asked_most_is_tried_first(http: HttpTreasury) -> None:
    app: FastAPI = create_app(http.treasury)
    first = app.routes[0]
    assert isinstance(first, CommandRoute)
    assert first.operation_id == "payment.apply"
    kinds = [isinstance(route, DirectRoute) for route in app.routes]
    assert kinds == sorted(kinds, reverse=True)
