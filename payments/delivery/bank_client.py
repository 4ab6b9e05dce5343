"""Talking to a bank or the central bank over HTTP: one message, one answer for each voucher in it.

What is sent is a MOF envelope. What comes back says for every voucher whether it was taken in, was
known already (``replayed``), or is refused, with a problem as everywhere in this project. How the
two differ decides about money: only an answer 200 that names a voucher is about that voucher.
Silence, a broken line, a server's trouble or a bare status, which may be of a gateway in front of
the bank, says nothing, and the voucher is sent again under its number.
"""

from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Literal, NamedTuple

import httpx
import msgspec

from ledger.errors import Code, UnavailableError
from payments.messages.envelope import VoucherBody, build_envelope

CONTENT_TYPE = "application/xml; charset=GBK"
ANSWER_SHOWN_MAX = 200
ANSWER_BYTES_MAX = 8 * 1024 * 1024
ALONE_MAX = 8

# A whole message that is refused with one of these may be taken in by parts.
ABOUT_THE_MESSAGE = frozenset({400, 409, 413, 415, 422})
# Of a voucher that is named: of the moment or the setup, as 5xx; other 4xx are of the voucher.
OF_THE_MOMENT = frozenset({401, 408, 425, 429})


class VoucherProblem(msgspec.Struct, frozen=True):
    """Why a voucher is refused: a code of ``ledger.errors``, its status, a sentence."""

    code: str
    status: int
    detail: str


class Acknowledgement(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a receiver says of one voucher."""

    voucher_no: str
    status: Literal["accepted", "replayed", "refused"]
    problem: VoucherProblem | None = None

    @property
    def definitive(self) -> bool:
        """Whether a refusal is about the voucher itself, so that sending it again is pointless."""
        return (
            self.problem is not None
            and 400 <= self.problem.status < 500
            and self.problem.status not in OF_THE_MOMENT
        )


class MessageAnswers(NamedTuple):
    """What is known of the vouchers of a message: answers, and why the others have none."""

    answers: dict[str, Acknowledgement]
    unanswered: dict[str, str]


class _UnansweredError(Exception):
    """Nothing was said about the vouchers of a message, and why."""


class _WholeRefusedError(Exception):
    """A status about a message, of whoever answered: the bank or a gateway in front of it."""


class Acknowledgements(msgspec.Struct, frozen=True):
    """The body of a receiver's answer."""

    results: list[Acknowledgement]


class Inquiry(msgspec.Struct, frozen=True):
    """查询: which of these voucher numbers does the receiver know?"""

    voucher_nos: list[str]


class InquiryAnswer(msgspec.Struct, frozen=True):
    """A voucher that the receiver knows: yuan paid of it, and the ``BillNo`` it bears or ""."""

    voucher_no: str
    paid_amt: str
    bill_no: str = ""


class InquiryAnswers(msgspec.Struct, frozen=True):
    """The body of the answer: the known ones; a number that is not there is not known."""

    results: list[InquiryAnswer]


INQUIRIES_PATH = "/inquiries"
INQUIRED_MAX = 1_000  # numbers of one inquiry
_decode = msgspec.json.Decoder(Acknowledgements).decode
_decode_inquiry = msgspec.json.Decoder(InquiryAnswers).decode


class BankClient:
    """Posts envelopes; safe between threads, connections are kept.

    The environment's proxies are not used: what is sent here are payment orders, and their way is
    what the settings say.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._http = httpx.Client(timeout=timeout_s, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def post(self, url: str, bodies: Sequence[VoucherBody]) -> MessageAnswers:
        """Sends one message; gives what is known of each voucher by its number.

        When a message is refused as a whole, its halves are sent, so that one voucher that cannot
        be read does not keep back the others. Where ``ALONE_MAX`` of them are refused alone and
        none is answered, whoever refuses does not look at them, and no more are sent.
        """
        known = MessageAnswers({}, {})
        waiting = [list(bodies)]
        while waiting:
            part = waiting.pop()
            numbers = [body.voucher_no for body in part]
            try:
                answers = self._post(url, part)
            except _WholeRefusedError as error:
                if len(part) > 1:
                    middle = len(part) // 2
                    waiting += [part[middle:], part[:middle]]
                    continue
                known.unanswered[numbers[0]] = str(error)
                if known.answers or len(known.unanswered) < ALONE_MAX:
                    continue
                _give_up(known, waiting, str(error))
                break
            except _UnansweredError as error:
                _give_up(known, [part, *waiting], str(error))
                break
            else:
                known.answers.update((n, answers[n]) for n in numbers if n in answers)
                unnamed = [number for number in numbers if number not in answers]
                known.unanswered.update(dict.fromkeys(unnamed, "the answer does not mention it"))
        return known

    def inquire(self, base_url: str, voucher_nos: Sequence[str]) -> dict[str, InquiryAnswer]:
        """Those of the numbers that the receiver knows.

        Raises:
            UnavailableError: it does not answer, or not so that it can be understood.
        """
        url, known = base_url + INQUIRIES_PATH, dict[str, InquiryAnswer]()
        for start in range(0, len(voucher_nos), INQUIRED_MAX):
            asked = list(voucher_nos[start : start + INQUIRED_MAX])
            try:
                response = self._http.post(url, content=msgspec.json.encode(Inquiry(asked)))
                response.raise_for_status()
                answers = _decode_inquiry(response.content).results
            except (httpx.HTTPError, msgspec.MsgspecError) as error:
                raise _unavailable(url, f"{type(error).__name__}: {error}") from error
            known |= {answer.voucher_no: answer for answer in answers}
        return {number: known[number] for number in voucher_nos if number in known}

    def _post(self, url: str, bodies: Sequence[VoucherBody]) -> dict[str, Acknowledgement]:
        """Raises _UnansweredError, and _WholeRefusedError for a status about the message."""
        content = build_envelope(bodies)
        headers = {"Content-Type": CONTENT_TYPE, "Content-Length": str(len(content))}
        try:
            with self._http.stream("POST", url, content=sent_once(content), headers=headers) as r:
                status, answer = r.status_code, self._read(r)
        except httpx.HTTPError as error:
            raise _UnansweredError(f"{type(error).__name__}: {error}") from error
        if status in ABOUT_THE_MESSAGE:
            raise _WholeRefusedError(f"{status}: {_shown(answer)}")
        if status != httpx.codes.OK:
            raise _UnansweredError(f"{status}: {_shown(answer)}")
        try:
            return {answer.voucher_no: answer for answer in _decode(answer).results}
        except msgspec.MsgspecError as error:
            raise _UnansweredError(f"its answer cannot be read: {error}") from error

    def _read(self, response: httpx.Response) -> bytes:
        """The body, which neither grows nor drips without end."""
        ends_at, content = monotonic() + self._timeout_s, bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > ANSWER_BYTES_MAX or monotonic() > ends_at:
                raise _UnansweredError("its answer does not end")
        return bytes(content)


def _give_up(known: MessageAnswers, parts: Sequence[Sequence[VoucherBody]], why: str) -> None:
    known.unanswered.update((body.voucher_no, why) for part in parts for body in part)


def sent_once(content: bytes) -> Iterator[bytes]:
    """The body of a request that is let go when it is sent.

    httpx ties a request and its response into a cycle, so a body of megabytes would stay until the
    garbage collector comes by.
    """
    yield content


def _shown(answer: bytes) -> str:
    return answer[:ANSWER_SHOWN_MAX].decode(errors="replace")


def _unavailable(url: str, detail: str) -> UnavailableError:
    return UnavailableError(Code.UNAVAILABLE, f"{url}: {detail}")
