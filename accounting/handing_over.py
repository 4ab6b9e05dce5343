"""年度移交: what a closed year hands on is brought to the next year's ledger, and its book emptied.

Two ledgers change, and no transaction holds both. So the closing stands first, in the one: an event
behind which nothing changes. What it hands on is brought to the other as commands with a number
each, of which the receiver takes every one once; then the sender notes that all was taken. Whenever
the program is stopped, what is left to do is seen from what stands on record, and is done by
whoever starts next; nothing is taken twice.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import psycopg
import structlog
from psycopg_pool import ConnectionPool

from accounting.handing_over_books import HandingOverBooks
from accounting.handing_over_debts import debts_left
from budget.balances import BALANCES
from budget.indicator import INDICATOR, Indicator
from budget.plan_policy import PLAN_POLICY
from budget.rows import ROWS
from budget.year_end.carrying import CARRY_OVER, CarriedOver
from budget.year_end.closing import HANDED_OVER, HandOverYear
from budget.year_end.receiving import TakeCarried, handed_on, next_number
from budget.year_end.writing_off import WriteOffIndicator, WriteOffRow
from budget.year_end_events import CarriedIndicator, IndicatorCarriedIn
from ledger.account_set import division_of, fiscal_year_of, ledger_id, ledger_text
from ledger.books import Charts
from ledger.calendar import PERIODS
from ledger.deciding.approvals import APPROVAL_POLICY
from ledger.deciding.command import Command, Submission
from ledger.deciding.opening import TITLE, TOTAL, OpenLedger
from ledger.deciding.principals import PROGRAM
from ledger.errors import IntegrityError, UnavailableError
from ledger.money import stored_fen, yuan
from ledger.reading.loading import chains_at, read_newest_act, read_rows
from ledger.reading.objects import Head, list_heads, numbers_of, read_head, read_objects
from ledger.writing.commit_follower import CommitFollower
from ledger.writing.submitting import Submit
from transfers.answering import WriteOffTransfer
from transfers.transfer import TRANSFERS

log = structlog.get_logger(__name__)

PART_MAX = 500  # indicators in one command, and commands in one batch
_NOTHING = ("", yuan(0))

T = TypeVar("T")


class HandingOver(CommitFollower):
    """Hands over every year that is closed: each step has its number, and is done once."""

    def __init__(self, pool: ConnectionPool, submit: Submit, charts: Charts) -> None:
        super().__init__("handing-over", "a year could not be handed over")
        self._pool, self._submit, self._charts = pool, submit, charts

    def _look_at(self, written: Collection[int] | None) -> int:
        with self._pool.connection() as connection:
            if written is None:
                heads = list_heads(connection)
            else:
                found = (read_head(connection, key) for key in sorted(written))
                heads = [head for head in found if head is not None]
        due = [head for head in heads if waits(head)]
        for head in due:
            self.hand_over(head.ledger_id)
        return len(due)

    def hand_over(self, key: int) -> None:
        """Brings what a closed year hands on to the next; what is done already is passed over."""
        with self._pool.connection() as connection:
            head = read_head(connection, key)
            assert head is not None
            position, chain = _closing_of(connection, key)
        books = HandingOverBooks(self._pool, self._charts, head, position, self._do)
        books.close()
        to = self._opened_next(head)
        sender = ledger_text(key)
        with self._pool.connection() as connection:
            debts = debts_left(connection, key, to, (position, chain))
        if debts:
            self._do(to, debts)
        count, sum_fen = 0, 0
        for part in self._handed_on(key):
            count += len(part)
            sum_fen += sum(stored_fen(item.amount) for item in part)
            if left := self._not_taken(to, sender, part):
                taken = TakeCarried(
                    part_no=f"{sender}/{left[0].ori_bgt_id}",
                    from_ledger=sender,
                    from_position=position,
                    from_chain=chain,
                    items=tuple(left),
                )
                self._do(to, [taken])
        opened, openings = books.open(to)
        self._write_off(key)
        with self._pool.connection() as connection:
            received = read_head(connection, to)
        assert received is not None
        handed = HandOverYear(
            to_ledger=ledger_text(to),
            to_position=received.position,
            indicators=count,
            carryovers_amt=yuan(sum_fen),
            books=opened,
            openings=openings,
        )
        self._do(key, [handed])
        log.info("a year is handed over", ledger=sender, to=ledger_text(to), indicators=count)

    def _opened_next(self, head: Head) -> int:
        """The next year's ledger, opened as this one stands where nobody has opened it."""
        division, year = division_of(head.ledger_id), fiscal_year_of(head.ledger_id)
        to = ledger_id(division, year + 1)
        with self._pool.connection() as connection:
            if read_head(connection, to) is None:
                name = head.settings.get(TITLE).name.replace(str(year), str(year + 1))
                opening = OpenLedger(
                    mof_div_code=division,
                    fiscal_year=year + 1,
                    name=name,
                    approval_policy=head.settings.get(APPROVAL_POLICY).roles,
                    plan_control=head.settings.get(PLAN_POLICY).plan_control or TOTAL,
                )
                self._do(to, [opening])
        return to

    # ---- what is handed on

    def _handed_on(self, key: int) -> Iterator[list[CarriedIndicator]]:
        """What was carried over, by indicator, in parts."""
        with self._pool.connection() as connection:
            numbers = sorted(_carried(connection, key))
        for part in _parts(numbers):
            with self._pool.connection() as connection:
                found = read_objects(connection, key, INDICATOR, part)
            yield [_as_handed_on(found[number], fiscal_year_of(key)) for number in part]

    def _not_taken(
        self, to: int, sender: str, part: Sequence[CarriedIndicator]
    ) -> list[CarriedIndicator]:
        """Those of a part that the receiver has not begun with yet.

        Raises:
            IntegrityError: somebody has given one of their numbers to another indicator.
        """
        with self._pool.connection() as connection:
            found = read_objects(connection, to, INDICATOR, [item.bgt_id for item in part])
        for item in part:
            begun = found.get(item.bgt_id)
            if begun is not None and not _is_of(begun, sender, item):
                raise IntegrityError(
                    f"indicator {item.bgt_id} of {ledger_text(to)} is another one than that which "
                    f"{sender} hands on 结转指标编号被占用"
                )
        return [item for item in part if item.bgt_id not in found]

    # ---- the book of the closed year

    def _write_off(self, key: int) -> None:
        for part in _parts(self._standing(key)):
            self._do(key, part)

    def _standing(self, key: int) -> list[Command]:
        """What of the book of indicators is to be written off still."""
        with self._pool.connection() as connection:
            paid = {no for no, row in read_rows(connection, key, BALANCES).items() if row.paid}
            rows = [no for no, row in read_rows(connection, key, ROWS).items() if row.rest]
            sent = [no for no, row in read_rows(connection, key, TRANSFERS).items() if row.booked]
            numbers = paid | _carried(connection, key)
            done = _written_off(connection, key)
        left = sorted(numbers - done)
        return [
            *(WriteOffIndicator(bgt_id=number) for number in left),
            *(WriteOffRow(bgt_pman_id=number) for number in sorted(rows)),
            *(WriteOffTransfer(transfer_no=number) for number in sorted(sent)),
        ]

    def _do(self, key: int, commands: Sequence[Command]) -> None:
        """Raises what has refused one of them."""
        asked = [Submission(command=each, by=PROGRAM, at_machine=True) for each in commands]
        for outcome in self._submit(key, asked):
            if outcome.problem is not None and not isinstance(outcome.problem, UnavailableError):
                log.warning("refused", ledger=ledger_text(key), reason=str(outcome.problem))
            if outcome.problem is not None:
                raise outcome.problem


def waits(head: Head) -> bool:
    """Whether a ledger's year is closed and not handed over."""
    closed = head.settings.get(PERIODS).year_closed
    return closed and not head.settings.get(HANDED_OVER).to_ledger


def _closing_of(connection: psycopg.Connection, key: int) -> tuple[int, str]:
    """Where a year was closed, and its chain there."""
    found = read_newest_act(connection, key, "year_end.close")
    assert found is not None, "its settings say that it is closed"
    position = found[0]
    return position, chains_at(connection, key, [position])[position].hex()


def _carried(connection: psycopg.Connection, key: int) -> set[str]:
    """The indicators of which something was carried over."""
    numbers: set[str] = set()
    after = ""
    while found := numbers_of(connection, key, CARRY_OVER, after, PART_MAX):
        objects: dict[str, CarriedOver] = read_objects(connection, key, CARRY_OVER, found)
        for carried in objects.values():
            items = carried.event.items
            numbers.update(each.bgt_id for each in items if each.carryovers_amt not in _NOTHING)
        after = found[-1]
    return numbers


def _written_off(connection: psycopg.Connection, key: int) -> set[str]:
    rows = connection.execute(
        "SELECT number FROM command_keys WHERE ledger_id = %s AND operation = %s",
        (key, WriteOffIndicator.OPERATION),
    )
    return {number for (number,) in rows}


def _as_handed_on(indicator: Indicator, year: int) -> CarriedIndicator:
    """What the next year has of an indicator."""
    issued, carried = indicator.issued, indicator.carried[1]
    assert carried is not None, "something was carried over of it"
    return handed_on(
        issued,
        **(carried.next_codes or indicator.codes),
        bgt_id=next_number(indicator.bgt_id, year),
        ori_bgt_id=indicator.bgt_id,
        amount=yuan(indicator.carried_fen),
        bgt_exe_flag=indicator.bgt_exe_flag,
        first_year=carried.first_year,
    )


def _is_of(begun: Indicator, sender: str, item: CarriedIndicator) -> bool:
    issued = begun.issued
    return (
        isinstance(issued, IndicatorCarriedIn)
        and (issued.from_ledger, issued.ori_bgt_id) == (sender, item.ori_bgt_id)
        and issued.amount == item.amount
    )


def _parts(items: Iterable[T]) -> Iterator[list[T]]:
    left = iter(items)
    while part := list(islice(left, PART_MAX)):
        yield part
