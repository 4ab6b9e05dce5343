"""The banks' side: receipts come in; certificates can be looked up by whoever verifies."""

import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType
from starlette.responses import Response

from api.access import Right, require_reach, require_right
from api.http.door import Call, Operation, Route, last_commit, recorded
from api.http.problems import problem, problem_response
from api.http.views import CommitView, commit_view
from ledger.deciding.command import Command, Outcome, Submission
from ledger.errors import AccessError, Code, GuokuError, Refusal, RequestError
from payments import certificates
from payments.delivery.receipts import ReceivedReceipt, parse_receipts
from payments.manifest import SignManifest
from payments.payment import ledger_of_voucher
from payments.voucher import ApplyReceipt

VOUCHER_NUMBER = re.compile(rb'<VoucherBody [^<>]{0,200}VoucherNo="([0-9]{23})"')
RECORDED_MAX = 100
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
    treasury = call.treasury
    require_right(call.caller, Right.DELIVER_RECEIPT)
    try:
        receipts = await call.read(
            lambda conn: parse_receipts(conn, treasury.provider, call.data, treasury.now())
        )
    except RequestError as error:
        await _record_unreadable(call, error)
        raise
    outcomes = await _submit(call, receipts)
    refused = outcomes[0].problem if len(outcomes) == 1 else None
    if refused is not None and refused.code.status in ABOUT_THE_RECEIPT:
        headers = {"Idempotent-Replayed": "true"} if outcomes[0].replayed else None
        return problem_response(call.request, refused, headers=headers)
    results = [
        ReceiptResult(
            index=index,
            vt_code=receipt.vt_code,
            voucher_no=receipt.voucher_no,
            status=outcome.status,
            problem=UNSET if outcome.problem is None else problem(outcome.problem),
        )
        for index, (receipt, outcome) in enumerate(zip(receipts, outcomes, strict=True))
    ]
    return call.respond(
        ReceiptResults(results=results, commit=commit_view(last_commit(outcomes))),
        replayed=all(outcome.replayed for outcome in outcomes),
    )


async def _record_unreadable(call: Call, error: GuokuError) -> None:
    """A message that cannot be read is on record too, in the ledgers whose vouchers it names: a
    flipped bit may break its form as well as its signature."""
    numbers = {match.decode() for match in VOUCHER_NUMBER.findall(call.data)}
    for number in sorted(numbers)[:RECORDED_MAX]:
        key = ledger_of_voucher(number)
        if key is not None and _out_of_reach(call, key) is None and await call.exists(key):
            await call.refuse(key, call.caller, "receipt.take", number, error)


async def _submit(call: Call, receipts: Sequence[ReceivedReceipt]) -> list[Outcome]:
    """Outcomes in the order of the message; each ledger gets its receipts in one group."""
    outcomes: list[Outcome] = []
    by_ledger: dict[int, list[int]] = {}
    for index, receipt in enumerate(receipts):
        problem = receipt.problem or _out_of_reach(call, receipt.ledger_id)
        if receipt.ledger_id is None or not await call.exists(receipt.ledger_id):
            problem = problem or AccessError(Code.LEDGER_NOT_FOUND, "no such ledger was opened")
        elif problem is None or isinstance(problem, Refusal | AccessError):
            by_ledger.setdefault(receipt.ledger_id, []).append(index)
        outcomes.append(Outcome(problem=problem))
    for key, places in by_ledger.items():
        commands = [_command(receipts[place], outcomes[place].problem) for place in places]
        manifests = _manifests([receipts[place] for place in places])
        if call.dry_run:  # it leaves no manifest behind that a receipt could name
            manifests, commands = [], [_without_manifest(command) for command in commands]
        submissions = [
            Submission(command=command, by=call.caller.principal, dry_run=call.dry_run)
            for command in (*manifests, *commands)
        ]
        decided = (await call.submit_as(key, submissions))[len(manifests) :]
        for place, outcome in zip(places, decided, strict=True):
            outcomes[place] = outcome
    return outcomes


def _out_of_reach(call: Call, key: int | None) -> GuokuError | None:
    try:
        if key is not None:
            require_reach(call.caller, key)
    except AccessError as error:
        return error
    return None


def _command(receipt: ReceivedReceipt, problem: GuokuError | None) -> Command:
    """The receipt for the books to judge, or, for the record, why it did not get that far."""
    if problem is not None:
        return recorded("receipt.take", receipt.voucher_no, problem)
    assert receipt.command is not None, "a receipt is a command or a problem"
    return receipt.command


def _without_manifest(command: Command) -> Command:
    if isinstance(command, ApplyReceipt):
        return msgspec.structs.replace(command, manifest_no="", leaf=0)
    return command


def _manifests(receipts: Sequence[ReceivedReceipt]) -> list[SignManifest]:
    """What goes into the books before the receipts that name it."""
    found = {r.manifest.number: r.manifest for r in receipts if r.manifest is not None}
    return list(found.values())


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
