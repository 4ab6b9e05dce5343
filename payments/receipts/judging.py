"""Receipts 回单 as they come in: from an envelope to commands for the books, or to what is wrong.

What a message is about is judged by whoever has entered for it (``concerns``). Checks come in the
order of ``ledger.errors.Code``. What only the books can tell (a receipt that is there already,
lines that are not the voucher's) is left to the command.
"""

import base64
import os
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from ledger.deciding.command import Command
from ledger.errors import GuokuError
from ledger.gm import Provider
from ledger.reading.documents import keep_plainly
from payments.manifest import RECEIPT_ROLE, SignManifest
from payments.messages.envelope import VoucherBody, VoucherSignature, parse_envelope
from payments.messages.manifest_list import SignedManifest
from payments.messages.message_types import MessageType, Party, received_by
from payments.receipts import bank_claims as bank_claims
from payments.receipts import claim_receipts as claim_receipts
from payments.receipts import notices as notices
from payments.receipts import orders as orders
from payments.receipts import tellings as tellings
from payments.receipts import voucher_receipts as voucher_receipts
from payments.receipts.concerns import Judging, judging_of, ledger_named
from payments.receipts.senders import Senders


class ReceivedReceipt(msgspec.Struct, frozen=True):
    """One receipt of a message: a command, or the problem; ``ledger_id`` where it is known.

    ``manifest`` is what the command's signature stands in, if it is none of its own: the books must
    have it first. Receipts of one manifest have the same one.
    """

    vt_code: str
    voucher_no: str
    ledger_id: int | None
    command: Command | None = None
    manifest: SignManifest | None = None
    problem: GuokuError | None = None


def parse_receipts(
    connection: psycopg.Connection, provider: Provider, body: bytes, now: datetime
) -> list[ReceivedReceipt]:
    """The receipts of a message, in its order, each verified.

    A problem of one is ``malformed``, ``payment_not_found``, ``signature_invalid``,
    ``certificate_invalid`` or ``receipt_mismatch``; the others are not touched by it.

    Raises:
        RequestError: ``malformed``: the message cannot be read as a whole.
    """
    bodies = parse_envelope(body)
    judging = _Judge(connection, provider, bodies, now)
    if len(bodies) == 1:
        return [judging.judge(bodies[0])]
    if any(signature.manifest is None for body in bodies for signature in body.signatures):
        # Verifying lets go of the interpreter lock.
        with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="receipts") as workers:
            return list(workers.map(judging.judge, bodies))
    return [judging.judge(body) for body in bodies]


class _Judge:
    """What the receipts of one message are judged by, read in a few queries for all."""

    def __init__(
        self,
        connection: psycopg.Connection,
        provider: Provider,
        bodies: Sequence[VoucherBody],
        now: datetime,
    ) -> None:
        self._provider = provider
        self._manifests: dict[tuple[str, SignedManifest], SignManifest] = {}
        senders = Senders(connection, provider, bodies, now)
        by_class: defaultdict[type[Judging], list[VoucherBody]] = defaultdict(list)
        for body in bodies:
            if not isinstance(found := _judged_by(body), GuokuError):
                by_class[found[1]].append(body)
        self._judgings = {cls: cls(connection, senders, of) for cls, of in by_class.items()}

    def judge(self, body: VoucherBody) -> ReceivedReceipt:
        if isinstance(found := _judged_by(body), GuokuError):
            ledger_id = ledger_named(body.voucher_no)
            return ReceivedReceipt(body.vt_code, body.voucher_no, ledger_id, problem=found)
        message, judging = found[0], self._judgings[found[1]]
        received = ReceivedReceipt(body.vt_code, body.voucher_no, judging.ledger_of(body))
        try:
            command = judging.command(message, body)
        except GuokuError as problem:
            return msgspec.structs.replace(received, problem=problem)
        manifest = self._manifest_of(body.signatures[0])
        return msgspec.structs.replace(received, command=command, manifest=manifest)

    def _manifest_of(self, signature: VoucherSignature) -> SignManifest | None:
        """The manifest of a verified signature for the books, which keep its leaves.

        None for a signature of its own; and where the leaves are not with it, so that it must be in
        the books already.
        """
        manifest = signature.manifest
        if manifest is None or not manifest.leaves:
            return None
        place = (signature.sn, manifest)
        if place not in self._manifests:
            self._manifests[place] = SignManifest(
                role=RECEIPT_ROLE,
                cert_serial=signature.sn,
                text=manifest.text,
                signature=base64.b64encode(manifest.value).decode("ascii"),
                leaves_sm3=self._provider.sm3(manifest.leaves).hex(),
                document=keep_plainly(manifest.leaves),
            )
        return self._manifests[place]


def _judged_by(body: VoucherBody) -> tuple[MessageType[Any], type[Judging]] | GuokuError:
    """What a body is and who judges it, or why nobody does."""
    try:
        message = received_by(Party.TREASURY, body)
        return message, judging_of(message)
    except GuokuError as problem:
        return problem
