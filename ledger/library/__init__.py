"""The ``eventsourcing`` library on a ledger: what follows it without belonging to it."""
