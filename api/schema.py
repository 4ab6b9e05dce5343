"""Where the migrations of the program lie: each beside the code that owns its tables.

Their numbers are one sequence over all rooms, so that every database has come the same way. A file
that concerns several rooms lies with the lowest of them.
"""

from importlib.resources import files

MIGRATIONS = tuple(
    files(room) / "migrations"
    for room in (
        "ledger.postgres",
        "ledger.elements",
        "ledger.sealing",
        "division",
        "budget",
        "payments",
        "payments.signing",
        "payments.delivery",
        "payments.disbursement",
        "accounting",
        "projections",
    )
)
