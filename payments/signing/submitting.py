"""Bringing signatures to the books, whoever holds the keys that made them."""

from collections.abc import Sequence
from http import HTTPStatus

from ledger.deciding.command import Command, Outcome, RecordRefusal, Submission
from ledger.errors import GuokuError
from ledger.writing.submitting import Submit
from payments.signing.signer import SignedVouchers
from payments.voucher import SignVoucher


def submit_signed(
    ledger_id: int,
    pay_app_nos: Sequence[str],
    signed: SignedVouchers,
    principal: str,
    submit: Submit,
    *,
    dry_run: bool = False,
) -> list[Outcome]:
    """What the books say to signatures, and to what could not be signed.

    A refusal goes on the ledger's record; what could not be done here for a fault of ours is no
    refusal, and does not.

    Args:
        pay_app_nos: of ``signed.vouchers``, each in its place.

    Returns:
        An outcome for each payment, in their order.
    """
    commands: list[Command] = [] if signed.manifest is None else [signed.manifest]
    before = len(commands)
    for number, item in zip(pay_app_nos, signed.vouchers, strict=True):
        if isinstance(item, SignVoucher):
            commands.append(item)
        elif not _is_fault(item):
            commands.append(RecordRefusal.of(SignVoucher.OPERATION, number, item))
    submissions = [Submission(command=c, by=principal, dry_run=dry_run) for c in commands]
    decided = iter(submit(ledger_id, submissions)[before:])
    return [
        Outcome(problem=item) if isinstance(item, GuokuError) and _is_fault(item) else next(decided)
        for item in signed.vouchers
    ]


def _is_fault(problem: GuokuError) -> bool:
    """What the server itself could not do."""
    return problem.code.status >= HTTPStatus.INTERNAL_SERVER_ERROR
