"""Health, figures and the published contract: what is served, documented and coded agrees."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

import re
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from api.http.app import DIRECT, create_app
from api.http.observing import RequestFigures
from api.http.problems import TITLES
from api.http.routes import CommandRoute
from api.http.soundness import AMOUNTS, LOOKED_UP
from ledger.elements.code_sets import ElementRegister
from ledger.elements.register import SAME_ELEMENT
from ledger.errors import Code
from ledger.sealing.sealer import Sealer
from projections.core.runner import Runner
from tests.support import asking
from tests.support.http_server import OPERATIONS, HttpTreasury, http, method_of, served
from tests.support.paths import ROOT
from tests.support.waiting import wait_until

ERRORS = ROOT / "docs" / "errors.md"


def test_it_lives_and_is_ready(http: HttpTreasury) -> None:
    assert http.get("/healthz", "").status_code == 200
    answer = http.get("/readyz", "")
    found = {"ready": True, "reasons": [], "degraded": []}
    assert (answer.status_code, answer.json()) == (200, found)


def test_a_dead_projector_is_not_ready(http: HttpTreasury) -> None:
    dead = Runner(http.treasury.pool)
    background = SimpleNamespace(
        runner=dead,
        dispatcher=None,
        sealer=None,
        cosigners=[],
        children=[_Broken()],
        recordings=[],
    )
    with served(create_app(http.treasury, background)) as url:
        answer = asking.get(f"{url}/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["the projector does not run", "bank-sim ended"]
    assert answer.headers["retry-after"] == "1"


def test_a_dead_sealer_is_not_ready(http: HttpTreasury) -> None:
    t = http.treasury
    dead = Sealer(t.pool, t.sequencer, t.keys, t.provider, t.settings.checkpoints_path, t.now)
    background = SimpleNamespace(
        runner=None, dispatcher=None, sealer=dead, cosigners=[], children=[], recordings=[]
    )
    with served(create_app(t, background)) as url:
        answer = asking.get(f"{url}/readyz")
        token = {"Authorization": f"Bearer {http.tokens['ops']}"}
        figures = asking.get(f"{url}/metrics", headers=token).text
    assert (answer.status_code, answer.json()["reasons"]) == (503, ["the sealer does not run"])
    assert "guoku_sealing_stopped 0.0" in figures
    assert f'guoku_unsealed_events{{ledger="{http.ledger}"}}' in figures


def test_latencies_are_counted_in_the_bounds_they_fall_in() -> None:
    registry = CollectorRegistry()
    figures = RequestFigures(registry)
    for status, seconds in ((200, 0.001), (200, 0.0011), (404, 3.0), (200, 60.0)):
        figures.note("/v1", "GET", status, seconds)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"route": "/v1", "method": "GET", **labels})

    requests, seconds = "guoku_http_requests_total", "guoku_http_request_seconds"
    assert [value(requests, status=status) for status in ("200", "404")] == [3, 1]
    bounds = ("0.001", "0.0025", "2.5", "5.0", "10.0", "+Inf")
    assert [value(f"{seconds}_bucket", le=le) for le in bounds] == [1, 2, 2, 3, 3, 4]
    assert value(f"{seconds}_count") == 4
    assert value(f"{seconds}_sum") == pytest.approx(63.0021)


class _Broken:
    def fault(self) -> str | None:
        return "bank-sim ended"


def test_the_figures_tell_what_happened(http: HttpTreasury) -> None:
    figure = http.figure
    posts = (
        'guoku_http_requests_total{method="POST",route="/v1/ledgers/{ledger}/payments",'
        'status="201"}'
    )
    before, batches = figure(posts), figure("guoku_sequencer_batches_total")
    http.applied(http.indicator())
    assert figure(posts) == before + 1
    wait_until(lambda: figure("guoku_sequencer_batches_total") == batches + 2, "what is told last")
    head = http.get("…").json()["position"]
    assert figure(f'guoku_ledger_position{{ledger="{http.ledger}"}}') == head
    text = http.get("/metrics", "ops").text
    for name in ("guoku_projection_lag_events", "guoku_outbox_rows", "guoku_pool_pool_size"):
        assert name in text


def test_the_document_publishes_exactly_what_is_served(http: HttpTreasury) -> None:
    document = http.get("/openapi.json", "").json()
    published = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }
    assert published == {(method_of(operation), operation.path) for operation in OPERATIONS}
    assert document["openapi"].startswith("3.1")
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', http.get("/openapi.json").text))
    assert references <= set(document["components"]["schemas"])
    payment = document["components"]["schemas"]["ApplyPaymentBody"]
    assert payment["properties"]["pay_amt"]["type"] == "string"
    assert payment["properties"]["pay_amt"]["examples"] == ["1234.56"]
    assert payment["properties"]["payee_acct_name"]["description"] == "收款人全称"
    assert payment["additionalProperties"] is False


def test_the_page_for_reading_needs_nothing_from_elsewhere(http: HttpTreasury) -> None:
    page = http.get("/docs", "")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    addresses = re.findall(r'(?:src|href|url)(?:=|: )["\']([^"\']+)', page.text)
    assert "/openapi.json" in addresses
    assert all(address.startswith("/") for address in addresses), addresses
    assert all(http.get(address, "").is_success for address in addresses)


def test_every_code_is_in_the_docs_the_document_and_the_titles(http: HttpTreasury) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d{3}) \|", ERRORS.read_text(encoding="utf-8"), re.M)
    assert rows == [(code.text, str(code.status)) for code in Code], "and in the same order"
    document = http.get("/openapi.json", "").json()
    problem = document["components"]["schemas"]["Problem"]
    assert problem["properties"]["code"] == {"$ref": "#/components/schemas/ProblemCode"}
    codes = document["components"]["schemas"]["ProblemCode"]["enum"]
    assert codes == [code.text for code in Code]
    assert set(TITLES) == set(Code)
    told = {
        code
        for operation in OPERATIONS
        for status, answer in operation.responses.items()
        for code in Code
        if code.status == status and code.text in answer["description"].split(" · ")
    }
    only_in_results = {Code.BATCH_ABORTED, Code.SIGNATURE_ORDER}
    of_a_witness = {
        Code.CHECKPOINT_STALE,
        Code.HISTORY_SHRUNK,
        Code.HISTORY_FORKED,
        Code.PROOF_INVALID,
    }
    assert set(Code) - told == only_in_results | of_a_witness


def test_every_field_of_a_body_is_an_element_of_the_register() -> None:
    for command in (route for route in DIRECT if isinstance(route, CommandRoute)):
        for field in msgspec.structs.fields(command.body.struct):
            if field.type is str and field.name not in AMOUNTS | LOOKED_UP:
                element = SAME_ELEMENT.get(field.name, field.name)
                assert element in ElementRegister.ELEMENTS, command.operation_id


@pytest.mark.parametrize(
    ("model", "field", "kind"),
    [
        ("SetRightsBody", "roles", "PersonRole"),
        ("RegisterPersonBody", "roles", "PersonRole"),
        ("IssueTokenBody", "roles", "PersonRole"),
        ("AgreementView", "role", "PersonRole"),
        ("SetSignaturePolicyBody", "roles", "SigningRole"),
        ("PaymentView", "roles", "SigningRole"),
        ("SigningRequest", "role", "SigningRole"),
    ],
)
def test_a_role_is_published_as_what_it_is(
    http: HttpTreasury, model: str, field: str, kind: str
) -> None:
    """A client that is generated could else give nobody the right to check, nor read who agreed."""
    schemas = http.get("/openapi.json", "").json()["components"]["schemas"]
    shown = schemas[model]["properties"][field]
    assert shown.get("items", shown)["$ref"] == f"#/components/schemas/{kind}"
