"""What the entries of 平行记账 in a chart must be, an invariant to a function."""

from collections.abc import Iterator

from ledger.books.chart_file import ChartFile, Fault
from ledger.events import Needs

_SIDES = ("financial", "budgetary", "outside")


def pairs_name_known_accounts(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """Every account of a pair is the chart's, and both sides have some."""
    for name, pair in chart.parallel.items():
        for side in _SIDES:
            accounts = getattr(pair, side)
            if not accounts and side != "outside":
                yield Fault(("parallel", name, side), f"parallel {name} has no {side} account")
            for account in accounts:
                if account not in chart.accounts:
                    yield Fault(("parallel", name, side), f"{account!r} is no account")


def pairs_stand_in_two_books(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """Cash and what is outside the budget are of one book, 资金结存 of one other."""
    for name, pair in chart.parallel.items():
        financial = {chart.book_of(account) for account in (*pair.financial, *pair.outside)}
        budgetary = {chart.book_of(account) for account in pair.budgetary}
        if len(financial) != 1 or len(budgetary) != 1 or financial == budgetary:
            books = ", ".join(sorted(financial | budgetary))
            yield Fault(("parallel", name), f"parallel {name} is of the books {books}, not of two")


def pairs_share_no_money(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """An account of cash, or of 资金结存, stands in one pair, and once: else it would be asked for
    twice. What is outside is no cash of the pair."""
    taken: dict[str, str] = {}
    for name, pair in chart.parallel.items():
        here: set[str] = set()
        for side in _SIDES:
            for account in getattr(pair, side):
                other = name if account in here else taken.get(account, name)
                if account in here or (side != "outside" and other != name):
                    yield Fault(("parallel", name, side), f"{account} stands in {other} already")
                here.add(account)
        taken.update(dict.fromkeys((*pair.financial, *pair.budgetary), name))
