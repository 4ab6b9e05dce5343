"""The client's structs say what the published document says, and its hints know every code."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

from typing import Any

import msgspec
import pytest

from guoku_client import asked, shown
from guoku_client.hints import HINTS
from ledger.errors import Code
from tests.support.http_server import HttpTreasury, http

BODIES = {
    asked.NewLedger: "OpenLedgerBody",
    asked.NewIndicator: "IssueIndicatorBody",
    asked.NewPayment: "ApplyPaymentBody",
    asked.NewDetail: "PaymentDetailBody",
    asked.NewRefund: "RefundPaymentBody",
}
ANSWERS = {
    shown.Commit: "CommitView",
    shown.Books: "LedgerView",
    shown.Figures: "IndicatorFigures",
    shown.Indicator: "IndicatorView",
    shown.Signature: "SignatureView",
    shown.Receipt: "ReceiptView",
    shown.PaidDetail: "DetailView",
    shown.Refund: "RefundView",
    shown.HeldBy: "HeldByView",
    shown.Payment: "PaymentView",
    shown.PaymentRow: "PaymentItem",
    shown.IndicatorRow: "IndicatorItem",
    shown.Submitted: "SubmittedView",
    shown.Agreement: "AgreementView",
    shown.Document: "DocumentView",
    shown.DocumentRow: "DocumentItem",
    shown.Run: "RunView",
    shown.Loaded: "LoadView",
    shown.RunLine: "LineResultView",
    shown.Agency: "RegisteredAgencyView",
    shown.Person: "PersonView",
    shown.Webhook: "WebhookView",
}


@pytest.fixture(scope="module")
def schemas(http: HttpTreasury) -> dict[str, Any]:
    return dict(http.get("/openapi.json", "").json()["components"]["schemas"])


@pytest.mark.parametrize("body", BODIES, ids=lambda kind: kind.__name__)
def test_a_body_has_the_fields_of_the_document(
    schemas: dict[str, Any], body: type[msgspec.Struct]
) -> None:
    """All of them: a field that the server learns is missed here."""
    published = schemas[BODIES[body]]
    assert set(body.__struct_fields__) == set(published["properties"])
    needed = {field.name for field in msgspec.structs.fields(body) if field.required}
    assert needed == set(published["required"])


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda kind: kind.__name__)
def test_an_answer_has_what_the_client_reads(
    schemas: dict[str, Any], answer: type[msgspec.Struct]
) -> None:
    published = schemas[ANSWERS[answer]]
    assert set(answer.__struct_fields__) <= set(published["properties"])
    needed = {field.name for field in msgspec.structs.fields(answer) if field.required}
    assert needed <= set(published["required"])


def test_every_struct_is_held_against_the_document() -> None:
    of_module = {
        kind
        for module in (asked, shown)
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, asked.RequestBody | shown.Shown)
        and kind not in (asked.RequestBody, shown.Shown)
    }
    # DocumentName has a shape in a list alone; an event is a line, not JSON of the document
    assert of_module - set(BODIES) - set(ANSWERS) == {asked.DocumentName, shown.LedgerEvent}


def test_there_is_a_hint_for_every_code() -> None:
    assert list(HINTS) == [code.text for code in Code]
