"""账簿: every journal balances in every book, and no controlled balance is ever below its floor."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from ledger.books import CREDIT, DEBIT, Charts
from ledger.errors import IntegrityError, RequestError
from ledger.events import JournalPosted, Line, PlanSet, decode
from ledger.integrity.verification.amounts import Amounts
from ledger.integrity.verification.findings import Findings
from ledger.money import parse_yuan, yuan
from ledger.reading.streaming import Chunk

CONTROLS = ("available", "frozen", "occupied", "paid", "plan")
_PLAN = CONTROLS.index("plan")
_JOURNAL_TYPE, _PLAN_TYPE = JournalPosted.TYPE.encode(), PlanSet.TYPE.encode()
_JOURNAL_PREFIX, _PLAN_PREFIX = _JOURNAL_TYPE + b"@", _PLAN_TYPE + b"@"  # other versions of them


class Movement(NamedTuple):
    """A change of one controlled balance, in fen; ``control`` is a place in ``CONTROLS``."""

    position: int
    bgt_id: str
    control: int
    change_fen: int


class _Journal(msgspec.Struct, frozen=True, gc=False):
    """What double entry needs of a journal."""

    source: int
    rule: str
    lines: list[Line]
    bgt_id: str = ""


_decode_journal = msgspec.json.Decoder(_Journal).decode


class EntryCheck:
    """Σ debit = Σ credit in each book of each journal, which stands behind the event it is of."""

    NAME = "entry"

    def __init__(self, findings: Findings, charts: Charts, amounts: Amounts) -> None:
        self._findings, self._charts, self._amounts = findings, charts, amounts
        self._controls: dict[str, dict[str, int]] = {}

    def take(self, chunk: Chunk) -> list[Movement]:
        """Checks the chunk's journals; gives what they and the plans move, in order."""
        movements: list[Movement] = []
        journals = 0
        for position, type_, payload in zip(
            chunk.positions, chunk.types, chunk.payloads, strict=True
        ):
            try:
                if type_ == _JOURNAL_TYPE:
                    journals += 1
                    self._journal(position, _decode_journal(payload), movements)
                elif type_ == _PLAN_TYPE or type_.startswith((_JOURNAL_PREFIX, _PLAN_PREFIX)):
                    journals += self._other(position, type_.decode(), payload, movements)
            except (msgspec.MsgspecError, IntegrityError, RequestError) as error:
                self._findings.add(self.NAME, position, f"its bytes cannot be read: {error}")
        self._findings.count(self.NAME, journals)
        return movements

    def _other(self, position: int, type_: str, payload: bytes, into: list[Movement]) -> int:
        """A plan, or a journal of another version; how many journals it was."""
        event = decode(type_, payload)
        if isinstance(event, PlanSet):
            change_fen = parse_yuan(event.plan_amt, signed=True)
            into.append(Movement(position, event.bgt_id, _PLAN, change_fen))
            return 0
        assert isinstance(event, JournalPosted)
        journal = _Journal(event.source, event.rule, list(event.lines), event.bgt_id)
        self._journal(position, journal, into)
        return 1

    def _journal(self, position: int, journal: _Journal, into: list[Movement]) -> None:
        amounts, bgt_id = self._amounts, journal.bgt_id
        controls = self._controls.get(journal.rule)
        if controls is None:
            controls = self._controls_of(journal.rule, position)
        books: dict[str, int] = {}
        for line in journal.lines:
            amount_fen, account = amounts[line.amt], line.account
            change_fen = amount_fen if line.dr_cr == CREDIT else -amount_fen
            book = account[:1]
            books[book] = books.get(book, 0) + change_fen
            if line.dr_cr not in (DEBIT, CREDIT):
                self._findings.add(self.NAME, position, "a line is neither debit nor credit")
            if (control := controls.get(account)) is not None:
                into.append(Movement(position, line.bgt_id or bgt_id, control, change_fen))
        if any(books.values()):
            book, left_fen = next(item for item in books.items() if item[1])
            detail = f"credit and debit differ by {yuan(left_fen)} in book {book} 借贷不平"
            self._findings.add(self.NAME, position, detail)
        if not 0 < journal.source < position:
            self._findings.add(self.NAME, position, "it is the journal of no earlier event")

    def _controls_of(self, rule: str, position: int) -> dict[str, int]:
        """The controlled accounts of a version of the charts."""
        books = self._charts.by_version.get(rule)
        if books is None:
            detail = f"it was made with charts {rule!r}, which are not loaded"
            self._findings.add(self.NAME, position, detail)
        accounts = books.accounts.values() if books else ()
        controls = {a.id: CONTROLS.index(a.control) for a in accounts if a.control}
        self._controls[rule] = controls
        return controls


class BalanceCheck:
    """The controlled balances after every event: never below zero, in the end those stored."""

    NAME, STORED = "floor", "balance"

    def __init__(self, findings: Findings, balances: Mapping[str, list[int]] | None = None) -> None:
        self._findings = findings
        # by indicator: each balance in fen, in the order of CONTROLS, and the position it is of
        self.balances: dict[str, list[int]] = dict(balances or {})

    def take(self, movements: Iterable[Movement]) -> None:
        balances = self.balances
        number, below, before = 0, False, 0
        touched: set[str] = set()
        for position, bgt_id, control, change_fen in movements:
            if below and position != before:
                self._below(touched, before)
                below = False
                touched.clear()
            number, before = number + 1, position
            held = balances.get(bgt_id)
            if held is None:
                held = balances[bgt_id] = [0, 0, 0, 0, 0, 0]
            held[control] += change_fen
            held[-1] = position
            if held[control] < 0:  # perhaps only until the next line of the same journal
                below = True
                touched.add(bgt_id)
        if below:
            self._below(touched, before)
        self._findings.count(self.NAME, number)

    def _below(self, bgt_ids: Iterable[str], position: int) -> None:
        for bgt_id in sorted(bgt_ids):
            for name, amount_fen in zip(CONTROLS, self.balances[bgt_id], strict=False):
                if amount_fen < 0:
                    detail = f"indicator {bgt_id} has {name} {yuan(amount_fen)} after it 余额为负"
                    self._findings.add(self.NAME, position, detail)

    def conclude(self, stored: Iterable[tuple[str, int, int, int, int, int]], head: int) -> None:
        """``stored`` are the rows of ``controlled_balances``: bgt_id, then as ``CONTROLS``.

        A row that differs may be wrong, or right and events behind the last known one are missing.
        """
        left = dict(self.balances)
        number = 0
        for bgt_id, *theirs in stored:
            number += 1
            *mine, position = left.pop(bgt_id, [0, 0, 0, 0, 0, 0])
            if mine != theirs:
                name, given, due = next(
                    (n, t, m) for n, t, m in zip(CONTROLS, theirs, mine, strict=True) if t != m
                )
                detail = (
                    f"indicator {bgt_id}: {name} is stored as {yuan(given)}, the journals make "
                    f"it {yuan(due)} 余额与分录不符"
                )
                self._findings.add(self.STORED, position, detail, head + 1)
        for bgt_id, held in left.items():
            detail = f"the balances of {bgt_id} are missing 余额缺失"
            self._findings.add(self.STORED, held[-1], detail, head + 1)
        self._findings.count(self.STORED, number)
