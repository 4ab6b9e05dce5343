"""The banks' side: receipts come in; certificates can be looked up by whoever verifies."""

from functools import partial
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Path
from msgspec import UNSET, UnsetType
from starlette.responses import Response

from api.access import Right, require_reach
from api.http.admission import last_commit, require_caller
from api.http.call import Call
from api.http.dependencies import Acting, AnyCall
from api.http.models.enums import ItemState, Tag
from api.http.problems import OF_ACT, ProblemDocument, problem, problem_response, refusals
from api.http.routes import Operation
from api.http.views import CommitView, commit_view
from division import certificates
from ledger.errors import Code, RequestError
from payments.receipts.intake import Deliverer

ABOUT_THE_RECEIPT = frozenset({400, 404, 409, 422})
_ENVELOPE = {
    "schema": {
        "type": "string",
        "format": "binary",
        "description": "an e-voucher message 电子凭证 of receipts: XML in GBK, each signed SM2",
    }
}

router = APIRouter(route_class=Operation, tags=[Tag.BANK])


class ReceiptResult(msgspec.Struct, kw_only=True):
    index: int
    vt_code: str
    voucher_no: str
    status: ItemState
    problem: ProblemDocument | UnsetType = UNSET


class ReceiptResults(msgspec.Struct, kw_only=True):
    """One result a receipt, in the order of the message."""

    results: list[ReceiptResult]
    commit: CommitView | None


class CertificateView(msgspec.Struct, kw_only=True):
    """A certificate; the public key is X and Y in hex (128 digits)."""

    serial: str
    subject: str
    public_key: str
    not_before: str
    not_after: str
    revoked_at: str | None


@router.post(
    "/v1/bank/receipts",
    operation_id="bank.receipts",
    summary="Take in signed receipts of banks and of the central bank 回单",
    response_model=ReceiptResults,
    responses=refusals(
        *OF_ACT,
        Code.PAYMENT_NOT_FOUND,
        Code.INVALID_STATE,
        Code.SIGNATURE_INVALID,
        Code.CERTIFICATE_INVALID,
        Code.RECEIPT_MISMATCH,
    ),
    openapi_extra={"requestBody": {"required": True, "content": {"application/xml": _ENVELOPE}}},
)
async def take_receipts(
    call: Annotated[Call, Depends(Acting(Right.DELIVER_RECEIPT))],
) -> Response:
    """Takes in a message of receipts; each stands for itself.

    The answer is 200 with a result for each. Where the message holds one receipt and the receipt
    itself is refused (400, 409, 422) the status says so, too.
    """
    message = await call.read_body()
    require_caller(call)
    take_in = partial(
        call.treasury.receipts.take_in,
        message,
        Deliverer(call.caller.principal, partial(require_reach, call.caller)),
        call.submit_and_wait,
        dry_run=call.dry_run,
    )
    taken = await call.in_thread(take_in)
    outcomes = [receipt.outcome for receipt in taken]
    refused = outcomes[0].problem if len(outcomes) == 1 else None
    if refused is not None and refused.code.status in ABOUT_THE_RECEIPT:
        headers = {"Idempotent-Replayed": "true"} if outcomes[0].replayed else None
        return problem_response(call, refused, headers=headers)
    results = [
        ReceiptResult(
            index=index,
            vt_code=receipt.vt_code,
            voucher_no=receipt.voucher_no,
            status=receipt.outcome.status,
            problem=UNSET if (problem_ := receipt.outcome.problem) is None else problem(problem_),
        )
        for index, receipt in enumerate(taken)
    ]
    return call.respond(
        ReceiptResults(results=results, commit=commit_view(last_commit(outcomes))),
        replayed=all(outcome.replayed for outcome in outcomes),
    )


@router.get(
    "/v1/certificates/{serial}",
    operation_id="certificate.show",
    summary="A certificate by its serial number",
    response_model=CertificateView,
    responses=refusals(Code.NOT_FOUND, Code.BUSY),
)
async def show_certificate(
    call: AnyCall, serial: Annotated[str, Path(description="in the signature as sn")]
) -> Response:
    """Public: whoever holds a signed voucher can verify it."""
    found = None
    if serial.isascii() and serial.isalnum():
        found = await call.read(lambda connection: certificates.find(connection, serial))
    if found is None:
        raise RequestError(Code.NOT_FOUND, "no certificate has this serial number")
    return call.respond(
        CertificateView(
            serial=found.serial,
            subject=found.subject,
            public_key=found.public_key.hex(),
            not_before=found.not_before.isoformat(),
            not_after=found.not_after.isoformat(),
            revoked_at=found.revoked_at.isoformat() if found.revoked_at else None,
        )
    )
