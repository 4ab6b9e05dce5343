"""Where each agent bank is reached: by the channel that its appointment names, today.

Payment orders are money. So their way is folded from the events of the standing ledgers each time
these have gone on, and never taken from a row.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from threading import Lock

import psycopg

from division.bank import AppointedBank
from division.learning import read_banks
from ledger.deciding.state import BEIJING
from ledger.errors import Code, UnavailableError
from ledger.reading.standing_heads import read_standing_heads

UrlOf = Callable[[str], str]


def _today() -> date:
    return datetime.now(UTC).astimezone(BEIJING).date()


class Channels:
    """The addresses of agent banks; safe between threads.

    Args:
        unappointed: addresses by ``pay_bank_code`` that hold while no bank at all is appointed.
        today: the business day.
    """

    def __init__(self, unappointed: Mapping[str, str], today: Callable[[], date] = _today) -> None:
        self._unappointed = unappointed
        self._today = today
        self._lock = Lock()
        self._read: dict[int, tuple[dict[int, int], Mapping[str, AppointedBank]]] = {}

    def read(self, connection: psycopg.Connection, ledger_id: int) -> UrlOf:
        """What gives the address of a bank for vouchers of this ledger; it raises UnavailableError
        where the bank is not appointed now, or nothing is set for it."""
        heads = read_standing_heads(connection, ledger_id)
        positions = {key: head.position for key, head in heads.items()}
        with self._lock:
            before, banks = self._read.get(ledger_id, ({}, {}))
        if before != positions:
            banks = read_banks(connection, positions)
            with self._lock:
                self._read[ledger_id] = positions, banks
        day = self._today()
        return lambda pay_bank_code: self._url_of(banks, pay_bank_code, day)

    def _url_of(self, banks: Mapping[str, AppointedBank], pay_bank_code: str, day: date) -> str:
        if not banks:
            if (url := self._unappointed.get(pay_bank_code)) is None:
                raise UnavailableError(
                    Code.UNAVAILABLE, f"no address is set for bank {pay_bank_code}"
                )
            return url
        bank = banks.get(pay_bank_code)
        channel = None if bank is None else bank.reached(day)
        if channel is None:
            raise UnavailableError(
                Code.UNAVAILABLE, f"bank {pay_bank_code} is not appointed 代理银行 on {day}"
            )
        return channel.url
