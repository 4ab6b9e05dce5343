"""转移支付消息: what two installations say to each other of transfers, and how it is signed.

The sender's says what its ledger has sent, and what it asks back; the answer says what of that the
receiver's ledger has, and what that has said since. Either is one line of JSON and one line of
key and signature. What is said are the commands of the other side, word for word: they are what
its ledger takes, by their numbers, once.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

import msgspec

from ledger.deciding.command import Command
from ledger.errors import Code, GuokuError, Refusal, RequestError
from ledger.gm import PublicKey, sm3
from transfers.answering import NoteAcceptance
from transfers.arriving import NoteArrival
from transfers.giving_back import TakeReduction
from transfers.receiving import ReceiveTransfer
from transfers.reducing import DropReduction, NoteReduction
from transfers.settling import NoteSettlement, TakeSettlement

FORMAT = "guoku.transfers.1"
FUNDS_FORMAT = "guoku.tier_funds.1"  # whoever does not know it refuses it, and takes transfers
PARTS_MAX = 60  # in one message
MESSAGE_BYTES_MAX = 60 * 1024  # as much as is read of somebody who has no token
FRESH_FOR = timedelta(minutes=10)  # what is older may be somebody's who has overheard it

ToReceiver = ReceiveTransfer | TakeReduction | TakeSettlement
ToSender = NoteAcceptance | NoteReduction | DropReduction | NoteSettlement | NoteArrival
TransferStep = ToReceiver | ToSender


class _Spoken(NamedTuple):
    """What messages of a format hold, and their answers."""

    to_receiver: tuple[type[Command], ...]
    to_sender: tuple[type[Command], ...]


_SPOKEN = {
    FORMAT: _Spoken(
        (ReceiveTransfer, TakeReduction), (NoteAcceptance, NoteReduction, DropReduction)
    ),
    FUNDS_FORMAT: _Spoken((TakeSettlement,), (NoteSettlement, NoteArrival)),
}
_encode = msgspec.json.Encoder().encode


class SaidStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command of the other side: its operation, and what it holds."""

    operation: str
    asked: msgspec.Raw


class RefusedStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the receiver's ledger has not taken, and why; it may be brought again."""

    number: str
    code: str
    detail: str


class TransferMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``from_ledger`` has sent to ``to_ledger``, or asks back of it.

    ``after`` is the position of ``to_ledger`` behind which its words are wanted.
    """

    format: str = FORMAT
    from_ledger: str
    to_ledger: str
    made_at: datetime
    after: int
    said: tuple[SaidStep, ...]


class TransferAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``from_ledger``, which receives, answers to the message with this SM3.

    Attributes:
        taken: the numbers of the steps that it has on record, now or from before.
        said: its words behind the position asked for, in the order in which they were said.
        upto: the position up to which these are all; ``head`` is where it stands.
    """

    format: str = FORMAT
    from_ledger: str
    to_ledger: str
    made_at: datetime
    asked_sm3: str
    taken: tuple[str, ...]
    refused: tuple[RefusedStep, ...]
    said: tuple[SaidStep, ...]
    upto: int
    head: int


class SignedText(NamedTuple):
    """A text as it came: its key and its signature (DER), of which nothing is believed yet."""

    text: str
    key: PublicKey
    signature: bytes

    @classmethod
    def of(cls, text: str, key: PublicKey, encoded_signature: str) -> "SignedText":
        """With the signature in base64; raises RequestError ``malformed`` where it is not."""
        try:
            return cls(text, key, base64.b64decode(encoded_signature, validate=True))
        except (ValueError, binascii.Error):
            raise _malformed("a signature is base64") from None

    @property
    def message_sm3(self) -> str:
        return sm3(self.text.encode()).hex()

    @property
    def encoded_signature(self) -> str:
        return base64.b64encode(self.signature).decode("ascii")


class InstallationSigner(NamedTuple):
    """This installation's key, and what signs with it."""

    key: PublicKey
    sign: Callable[[bytes], bytes]

    def signed(self, message: TransferMessage | TransferAnswer) -> bytes:
        """What is sent: the text, and below it key and signature."""
        return self.signed_text(_encode(message))

    def signed_text(self, text: bytes) -> bytes:
        """The same of any one line."""
        signature = base64.b64encode(self.sign(text))
        return b"%s\n%s %s\n" % (text, self.key.hex().encode(), signature)


def read_signed(body: bytes) -> SignedText:
    """The reverse, unverified; raises RequestError ``malformed`` for another form."""
    try:
        text, below, end = body.decode("utf-8").split("\n")
        key, signature = below.split(" ")
        if end:
            raise ValueError(end)
        return SignedText.of(text, PublicKey.from_hex(key), signature)
    except (ValueError, GuokuError):
        raise _malformed("a message is a line of JSON, and one of key and signature") from None


def read_message(text: str) -> TransferMessage:
    """Raises RequestError ``malformed`` for what is none."""
    return _read(text, msgspec.json.Decoder(TransferMessage))


def read_answer(text: str) -> TransferAnswer:
    """Raises RequestError ``malformed`` for what is none."""
    return _read(text, msgspec.json.Decoder(TransferAnswer))


_Said = TypeVar("_Said", TransferMessage, TransferAnswer)


def _read(text: str, decoder: "msgspec.json.Decoder[_Said]") -> _Said:
    try:
        message = decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise _malformed(str(error)) from error
    if message.format not in _SPOKEN or message.made_at.utcoffset() is None:
        raise _malformed(f"its format is {message.format[:40]!r}, or its time has no zone")
    return message


def step_said(step: TransferStep) -> SaidStep:
    return SaidStep(step.OPERATION, msgspec.Raw(_encode(step)))


def steps_of(message: TransferMessage | TransferAnswer) -> list[TransferStep]:
    """What a message asks of the receiver, or an answer tells the sender; raises RequestError
    ``malformed`` for what is not said so in its format."""
    if len(message.said) > PARTS_MAX:
        raise _malformed(f"a message has at most {PARTS_MAX} parts")
    spoken = _SPOKEN[message.format]
    known = spoken.to_receiver if isinstance(message, TransferMessage) else spoken.to_sender
    return [_step_of(said, known) for said in message.said]


def _step_of(said: SaidStep, known: Sequence[type[Command]]) -> TransferStep:
    cls = next((each for each in known if said.operation == each.OPERATION), None)
    if cls is None:
        raise _malformed(f"{said.operation[:40]!r} is nothing that is said so")
    try:
        return msgspec.json.decode(said.asked, type=cls, strict=True)  # type: ignore[return-value]
    except msgspec.MsgspecError as error:
        raise _malformed(f"{said.operation}: {error}") from error


def require_fresh(made_at: datetime, now: datetime) -> None:
    """Raises Refusal ``signature_invalid`` for what was signed long ago, or will be."""
    if abs(now - made_at) > FRESH_FOR:
        raise Refusal(
            Code.SIGNATURE_INVALID,
            f"the message was signed at {made_at.isoformat()}, which is not now 消息过期",
        )


def _malformed(detail: str) -> RequestError:
    return RequestError(Code.MALFORMED, detail)
