"""上下级往来 as it is read: by the other tier, the kind of fund and the mark, at both ends at once.

What is owed is the same at both ends but for what is on its way; where it is not, the books of one
of the two have something that the other's have not.
"""

from typing import NamedTuple

import psycopg

from ledger.account_set import division_of, fiscal_year_of, ledger_id
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_head
from projections.core.moments import one_moment
from transfers.tier_funds import TIER_FUNDS, TierFunds, TierKey, owed
from transfers.tiers import is_below


class TierBalance(NamedTuple):
    """Between a ledger and one other tier's; ``theirs`` is None of a ledger that is not here."""

    key: TierKey
    is_below: bool
    own: TierFunds
    theirs: TierFunds | None
    owed_fen: int

    @property
    def their_owed_fen(self) -> int | None:
        """What the other side has on its account for it."""
        if self.theirs is None:
            return None
        return self.theirs.due_to_above if self.is_below else self.theirs.due_from_below

    @property
    def on_way_fen(self) -> int:
        """What of the difference is on its way: by how much the upper tier's account is above the
        lower one's."""
        theirs = self.theirs or TierFunds()
        upper, lower = (self.own, theirs) if self.is_below else (theirs, self.own)
        cash = (upper.sent - lower.arrived) + (lower.sent - upper.arrived)
        settled = (upper.remittances - lower.remittances) - (upper.subsidies - lower.subsidies)
        return cash + settled

    @property
    def is_whole(self) -> bool:
        """Whether nothing is on its way, as far as this is known."""
        if self.theirs is None:
            return not (self.own.in_transit or self.own.unsettled)
        pairs = (
            (self.own.sent, self.theirs.arrived),
            (self.theirs.sent, self.own.arrived),
            (self.own.subsidies, self.theirs.subsidies),
            (self.own.remittances, self.theirs.remittances),
        )
        return all(mine == other for mine, other in pairs)


class TierBalances(NamedTuple):
    """In the order of the other tiers; ``position`` is of the ledger itself."""

    position: int
    items: list[TierBalance]


def tier_balances(connection: psycopg.Connection, key: int) -> TierBalances:
    """All of a ledger, with the other ends that are kept here, at one moment."""
    own = division_of(key)
    with one_moment(connection):
        head = read_head(connection, key)
        rows = read_rows(connection, key, TIER_FUNDS)
        there: dict[int, dict[str, TierFunds] | None] = {}
        items = []
        for text in sorted(rows):
            of = TierKey.parsed(text)
            if not of.fund_kind:
                continue  # an earlier release sent what lies at no treasury
            other = ledger_id(of.div_code, fiscal_year_of(key))
            if other not in there:
                is_here = read_head(connection, other) is not None
                there[other] = read_rows(connection, other, TIER_FUNDS) if is_here else None
            theirs = there[other]
            at = TierKey(own, of.fund_kind, of.is_dir_code).text
            found = None if theirs is None else theirs.get(at, TierFunds())
            below = is_below(own, of.div_code)
            items.append(TierBalance(of, below, rows[text], found, owed(own, of, rows[text])))
    return TierBalances(head.position if head else 0, items)
