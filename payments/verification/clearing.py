"""零余额: the zero-balance account, and what was claimed, from journals and events apart (inv. 12).

The account is zero at the end of each cleared day: what its journals move on a day is what banks
paid, less what came back and what the central bank settled. And what was ever claimed is what was
receipted, less what was refunded and what still waits. Two readings that know nothing of each other
have to come to the same.
"""

from collections.abc import Mapping

import msgspec
import psycopg

from ledger.books import Charts
from ledger.money import yuan
from ledger.verification.checks import BROKEN, name_check
from ledger.verification.findings import Findings
from ledger.verification.following import told
from payments.clearing.uncleared import UNCLEARED
from payments.clearing.uncleared_key import UnclearedKey
from payments.messages.vt_codes import CLAIM, REFUND_CLAIM

BOOK, ACCOUNT = "zero_balance", "零余额账户"
_ROWS = "SELECT key, amounts[1]::text FROM registers WHERE ledger_id = %s AND register = %s"


def zero_balance_accounts(charts: Charts) -> dict[str, str]:
    """The account's id by version of the charts; a chart of an office's own may have none."""
    return {
        version: account.id
        for version, books in charts.by_version.items()
        for account in books.accounts.values()
        if account.book == BOOK and account.name == ACCOUNT
    }


class ClearedTotals(msgspec.Struct):
    """What was moved so far, in fen.

    Attributes:
        posted: by business day (since 1970), what journals credit the account with.
        told: by business day, what the events make it.
        moved_at: by business day, the last position that moved it.
        paid: by message type, what banks paid (2301) and were given back (2302).
        claimed: by message type, what was claimed, without what was rejected.
    """

    posted: dict[int, int] = {}
    told: dict[int, int] = {}
    moved_at: dict[int, int] = {}
    paid: dict[str, int] = {}
    claimed: dict[str, int] = {}

    def post(self, position: int, day: int, credit_fen: int) -> None:
        self.posted[day] = self.posted.get(day, 0) + credit_fen
        self.moved_at[day] = max(position, self.moved_at.get(day, 0))

    def pay(self, position: int, day: int, vt_code: str, amount_fen: int) -> None:
        """Money of a bank: paid out (2301) or come back (2302)."""
        self._tell(position, day, amount_fen if vt_code == CLAIM else -amount_fen)
        self.paid[vt_code] = self.paid.get(vt_code, 0) + amount_fen

    def claim(self, vt_code: str, amount_fen: int) -> None:
        """``amount_fen`` below zero for a claim that was rejected."""
        self.claimed[vt_code] = self.claimed.get(vt_code, 0) + amount_fen

    def settle(self, position: int, day: int, vt_code: str, amount_fen: int) -> None:
        self._tell(position, day, -amount_fen if vt_code == CLAIM else amount_fen)

    def _tell(self, position: int, day: int, credit_fen: int) -> None:
        self.told[day] = self.told.get(day, 0) + credit_fen
        self.moved_at[day] = max(position, self.moved_at.get(day, 0))


class ClearingCheck:
    """Compares, in the end, what the journals and the events came to."""

    NAME = name_check(
        "clearing", "零余额 zero-balance account and claims, from journals and events", "days",
        "registers",
    )  # fmt: skip

    def __init__(self, findings: Findings, totals: ClearedTotals, charts: Charts) -> None:
        self._findings, self._totals = findings, totals
        self._known = zero_balance_accounts(charts).keys() == charts.by_version.keys()

    def conclude(self, connection: psycopg.Connection, ledger_id: int, head: int) -> None:
        totals = self._totals
        if self._known:
            self._days(totals)
        waiting = self._waiting(connection, ledger_id)
        for vt_code in (CLAIM, REFUND_CLAIM):
            left_fen = totals.paid.get(vt_code, 0) - totals.claimed.get(vt_code, 0)
            if left_fen != waiting.get(vt_code, 0):
                detail = (
                    f"of what is claimed by {vt_code}, {yuan(left_fen)} is not claimed yet by the "
                    f"events, and {yuan(waiting.get(vt_code, 0))} waits 待清算不符"
                )
                self._findings.add(self.NAME, 1, detail, head + 1)

    def _days(self, totals: ClearedTotals) -> None:
        days = sorted(totals.posted.keys() | totals.told.keys())
        self._findings.count(self.NAME, len(days))
        for day in days:
            posted_fen, told_fen = totals.posted.get(day, 0), totals.told.get(day, 0)
            if posted_fen != told_fen:
                detail = (
                    f"the zero-balance account was credited with {yuan(posted_fen)} on its day, "
                    f"the events make it {yuan(told_fen)} 零余额账户不符"
                )
                self._findings.add(self.NAME, totals.moved_at[day], detail)

    def _waiting(self, connection: psycopg.Connection, ledger_id: int) -> Mapping[str, int]:
        """What is stored as not claimed yet, by message type."""
        found: dict[str, int] = {}
        with connection.cursor("uncleared") as cursor:
            cursor.execute(_ROWS, (ledger_id, UNCLEARED.name))
            for key, amount in cursor:
                try:
                    vt_code, waits_fen = UnclearedKey.parsed(key).vt_code, int(amount)
                except BROKEN as error:
                    detail = f"what waits under {key[:100]!r} cannot be read: {told(error)}"
                    self._findings.add(self.NAME, 0, detail)
                    continue
                found[vt_code] = found.get(vt_code, 0) + waits_fen
        return found
