"""What a caller sees of a province: which divisions, which units. The database holds him to it.

Row security of the tables ``province_…`` compares each row with two settings. They are set for one
transaction, so a pooled connection leaks none to who has it next; where they are not set nothing is
seen, so a read that forgets them answers with nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psycopg

from ledger.verification.checks import dispose
from projections.core.moments import one_moment

for table in ("positions", "payments", "indicators", "corrections"):
    dispose(
        f"province_{table}",
        "holds no rows of its own, as a constraint sees to: read models are seen by it",
    )

_SET = "SELECT set_config('guoku.division', %s, true), set_config('guoku.agencies', %s, true)"


class Sight(NamedTuple):
    """What a caller sees.

    Attributes:
        division: what the codes of his divisions begin with; "" is all.
        agency_prefixes: likewise of his units; none is all.
    """

    division: str
    agency_prefixes: tuple[str, ...] = ()

    @property
    def sees_all_units(self) -> bool:
        return not self.agency_prefixes


@contextmanager
def seen_by(connection: psycopg.Connection, sight: Sight) -> Iterator[None]:
    """Has the statements of the block see one moment, and of it what ``sight`` names."""
    agencies = ",".join(f"{prefix}*" for prefix in sight.agency_prefixes) or "*"
    with one_moment(connection):
        connection.execute(_SET, (f"{sight.division}*", agencies))
        yield
