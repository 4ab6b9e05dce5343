"""Errors, one tree: what was wrong before anything was sent, no answer, and the server's problems.

::

    ClientError
    ├─ AmountError            an amount that is not Decimal or yuan text; nothing was sent
    ├─ SigningError           a key, or something to sign that is not what it says it is
    └─ ServerError            has `outcome_unknown`: whether the act may have been done all the same
       ├─ NoAnswer            no answer came in the time that Retries gives
       ├─ UnexpectedAnswer    an answer that is not the server's, a proxy's page for instance
       └─ Problem             RFC 9457: code, detail, pointer, hint
          ├─ Malformed        400    ├─ Conflict   409    ├─ Overloaded    429
          ├─ Unauthenticated  401    ├─ TooMany    413    ├─ Unavailable   503
          ├─ Forbidden        403    ├─ Refused    422    └─ ServerFailed  500
          ├─ NotFound         404    │  └─ Insufficient   `insufficient_…`
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from guoku_client.hints import HINTS

MEDIA_TYPE = "application/problem+json"


class ClientError(Exception):
    """Whatever this package raises."""


class AmountError(ClientError, ValueError):
    """An amount that is not one."""


class SigningError(ClientError):
    """A key that cannot be read, or something to be signed that is not what it says it is."""


class ServerError(ClientError):
    """Something went wrong with the server.

    ``outcome_unknown`` says that a request may have arrived whose answer did not: the act may have
    been done. Ask for the same again, with the same number and body; it is answered as the first
    time, and nothing is done twice. Where it is False nothing was done.
    """

    outcome_unknown: bool = False


class NoAnswer(ServerError):
    """No answer came, however often it was asked for."""


class UnexpectedAnswer(ServerError):
    """An answer that is neither what was asked for nor a problem of the server's."""

    def __init__(self, detail: str, status: int = 0) -> None:
        super().__init__(detail)
        self.status = status


class Problem(ServerError):
    """A refusal, RFC 9457.

    Attributes:
        code: what programs go by (docs/errors.md).
        pointer: JSON pointer of the field that is wrong, "" where it is none.
        hint: what to do about it, in a sentence; "" where nothing is known.
        detail: for people; it may change.
        members: everything else that the code brings, such as ``bgt_id``, ``on``, ``blockers``.
    """

    def __init__(self, members: Mapping[str, Any], status: int = 0) -> None:
        self.members = dict(members)
        self.code = str(members.get("code", ""))
        self.status = int(members.get("status") or status)
        self.title = str(members.get("title", ""))
        self.detail = str(members.get("detail", ""))
        self.pointer = str(members.get("pointer") or "")
        self.correlation_id = str(members.get("correlation_id") or "")
        self.hint = str(members.get("hint") or HINTS.get(self.code, ""))
        super().__init__(f"{self.code} ({self.status}): {self.detail or self.title}")


class Malformed(Problem):
    """400: nothing is stored; mend it and use the same number."""


class Unauthenticated(Problem):
    """401."""


class Forbidden(Problem):
    """403: the right is missing, or another person has to do it (``same_person``)."""


class NotFound(Problem):
    """404."""


class Conflict(Problem):
    """409: the state of the books is another."""


class TooMany(Problem):
    """413."""


class Refused(Problem):
    """422: the refusal is stored under the number; a new attempt takes a new one."""


class Insufficient(Refused):
    """``insufficient_…``: too little of what the code names."""

    @property
    def available_amt(self) -> Decimal | None:
        """Yuan that are left, None where it is not told."""
        return self._amount("available_amt")

    @property
    def requested_amt(self) -> Decimal | None:
        """Yuan that were asked for."""
        return self._amount("requested_amt")

    def _amount(self, name: str) -> Decimal | None:
        text = self.members.get(name)
        return None if text is None else Decimal(str(text))


class Overloaded(Problem):
    """429: too much is under way; of this request nothing was done."""


class Unavailable(Problem):
    """503, or a gateway's 502 and 504."""


class ServerFailed(Problem):
    """500: the reason is in the server's log under ``correlation_id``."""


_BY_STATUS: dict[int, type[Problem]] = {
    400: Malformed,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooMany,
    422: Refused,
    429: Overloaded,
    500: ServerFailed,
    503: Unavailable,
}


def problem_from(members: Mapping[str, Any], status: int = 0) -> Problem:
    """The problem of its class."""
    status = int(members.get("status") or status)
    kind = _BY_STATUS.get(status, Problem)
    if kind is Refused and str(members.get("code", "")).startswith("insufficient_"):
        kind = Insufficient
    return kind(members, status)


def error_from(status: int, media_type: str, content: bytes) -> ServerError:
    """What an answer that is no success says."""
    if media_type.partition(";")[0].strip().lower() == MEDIA_TYPE:
        try:
            return problem_from(msgspec.json.decode(content, type=dict[str, Any]), status)
        except msgspec.MsgspecError:
            pass  # cut off on the way
    if status in (502, 503, 504):  # a gateway before a server that is away
        return Unavailable({"detail": f"a gateway answered {status}"}, status)
    start = content[:200].decode("utf-8", "replace")
    return UnexpectedAnswer(f"{status} {media_type or 'without a type'}: {start}", status)
