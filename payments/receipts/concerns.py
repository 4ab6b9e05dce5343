"""Who judges which messages: by what they are about, in whatever room that is known.

A message type says what of the books it concerns (``Concern``). How messages of one concern become
commands is a class that the room which keeps these books enters here; nobody above is imported.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import psycopg

from ledger.deciding.command import Command
from ledger.errors import Code, RequestError
from payments.clearing.claims import split_claim_number
from payments.messages.envelope import VoucherBody
from payments.messages.message_types import Concern, MessageType
from payments.receipts.senders import Senders
from payments.voucher_number import ledger_of_voucher


class Judging(ABC):
    """How messages of one concern are judged; made once for an envelope, with all of its bodies of
    that concern, so that what they need is read in few queries. Then safe between threads."""

    def __init__(
        self, connection: psycopg.Connection, senders: Senders, bodies: Sequence[VoucherBody]
    ) -> None:
        self.senders = senders

    def ledger_of(self, body: VoucherBody) -> int | None:
        """Whose books it belongs to; None where there are none."""
        return ledger_named(body.voucher_no)

    @abstractmethod
    def command(self, message: MessageType[Any], body: VoucherBody) -> Command:
        """For the books to judge.

        Raises:
            RequestError, Refusal: what is wrong with it, in the order of ``ledger.errors.Code``.
        """


def ledger_named(voucher_no: str) -> int | None:
    """The ledger that the number of a voucher or claim of ours names."""
    place = split_claim_number(voucher_no)
    return place[0] if place else ledger_of_voucher(voucher_no)


J = TypeVar("J", bound=type[Judging])

_entered: dict[Concern, type[Judging]] = {}


def judges(concern: Concern) -> Callable[[J], J]:
    """Enters a class for a concern; raises ValueError for one that has another's."""

    def enter(cls: J) -> J:
        if _entered.setdefault(concern, cls) is not cls:
            raise ValueError(f"messages about a {concern} are judged twice")
        return cls

    return enter


def judging_of(message: MessageType[Any]) -> type[Judging]:
    """How a message is judged.

    Raises:
        RequestError: ``malformed``: of what it concerns nothing is taken in here.
    """
    if (cls := _entered.get(message.concerns)) is None:
        raise RequestError(
            Code.MALFORMED, f"no bank says anything of a {message.concerns}", pointer="/VtCode"
        )
    return cls
