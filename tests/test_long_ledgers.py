"""What broke only when a ledger grew."""

from projections.rebuild import verify
from projections.runner import Runner
from tests.bookkeeper import Bookkeeper, payment

BULK, BULKS = 5_000, 7


def test_the_projector_passes_position_32767(bookkeeper: Bookkeeper) -> None:
    """The driver sends small numbers as smallint, and their sum overflowed: the projector stood."""
    for bulk in range(BULKS):
        refused = [payment(f"P{bulk}-{n}", "nowhere", "1.00") for n in range(BULK)]
        bookkeeper.submit(*refused)
    bookkeeper.issue("B", "1.00")
    Runner(bookkeeper.pool, batch_events=BULK - 1).catch_up()
    report = verify(bookkeeper.pool, bookkeeper.ledger_id)
    assert report.equal
    [(position,)] = bookkeeper.sql(
        "SELECT min(position) FROM proj_positions WHERE ledger_id = %s AND live"
    )
    assert position > BULK * BULKS
