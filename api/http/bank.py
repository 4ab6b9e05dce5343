"""The banks' side: receipts come in; certificates can be looked up by whoever verifies."""

from functools import partial
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType
from starlette.responses import Response

from api.access import Right, require_reach, require_right
from api.http.door import Call, Operation, Route, last_commit
from api.http.problems import problem, problem_response
from api.http.views import CommitView, commit_view
from ledger.errors import Code, RequestError
from payments.receipts.intake import Deliverer
from payments.signing import certificates

ABOUT_THE_RECEIPT = frozenset({400, 404, 409, 422})


class ReceiptResult(msgspec.Struct, kw_only=True):
    index: int
    vt_code: str
    voucher_no: str
    status: Literal["created", "replayed", "refused"]
    problem: dict[str, Any] | UnsetType = UNSET


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


async def take_receipts(call: Call) -> Response:
    """Takes in a message of receipts; each stands for itself.

    The answer is 200 with a result for each. Where the message holds one receipt and the receipt
    itself is refused (400, 409, 422) the status says so, too.
    """
    caller = call.caller
    require_right(caller, Right.DELIVER_RECEIPT)
    take_in = partial(
        call.treasury.receipts.take_in,
        call.data,
        Deliverer(caller.principal, partial(require_reach, caller)),
        call.submit_and_wait,
        dry_run=call.dry_run,
    )
    taken = await call.in_thread(take_in)
    outcomes = [receipt.outcome for receipt in taken]
    refused = outcomes[0].problem if len(outcomes) == 1 else None
    if refused is not None and refused.code.status in ABOUT_THE_RECEIPT:
        headers = {"Idempotent-Replayed": "true"} if outcomes[0].replayed else None
        return problem_response(call.request, refused, headers=headers)
    results = [
        ReceiptResult(
            index=index,
            vt_code=vt_code,
            voucher_no=voucher_no,
            status=outcome.status,
            problem=UNSET if outcome.problem is None else problem(outcome.problem),
        )
        for index, (vt_code, voucher_no, outcome) in enumerate(taken)
    ]
    return call.respond(
        ReceiptResults(results=results, commit=commit_view(last_commit(outcomes))),
        replayed=all(outcome.replayed for outcome in outcomes),
    )


async def show_certificate(call: Call) -> Response:
    """Public: whoever holds a signed voucher can verify it."""
    serial = call.request.path_params["serial"]
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


ROUTES = (
    Route(
        Operation(
            name="bank.receipts",
            method="POST",
            path="/v1/bank/receipts",
            right=Right.DELIVER_RECEIPT,
            summary="Take in signed receipts of banks and of the central bank 回单",
            raw_body="application/xml",
            answer=ReceiptResults,
            codes=(
                Code.PAYMENT_NOT_FOUND,
                Code.INVALID_STATE,
                Code.SIGNATURE_INVALID,
                Code.CERTIFICATE_INVALID,
                Code.RECEIPT_MISMATCH,
            ),
            query=("dry_run",),
        ),
        take_receipts,
    ),
    Route(
        Operation(
            name="certificate.show",
            method="GET",
            path="/v1/certificates/{serial}",
            right=Right.PUBLIC,
            summary="A certificate by its serial number",
            answer=CertificateView,
        ),
        show_certificate,
    ),
)
