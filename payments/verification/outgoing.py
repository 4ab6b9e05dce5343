"""待发: the outbox against what the events say is on its way.

The table is a reading of the events, but it decides what is sent: a row that is missing keeps a
payment from its bank, as does one that is put off for long; one that is made up sends what nobody
signed. How often something was tried, and that it was given up, are no events and cannot be shown
by them.
"""

from collections.abc import Mapping

import psycopg

from ledger.verification.checks import name_check
from ledger.verification.findings import Findings
from payments.delivery.outbox import Item
from payments.verification.open_items import OpenClaim, OpenRequests, UnderWay

_READ_UPTO = "SELECT position FROM outbox_positions WHERE ledger_id = %s"
# A lease, a wait after a failure, another look: all of them end within minutes.
_ROWS = (
    "SELECT kind, number, position, state, state = 'due' AND next_attempt_at > now() + '1 day'"
    " FROM outbox WHERE ledger_id = %s"
)


def read_upto(connection: psycopg.Connection, ledger_id: int) -> int:
    """How far the outbox has read the ledger."""
    row = connection.execute(_READ_UPTO, (ledger_id,)).fetchone()
    return int(row[0]) if row else 0


class OutboxCheck:
    """What is due and not answered has a row, everything else has none."""

    NAME = name_check(
        "outbox", "待发 what is on its way to banks", "messages", "outbox", "outbox_positions"
    )

    def __init__(self, findings: Findings, upto: int) -> None:
        self._findings, self._upto = findings, upto

    def conclude(
        self,
        connection: psycopg.Connection,
        ledger_id: int,
        head: int,
        payments: Mapping[bytes, UnderWay],
        claims: Mapping[str, OpenClaim],
        requests: OpenRequests,
        answered: Mapping[Item, int],
    ) -> None:
        """``answered`` are those that were answered behind what the outbox has read."""
        if self._upto > head:
            detail = f"the outbox says it has read up to {self._upto} 待发读数有误"
            self._findings.add(self.NAME, head + 1, detail)
        due: dict[Item, tuple[int, bool]] = {
            ("voucher", p.number): (p.due_at, 0 < p.sent_at <= self._upto)
            for p in payments.values()
            if p.due_at
        }
        due |= {("claim", number): (c.due_at, False) for number, c in claims.items()}
        for of, asked in requests.open.items():
            due |= {(of, number): (position, False) for number, position in asked.items()}
        due |= {item: (position, False) for item, position in answered.items()}
        with connection.cursor("outbox") as cursor:
            cursor.execute(_ROWS, (ledger_id,))
            for kind, number, position, state, is_put_off in cursor:
                self._findings.count(self.NAME, 1)
                expected = due.pop((kind, number), None)
                if wrong := _fault((kind, number), expected, position, state, is_put_off):
                    named = f"the {kind} {number!r} in the outbox {wrong}"
                    self._findings.add(self.NAME, expected[0] if expected else 0, named)
        for (kind, number), (position, _) in due.items():
            if position <= self._upto and (kind, number) not in answered:
                detail = f"the {kind} {number!r} is due and not in the outbox 待发缺失"
                self._findings.add(self.NAME, position, detail)


def _fault(
    item: Item,
    expected: tuple[int, bool] | None,
    position: int,
    state: str,
    is_put_off: bool,
) -> str:
    if expected is None:
        return "is of nothing that the events have due 待发多出"
    due_at, sent = expected
    if due_at != position:
        return f"is said to be due since {position}, it is since {due_at}"
    # of a claim or a request that was taken in no event says so
    if item[0] == "voucher" and sent != (state == "sent"):
        said = "was sent" if sent else "was not sent"
        return f"is {state}, and by the events it {said} 待发状态不符"
    return "is put off for more than a day 待发被推迟" if is_put_off else ""
