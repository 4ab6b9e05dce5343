"""Clearing 清算 beside everything else: what the bank has paid is claimed from the central bank,
again and again, and at the end exactly all of it has been claimed, once."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

from tests.faults.model.caller import Caller
from tests.faults.model.courses import fen

BANK = "102"
CHINA = timedelta(hours=8)  # ahead of UTC


class ClearingClerk:
    """Claims for the ledgers of one treasury, and knows every claim that was taken."""

    def __init__(self, caller: Caller, ledgers: Sequence[str]) -> None:
        self._caller = caller
        self._numbers = count(1)
        self._taken: dict[str, list[str]] = {ledger: [] for ledger in ledgers}

    def claim(self) -> bool:
        """Whether there was anything to be claimed, in any ledger."""
        claimed = [self._claim(ledger) for ledger in self._taken]
        return any(claimed)

    def _claim(self, ledger: str) -> bool:
        clear_no = f"QS-{next(self._numbers)}"
        day = (datetime.now(UTC) + CHINA).date().isoformat()
        body = {"clear_no": clear_no, "clear_date": day, "pay_bank_code": BANK}
        answer = self._caller.post(f"/v1/ledgers/{ledger}/clearings", body, "maker")
        if answer.code:
            assert answer.code == "clearing_empty", answer
            return False
        self._taken[ledger].append(clear_no)
        return True

    def unanswered(self) -> list[str]:
        """Clearings that the central bank has not answered yet."""
        return [
            f"{ledger} {shown['clear_no']}: {shown['status']}"
            for ledger, shown in self._shown()
            if shown["status"] != "cleared"
        ]

    def settled_fen(self) -> dict[str, int]:
        """By ledger, what the central bank has paid for it less what came back."""
        settled_fen = dict.fromkeys(self._taken, 0)
        for ledger, shown in self._shown():
            settled_fen[ledger] += fen(shown["pay_amt"]) - fen(shown["refund_amt"])
        return settled_fen

    def _shown(self) -> Iterator[tuple[str, dict[str, str]]]:
        for ledger, numbers in self._taken.items():
            for clear_no in numbers:
                answer = self._caller.get(f"/v1/ledgers/{ledger}/clearings/{clear_no}")
                assert not answer.code, answer
                yield ledger, answer.body
