"""名单重复: the register of which lists of payees are being paid, or were.

The same file under a second run number pays everybody twice. A list is what reaches which account:
accounts, spelled one way, and amounts, in whatever order and with whatever names and remarks
(``payments.payees.PayeesDigest``). A run that pays a list again has to name one that
does so already; wages of two months may well be equal to the fen.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, ClassVar

import msgspec

from ledger.books import Charts
from ledger.deciding.registers import (
    WHOLE,
    Movement,
    Register,
    RegisterFold,
    Rows,
    Shortage,
    declare,
)
from ledger.errors import Code, GuokuError
from ledger.events import Event
from payments.disbursement.events import DisbursementApproved, DisbursementClosed


class PaidList(msgspec.Struct, frozen=True, gc=False):
    """How many runs that were not ended before a payment pay a list."""

    runs: int = 0


class _Approved(msgspec.Struct, frozen=True, gc=False):
    """Of ``DisbursementApproved``."""

    payees_sm3: str = ""


class _Closed(msgspec.Struct, frozen=True, gc=False):
    """Of ``DisbursementClosed``."""

    unpaid_payees_sm3: str = ""


class PaidListFold(RegisterFold):
    """Approval enters a list; a run that ends before its first voucher takes it out again."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        DisbursementApproved: _Approved,
        DisbursementClosed: _Closed,
    }

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterator[Movement]:
        if isinstance(event, _Approved) and event.payees_sm3:
            yield event.payees_sm3, 0, 1
        elif isinstance(event, _Closed) and event.unpaid_payees_sm3:
            yield event.unpaid_payees_sm3, 0, -1


def _refuse(short: Shortage) -> GuokuError:
    wanted, there_are = short.wanted_fen, short.available_fen
    return GuokuError(Code.INTERNAL, f"{wanted} runs of {short.key} were to end, of {there_are}")


PAID_LISTS: Register[PaidList] = declare(
    Register(
        name="paid_list",
        row=PaidList,
        floored=("runs",),
        refuse=_refuse,
        fold=PaidListFold,
        whole=True,
        keeps_zero=False,
    )
)
ALL_LISTS = (PAID_LISTS, WHOLE)
