"""A simulator's receipts on their way to the treasury: in bulk, until each is acknowledged.

A receipt that was posted and whose acknowledgement was lost is posted again; the treasury applies
it once, because the bytes are the same.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
import msgspec
import structlog
from tenacity import (
    RetryError,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_when_event_set,
    wait_random_exponential,
)

from ledger.errors import Code, UnavailableError
from payments.delivery.bank_client import ABOUT_THE_MESSAGE, CONTENT_TYPE, VoucherProblem, sent_once
from payments.messages.envelope import VoucherBody, build_envelope
from payments.simulators.book import DueReceipt
from payments.simulators.counterparty import Counterparty

UNKNOWN_VOUCHER = frozenset({"payment_not_found", "ledger_not_found"})  # it will stay unknown

log = structlog.get_logger(__name__)

RECEIPTS_PATH = "/v1/bank/receipts"
POLL_S = 0.05
HEADS_AT_ONCE = 3
RETRY_FIRST_S, RETRY_CAP_S = 0.1, 5.0
BUSY_STATUS = 429  # from here on (429, 5xx) a problem is of the moment, not of the receipt
BUSY_PAUSE_S = 1.0
ANSWER_SHOWN_MAX = 300


class ItemResult(msgspec.Struct, frozen=True):
    """What the treasury says of one receipt."""

    status: str
    problem: VoucherProblem | None = None


class ReceiptsAnswer(msgspec.Struct, frozen=True):
    """The body of the treasury's answer, in the order of the message."""

    results: list[ItemResult]


_decode_body = msgspec.msgpack.Decoder(VoucherBody).decode
_decode_results = msgspec.json.Decoder(ReceiptsAnswer).decode


class ReceiptPoster:
    """Posts what its counterparty owes, from :meth:`start` to :meth:`stop`.

    A thread looks for what is due. Messages of one head follow one another; those of different
    heads, which are other ledgers', are under way at the same time.
    """

    def __init__(self, counterparty: Counterparty) -> None:
        self._counterparty = counterparty
        self._config = counterparty.config
        self._http = httpx.Client(
            timeout=self._config.timeout_s,
            trust_env=False,
            verify=self._config.trusted,
            headers={
                "Authorization": f"Bearer {self._config.token}",
                "Content-Type": CONTENT_TYPE,
            },
        )
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receipts", daemon=True)
        self._posting = ThreadPoolExecutor(HEADS_AT_ONCE, thread_name_prefix="posting")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finishes the message under way; what is owed is posted at the next start."""
        self._stopping.set()
        self._counterparty.owing.set()
        self._thread.join()
        self._posting.shutdown(wait=True)
        self._http.close()

    def _run(self) -> None:
        book, owing = self._counterparty.book, self._counterparty.owing
        while not self._stopping.is_set():
            owing.clear()
            try:
                limit = HEADS_AT_ONCE * self._config.receipts_per_message_max
                due = book.due(time.time(), limit)
                for _ in self._posting.map(self._post_in_order, _by_head(due)):
                    pass
            except RetryError:
                return  # stopped meanwhile
            except Exception:
                log.exception("receipts could not be posted; they stay owed")
                self._stopping.wait(RETRY_CAP_S)
                continue
            if not due:
                owing.wait(POLL_S)

    def _post_in_order(self, due: Sequence[DueReceipt]) -> None:
        config = self._config
        for message in _in_messages(due, config.message_bytes_max, config.receipts_per_message_max):
            self._post_until_acknowledged(message)

    def _post_until_acknowledged(self, message: Sequence[DueReceipt]) -> None:
        receipts = [_decode_body(receipt.body) for receipt in message]
        content = build_envelope(self._counterparty.sign_together(receipts))
        retrying = Retrying(
            retry=retry_if_exception_type((httpx.HTTPError, UnavailableError)),
            wait=wait_random_exponential(multiplier=RETRY_FIRST_S, max=RETRY_CAP_S),
            sleep=sleep_using_event(self._stopping),
            stop=stop_when_event_set(self._stopping),
        )
        response = retrying(self._post, content)
        if response.is_success:
            self._settle(message, _decode_results(response.content).results)
        elif len(message) > 1:  # too large, or one of them unreadable: the others get through
            middle = len(message) // 2
            self._post_until_acknowledged(message[:middle])
            self._post_until_acknowledged(message[middle:])
        else:
            shown = f"{response.status_code}: {response.text[:ANSWER_SHOWN_MAX]}"
            log.error("the treasury refused a receipt", number=message[0].number, answer=shown)
            self._counterparty.book.settle([], {r.id: shown for r in message}, {})

    def _post(self, content: bytes) -> httpx.Response:
        response = self._http.post(
            self._config.guoku_url + RECEIPTS_PATH,
            content=sent_once(content),
            headers={"Content-Length": str(len(content))},
        )
        known = response.is_success or response.status_code in ABOUT_THE_MESSAGE
        if not known and _code(response) not in UNKNOWN_VOUCHER:
            raise UnavailableError(Code.UNAVAILABLE, f"{response.status_code}")
        return response

    def _settle(self, message: Sequence[DueReceipt], results: Sequence[ItemResult]) -> None:
        done: list[int] = []
        refused: dict[int, str] = {}
        later: dict[int, float] = {}
        for receipt, result in zip(message, results, strict=True):
            problem = result.problem
            if problem is None:
                done.append(receipt.id)
            elif problem.status < BUSY_STATUS:
                refused[receipt.id] = f"{problem.code}: {problem.detail}"
                log.warning("a receipt was refused", number=receipt.number, code=problem.code)
            else:
                later[receipt.id] = time.time() + BUSY_PAUSE_S
        self._counterparty.book.settle(done, refused, later)


def _code(response: httpx.Response) -> str:
    """The code of a problem document, "" of anything else."""
    try:
        return str(response.json().get("code", ""))
    except (ValueError, AttributeError):
        return ""


def _by_head(due: Sequence[DueReceipt]) -> list[list[DueReceipt]]:
    """The receipts of each head in their order: a message has one, which is read from its first."""
    found: dict[str, list[DueReceipt]] = {}
    for receipt in due:
        found.setdefault(receipt.head, []).append(receipt)
    return list(found.values())


def _in_messages(
    due: Sequence[DueReceipt], bytes_max: int, receipts_max: int
) -> Iterator[list[DueReceipt]]:
    """Receipts of one head in messages, their order kept."""
    message: list[DueReceipt] = []
    size = 0
    for receipt in due:
        if message and (size + len(receipt.body) > bytes_max or len(message) == receipts_max):
            yield message
            message, size = [], 0
        message.append(receipt)
        size += len(receipt.body)
    if message:
        yield message
