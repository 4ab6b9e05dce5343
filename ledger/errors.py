"""One tree of errors with stable codes.

The order of :class:`Code` is a contract: of several things wrong with a command, the caller is told
the first in this order, so that the same command always gets the same answer. The HTTP status that
belongs to a code stands beside it here and nowhere else.
"""

import errno
from enum import Enum
from typing import Any

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})  # of an OSError that passes without our doing


class Code(Enum):
    """A stable code and its HTTP status, in the order in which checks are made."""

    MALFORMED = ("malformed", 400)
    INVALID_AMOUNT = ("invalid_amount", 400)
    UNAUTHENTICATED = ("unauthenticated", 401)
    FORBIDDEN = ("forbidden", 403)
    LEDGER_NOT_FOUND = ("ledger_not_found", 404)
    IDEMPOTENCY_CONFLICT = ("idempotency_conflict", 422)
    PERIOD_CLOSED = ("period_closed", 409)
    FUTURE_DATE = ("future_date", 409)
    NOT_A_WORKDAY = ("not_a_workday", 409)
    PERIOD_NOT_READY = ("period_not_ready", 409)
    ALREADY_OPENED = ("already_opened", 409)
    ALREADY_REPORTED = ("already_reported", 409)
    INDICATOR_NOT_FOUND = ("indicator_not_found", 404)
    INDICATOR_NOT_EXECUTABLE = ("indicator_not_executable", 409)
    CONTRACT_NOT_FOUND = ("contract_not_found", 404)
    ELEMENT_INVALID = ("element_invalid", 422)
    ELEMENT_MISMATCH = ("element_mismatch", 422)
    CONTRACT_REQUIRED = ("contract_required", 422)
    DETAILS_MISMATCH = ("details_mismatch", 422)
    PARALLEL_ENTRY_MISSING = ("parallel_entry_missing", 422)
    CORRECTION_EXCEEDS_PAID = ("correction_exceeds_paid", 422)
    EXCEEDS_ADVANCE = ("exceeds_advance", 422)
    EXCEEDS_DEBT = ("exceeds_debt", 422)
    EXCEEDS_RECEIVED = ("exceeds_received", 422)
    EXCEEDS_UNSPENT = ("exceeds_unspent", 422)
    BUDGET_MISMATCH = ("budget_mismatch", 422)
    RUN_REPEATED = ("run_repeated", 409)
    CARD_LINE_REPEATED = ("card_line_repeated", 409)
    BANK_NOT_APPOINTED = ("bank_not_appointed", 422)
    INSUFFICIENT_CONTRACT = ("insufficient_contract", 422)
    INSUFFICIENT_PURCHASE_PLAN = ("insufficient_purchase_plan", 422)
    INSUFFICIENT_PLAN = ("insufficient_plan", 422)
    INSUFFICIENT_INDICATOR = ("insufficient_indicator", 422)
    INSUFFICIENT_BUDGET = ("insufficient_budget", 422)
    TRANSFER_ALLOTTED = ("transfer_allotted", 409)
    INSUFFICIENT_CEILING = ("insufficient_ceiling", 422)
    INSUFFICIENT_CASH = ("insufficient_cash", 422)
    INTERCEPTED = ("intercepted", 422)
    CONFIRMATION_REQUIRED = ("confirmation_required", 422)
    PAYMENT_NOT_FOUND = ("payment_not_found", 404)
    CLEARING_EMPTY = ("clearing_empty", 409)
    MONITORED = ("monitored", 409)
    INVALID_STATE = ("invalid_state", 409)
    SAME_PERSON = ("same_person", 403)
    ACCOUNT_INVALID = ("account_invalid", 422)
    SIGNATURE_ORDER = ("signature_order", 409)
    SIGNATURE_INVALID = ("signature_invalid", 422)
    CERTIFICATE_INVALID = ("certificate_invalid", 422)
    RECEIPT_MISMATCH = ("receipt_mismatch", 422)
    REFUND_EXCEEDS_PAID = ("refund_exceeds_paid", 422)
    # What a witness of checkpoints answers.
    CHECKPOINT_STALE = ("checkpoint_stale", 409)
    HISTORY_SHRUNK = ("history_shrunk", 422)
    HISTORY_FORKED = ("history_forked", 422)
    PROOF_INVALID = ("proof_invalid", 422)
    # What follows is about the request as a whole or the server, never about one command's content.
    NOT_FOUND = ("not_found", 404)
    TOO_MANY_ITEMS = ("too_many_items", 413)
    BATCH_ABORTED = ("batch_aborted", 409)
    BUSY = ("busy", 429)
    CLOCK_SKEWED = ("clock_skewed", 503)
    HISTORY_CUT = ("history_cut", 503)
    UNAVAILABLE = ("unavailable", 503)
    INTERNAL = ("internal", 500)

    def __init__(self, text: str, status: int) -> None:
        self.text = text
        self.status = status


BY_TEXT = {code.text: code for code in Code}


class GuokuError(Exception):
    """The root: a code, a sentence for a person, and the figures needed to act on it.

    ``extra`` holds the members that a problem document shows beside the code (``pointer``,
    ``available_amt``, ``requested_amt``, ``bgt_id``); amounts in it are yuan text.
    """

    def __init__(self, code: Code, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.extra: dict[str, Any] = extra

    def __str__(self) -> str:
        return f"{self.code.text}: {self.detail}"

    @property
    def recorded(self) -> dict[str, Any]:
        """What of ``extra`` stays on record: of a report of errors the counts are enough, the
        report is its reader's."""
        return {name: value for name, value in self.extra.items() if name != "errors"}

    def __reduce__(self) -> tuple[Any, ...]:
        """An error that a worker process raises arrives as what it was."""
        return _as_it_was, (type(self), self.args, self.__dict__)


def _as_it_was(
    kind: type[GuokuError], args: tuple[Any, ...], attributes: dict[str, Any]
) -> GuokuError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


class RequestError(GuokuError):
    """The request itself is wrong (400, 413). It is never stored: mended, it may use its number."""


class AccessError(GuokuError):
    """The caller is unknown, or may not do this (401, 403)."""


class Refusal(GuokuError):
    """A command was understood and refused for the state of the books. It is recorded."""


class UnavailableError(GuokuError):
    """Not now: too busy, or a part that is needed does not answer (429, 503)."""

    def __init__(self, code: Code, detail: str, *, retry_after_s: int = 1, **extra: Any) -> None:
        super().__init__(code, detail, **extra)
        self.retry_after_s = retry_after_s


class ConfigurationError(GuokuError):
    """A chart, rule, code set, key store or setting that the program cannot work with."""

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(Code.INTERNAL, detail, **extra)


class HistoryCutError(ConfigurationError):
    """What remembers a history is here, and the history is not: nothing is made in its place, and a
    person says what is to be done."""


class PostingError(GuokuError):
    """The program asked the books for what their rules do not book: an error of the program."""

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(Code.INTERNAL, detail, **extra)


class IntegrityError(GuokuError):
    """Stored history does not agree with itself. Never retried, always shown."""

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(Code.INTERNAL, detail, **extra)
