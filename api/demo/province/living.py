"""All divisions live through their years at once, each in a thread of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import closing
from functools import partial
from threading import Event

from api.demo.province.bulk import BulkClient, DemoStopped
from api.demo.province.plan import FISCAL_YEAR, Division
from api.demo.province.stages import Board
from api.demo.province.year import DivisionFigures, Year
from api.demo.stack import Stack

SHOWN_EVERY_S = 0.25


def live(
    stack: Stack,
    divisions: Sequence[Division],
    board: Board,
    show: Callable[[], None],
    *,
    months: int = 12,
) -> dict[str, DivisionFigures]:
    """Opens every ledger and lives through its year; ``show`` is called a few times a second.

    Returns:
        What each division's ledger must come to, by its name.

    Raises:
        Exception: the first thing that went wrong in any division; the others are stopped.
    """
    stop = Event()
    with ThreadPoolExecutor(len(divisions), thread_name_prefix="division") as threads:
        try:  # from the first year on: a Ctrl-C between two of them left the pool to live them all
            years = {
                division.ledger: threads.submit(_year, stack, division, board, stop, months)
                for division in divisions
            }
            _watch(list(years.values()), show)
        finally:
            stop.set()  # the pool waits for its threads, which end after the call under way
    return {ledger: year.result() for ledger, year in years.items()}


def _watch(years: Sequence[Future[DivisionFigures]], show: Callable[[], None]) -> None:
    left = set(years)
    while left:
        done, left = wait(left, SHOWN_EVERY_S, FIRST_EXCEPTION)
        show()
        for year in done:
            if (error := year.exception()) and not isinstance(error, DemoStopped):
                raise error


def _year(
    stack: Stack, division: Division, board: Board, stop: Event, months: int
) -> DivisionFigures:
    stack.admin.post(
        "/v1/ledgers",
        {
            "mof_div_code": division.code,
            "fiscal_year": FISCAL_YEAR,
            "name": f"{division.name} {FISCAL_YEAR} 年度",
        },
    )
    # the bank takes one signature over a request's vouchers, and answers so
    policy = {"roles": ["treasury"], "signing": "manifest"}
    ledger = f"/v1/ledgers/{division.ledger}"
    stack.agree(ledger, stack.admin.call("PUT", f"{ledger}/signature-policy", policy))
    with closing(BulkClient(stack, division.ledger, stop)) as client:
        return Year(division, client, partial(board.note, division.code), months=months).live()
