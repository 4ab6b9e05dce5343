"""异地消息接收: what another installation says of transfers comes in, and is answered.

Who brings it does not matter: its signature says whose word it is, and the registered installation
of whose divisions that may be. Everything in it is taken by its number, once; what is there already
is said to be so. So a message may be lost, doubled, late or overtaken by another one.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import psycopg
from psycopg_pool import ConnectionPool

from budget.received import RECEIVED_TRANSFER, ReceivedTransfer
from division.installations import certificate_of, installation_of
from ledger.account_set import division_of, ledger_text, parse_ledger
from ledger.deciding.command import Outcome, Submission
from ledger.deciding.principals import PROGRAM
from ledger.elements.code_sets import ElementRegister
from ledger.errors import AccessError, Code, Refusal, RequestError
from ledger.gm import Provider
from ledger.money import parse_yuan
from ledger.reading.objects import read_head, read_objects
from ledger.reading.tails import read_tail
from ledger.writing.submitting import Submit
from transfers.fund_messages import (
    FUNDS_WORDS,
    funds_word_of,
    require_settlement_of,
    settlement_there,
)
from transfers.giving_back import TakeReduction
from transfers.messages import (
    FUNDS_FORMAT,
    PARTS_MAX,
    InstallationSigner,
    RefusedStep,
    SaidStep,
    SignedText,
    TransferAnswer,
    TransferMessage,
    TransferStep,
    read_message,
    read_signed,
    require_fresh,
    step_said,
    steps_of,
)
from transfers.receiving import ReceiveTransfer
from transfers.settling import TakeSettlement
from transfers.taking_messages import TakeTransferMessage
from transfers.words import WORDS, places_in, word_of

POSITIONS_MAX = 200_000  # of a history, looked through for one answer
_SHAPED = (
    *("tp_func_code", "fund_type_code", "pro_code", "is_dir_code", "track_pro_code"),
    "bgt_doc_title",
)


class MessageIntake:
    """Takes messages in; safe between threads."""

    def __init__(
        self,
        pool: ConnectionPool,
        provider: Provider,
        signer: Callable[[], InstallationSigner],
        now: Callable[[], datetime],
    ) -> None:
        self._pool, self._provider = pool, provider
        self._signer, self._now = signer, now

    def take_in(self, body: bytes, submit: Submit) -> bytes:
        """The signed answer.

        Raises:
            RequestError: ``malformed``.
            AccessError: ``ledger_not_found``: the receiver's ledger is not open here.
            Refusal: ``certificate_invalid``: no installation that is registered for the sender's
                division has this key; ``signature_invalid``: another text was signed, or long ago;
                ``invalid_state``: the sender's ledger is kept here.
        """
        signed = read_signed(body)
        message = read_message(signed.text)
        sender, to = parse_ledger(message.from_ledger), parse_ledger(message.to_ledger)
        with self._pool.connection() as connection:
            taking = self._judged(connection, signed, message, sender, to)
        steps = steps_of(message)
        for step in steps:
            _check(step, message.from_ledger)
        with self._pool.connection() as connection:
            waiting = [step for step in steps if _state_of(connection, to, step) == ""]
        if waiting:
            asked = [taking, *waiting]
            outcomes = submit(
                to, [Submission(command=each, by=PROGRAM, at_machine=True) for each in asked]
            )
        else:
            outcomes = []
        return self._signer().signed(self._answer(signed, message, to, steps, outcomes, waiting))

    def _judged(
        self,
        connection: psycopg.Connection,
        signed: SignedText,
        message: TransferMessage,
        sender: int,
        to: int,
    ) -> TakeTransferMessage:
        """What puts the message on record; raises what speaks against believing it."""
        if read_head(connection, to) is None:
            raise AccessError(Code.LEDGER_NOT_FOUND, f"{message.to_ledger} is not open here")
        now = self._now()
        serial = require_word_of(connection, self._provider, signed, to, sender, now)
        require_fresh(message.made_at, now)
        return TakeTransferMessage(
            from_ledger=message.from_ledger,
            text=signed.text,
            cert_serial=serial,
            signature=signed.encoded_signature,
        )

    def _answer(
        self,
        signed: SignedText,
        message: TransferMessage,
        to: int,
        steps: Sequence[TransferStep],
        outcomes: Sequence[Outcome],
        waiting: Sequence[TransferStep],
    ) -> TransferAnswer:
        problems = {
            step.number: outcome.problem
            for step, outcome in zip(waiting, outcomes[1:], strict=bool(outcomes))
            if outcome.problem is not None
        }
        taken: list[str] = []
        refused: list[RefusedStep] = []
        with self._pool.connection() as connection:
            for step in steps:
                state = _state_of(connection, to, step)
                if state == TAKEN:
                    taken.append(step.number)
                    continue
                problem = problems.get(step.number) or Refusal(
                    Code.INVALID_STATE, state or "it was not taken"
                )
                refused.append(RefusedStep(step.number, problem.code.text, problem.detail))
            said, upto, head = _words(connection, to, message)
        return TransferAnswer(
            format=message.format,
            from_ledger=message.to_ledger,
            to_ledger=message.from_ledger,
            made_at=self._now(),
            asked_sm3=signed.message_sm3,
            taken=tuple(taken),
            refused=tuple(refused),
            said=said,
            upto=upto,
            head=head,
        )


def require_word_of(
    connection: psycopg.Connection,
    provider: Provider,
    signed: SignedText,
    own: int,
    other: int,
    at: datetime,
) -> str:
    """The serial of the certificate by which this is the word of whoever keeps the ledger
    ``other``, as the ledger ``own`` knows it.

    Raises:
        Refusal: ``certificate_invalid``, ``signature_invalid``, ``invalid_state``.
    """
    if read_head(connection, other) is not None:
        raise Refusal(
            Code.INVALID_STATE, f"{ledger_text(other)} is kept here, and speaks for itself"
        )
    installation = installation_of(connection, own, other)
    if installation is None:
        raise Refusal(
            Code.CERTIFICATE_INVALID,
            f"no installation is registered for the division {division_of(other)} 未登记",
        )
    certificate = certificate_of(connection, installation, signed.key, at)
    if not provider.verify(certificate.public_key, signed.text.encode(), signed.signature):
        raise Refusal(Code.SIGNATURE_INVALID, "the signature is over another text")
    return certificate.serial


TAKEN = "taken"


def _state_of(connection: psycopg.Connection, to: int, step: TransferStep) -> str:
    """``TAKEN``, "" where it waits to be, or why it never will be."""
    if isinstance(step, TakeSettlement):
        there = settlement_there(connection, to, step)
        return "" if there is None else there or TAKEN
    assert isinstance(step, ReceiveTransfer | TakeReduction)
    found = read_objects(connection, to, RECEIVED_TRANSFER, [step.sup_bgt_doc_no])
    received: ReceivedTransfer | None = found.get(step.sup_bgt_doc_no)
    if isinstance(step, TakeReduction):
        answers = () if received is None else received.answers
        return TAKEN if (TakeReduction.OPERATION, step.number) in answers else ""
    if received is None:
        return ""
    if (received.issued, received.terms) == (step.issued, step.terms):
        return TAKEN
    return f"{step.sup_bgt_doc_no} was entered as another's 文号被占用"


def _check(step: TransferStep, from_ledger: str) -> None:
    """Raises RequestError for what no ledger of ours would say, or says of another."""
    if isinstance(step, TakeSettlement):
        require_settlement_of(step, from_ledger)
        return
    place = step.issued if isinstance(step, ReceiveTransfer) else getattr(step, "asked", None)
    if place is None or place.ledger != from_ledger or place.position < 1:
        raise RequestError(Code.MALFORMED, f"{step.number[:60]} is no word of {from_ledger}")
    shaped = {"sup_bgt_doc_no": step.sup_bgt_doc_no, "transfer_no": step.transfer_no}  # type: ignore[union-attr]
    if isinstance(step, ReceiveTransfer):
        terms = step.terms
        shaped |= {name: text for name in _SHAPED if (text := getattr(terms, name))}
        parse_yuan(terms.amt, pointer="/amt")
    else:
        assert isinstance(step, TakeReduction)
        parse_yuan(step.amt, pointer="/amt")
        shaped["reduce_no"] = step.reduce_no
    for name, text in shaped.items():
        ElementRegister.check_shape("exp_func_code" if name == "tp_func_code" else name, text)


def _words(
    connection: psycopg.Connection, to: int, message: TransferMessage
) -> tuple[tuple[SaidStep, ...], int, int]:
    """What this ledger has said of what the sender has sent behind the position asked for, up to
    which position that is all, and where it stands."""
    head = read_head(connection, to)
    assert head is not None, "it was open"
    after = min(max(message.after, 0), head.position)
    upto = min(head.position, after + POSITIONS_MAX)
    of_funds = message.format == FUNDS_FORMAT
    told = [
        each
        for each in read_tail(connection, to, after, upto, FUNDS_WORDS if of_funds else WORDS)
        if getattr(each.event, "from_ledger", "") == message.from_ledger
    ]
    if len(told) > PARTS_MAX:
        told = told[:PARTS_MAX]
        upto = told[-1].position
    places = places_in(connection, to, told)
    word = funds_word_of if of_funds else word_of
    said = tuple(step_said(word(each.event, places[each.position])) for each in told)
    return said, upto, head.position
