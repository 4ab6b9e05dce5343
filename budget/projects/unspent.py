"""已安排未用: what the years' ledgers have budgeted for a project and not paid.

A project is given up, or has come to its end, when nothing is left of it: what its rows have not
issued was cut, what its indicators have not paid was taken back. Otherwise money would lie in the
books for something that is not done. So whoever ends it asks the years, and their heads stay locked
until it is committed, as with an amendment (``budget.projects.budgeted``).
"""

from budget.projects.events import ProjectYear
from ledger.deciding.locked_facts import LockedFact
from ledger.errors import Code, Refusal
from ledger.events import Event


def _told_by(_event: Event) -> None:
    """No event tells of it: what was accepted had nothing left."""
    return


# by ``pro_code``: the years in which anything is left, and how much
UNSPENT_YEARS: LockedFact[tuple[ProjectYear, ...]] = LockedFact("unspent_years", _told_by, ())


def require_nothing_left(unspent: tuple[ProjectYear, ...]) -> None:
    """That no year has money for the project that was not paid.

    Raises:
        Refusal: ``invalid_state``, with the first such year.
    """
    for year in unspent:
        raise Refusal(
            Code.INVALID_STATE,
            f"{year.fiscal_year} has {year.amt} for the project that was not paid: recall and cut"
            " it first",
            fiscal_year=year.fiscal_year,
            available_amt=year.amt,
        )
