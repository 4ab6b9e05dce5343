"""The outbox: a reading of committed events, taken on leases, that can be thrown away."""

from datetime import date

import psycopg
import pytest

from ledger.errors import Code, RequestError
from payments.clearing.claims import RequestClearing
from payments.clearing.events import ClearingRequested
from payments.delivery import leases, outbox
from payments.delivery.outbox import Parcel
from payments.voucher import MarkSent
from tests.support.bookkeeper import Bookkeeper

FIRST_S, CAP_S = 60.0, 200.0


@pytest.fixture
def keeper(bookkeeper: Bookkeeper) -> Bookkeeper:
    bookkeeper.issue("B", "1000.00")
    return bookkeeper


def signed(keeper: Bookkeeper, *numbers: str) -> None:
    for number in numbers:
        keeper.apply(number, "B", "1.00")
        keeper.approve(number)
        keeper.sign(number)


def read_all(connection: psycopg.Connection, keeper: Bookkeeper, limit: int = 1000) -> None:
    while outbox.consume(connection, keeper.ledger_id, limit):
        pass


def rows(keeper: Bookkeeper) -> list[tuple[str, str, str, int]]:
    return keeper.sql(
        "SELECT kind, number, state, position FROM outbox WHERE ledger_id = %s"
        " ORDER BY kind, number"
    )


def states(keeper: Bookkeeper) -> dict[str, str]:
    return {number: state for _, number, state, _ in rows(keeper)}


def take(connection: psycopg.Connection, limit: int = 10, lease_s: float = 60.0) -> Parcel:
    parcel = leases.take(connection, limit, lease_s)
    assert parcel is not None
    return parcel


def a_history(keeper: Bookkeeper) -> None:
    """Of every kind: due, sent, answered, half signed, claimed, settled."""
    signed(keeper, "due", "sent")
    keeper.do(MarkSent(pay_app_no="sent"), "dispatcher")
    keeper.pay("answered", "B", "2.00")
    keeper.clear("settled", date(2026, 3, 2))
    keeper.pay("paid", "B", "3.00")
    keeper.do(RequestClearing(clear_no="C", clear_date=date(2026, 3, 2), pay_bank_code="102"))
    keeper.policy("finance_first", "treasury")
    keeper.apply("half", "B", "1.00")
    keeper.approve("half")
    keeper.sign("half", "finance_first")


def test_rows_follow_the_events(keeper: Bookkeeper, connection: psycopg.Connection) -> None:
    a_history(keeper)
    read_all(connection, keeper)
    positions = {
        event.pay_app_no: position
        for position, name, event in keeper.events()
        if name == "voucher.signed"
    }
    claimed = next(
        p for p, n, e in keeper.events() if n == ClearingRequested.TYPE and e.upto_position > 20
    )
    assert rows(keeper) == [
        ("claim", "440000000-2026:C:1", "due", claimed),
        ("voucher", "due", "due", positions["due"]),
        ("voucher", "sent", "sent", positions["sent"]),
    ]
    keeper.sign("half", "treasury", "another")
    read_all(connection, keeper)
    assert states(keeper)["half"] == "due"


@pytest.mark.parametrize("limit", [1, 2, 5, 1000])
def test_the_size_of_a_helping_changes_nothing(
    keeper: Bookkeeper, connection: psycopg.Connection, limit: int
) -> None:
    a_history(keeper)
    read_all(connection, keeper, limit)
    found = rows(keeper)
    outbox.rebuild(connection)
    assert rows(keeper) == found
    assert len(found) == 3


def test_position_and_rows_move_together(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    signed(keeper, "P")
    with connection.transaction(force_rollback=True):
        assert outbox.consume(connection, keeper.ledger_id) > 0
        assert states(keeper) == {}
    assert rows(keeper) == []
    assert outbox.ledgers_behind(connection) == [keeper.ledger_id]
    read_all(connection, keeper)
    assert states(keeper) == {"P": "due"}
    assert outbox.ledgers_behind(connection) == []


def test_while_one_reads_a_ledger_another_does_not(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    signed(keeper, "P")
    read_all(connection, keeper)
    signed(keeper, "Q")
    with keeper.pool.connection() as other, other.transaction():
        assert outbox.consume(other, keeper.ledger_id) > 0
        assert outbox.consume(connection, keeper.ledger_id) == 0
    assert states(keeper) == {"P": "due", "Q": "due"}


def test_two_senders_take_different_rows(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    signed(keeper, "P1", "P2", "P3")
    read_all(connection, keeper)
    with keeper.pool.connection() as other, other.transaction():
        first = take(other, limit=2)
        second = take(connection, limit=2)
    assert len(first.attempts) == 2
    assert len(second.attempts) == 1
    assert first.attempts.keys().isdisjoint(second.attempts)
    assert leases.take(connection, 2, 60.0) is None


def test_what_a_dead_sender_held_comes_due_when_its_lease_ends(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    signed(keeper, "P")
    read_all(connection, keeper)
    assert take(connection, lease_s=0.0).attempts == {"P": 1}
    assert take(connection).attempts == {"P": 2}
    assert leases.take(connection, 1, 60.0) is None


def test_a_parcel_is_of_one_ledger_and_kind(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    a_history(keeper)
    other = Bookkeeper(keeper.pool, division="440100000")
    other.open()
    other.issue("B", "10.00")
    signed(other, "due")
    for ledger_id in outbox.ledgers_behind(connection):
        outbox.consume(connection, ledger_id)
    parcels = [take(connection) for _ in range(3)]
    other.close()
    assert {(p.ledger_id, p.kind): list(p.attempts) for p in parcels} == {
        (keeper.ledger_id, "voucher"): ["due"],
        (keeper.ledger_id, "claim"): ["440000000-2026:C:1"],
        (other.ledger_id, "voucher"): ["due"],
    }


def test_waits_grow_to_a_cap_and_attempts_never_end(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    """After two hundred attempts, an hour or so, a voucher was given up for a bank's outage."""
    signed(keeper, "P")
    read_all(connection, keeper)
    waits_s = []
    for attempt in (1, 2, 3, 1_000_000):
        connection.execute(
            "UPDATE outbox SET next_attempt_at = now(), attempts = %s", (attempt - 1,)
        )
        parcel = take(connection)
        assert parcel.attempts == {"P": attempt}
        with connection.transaction():  # in which the server's now() stands still
            errors = {"P": f"no answer {attempt}"}
            leases.postpone(connection, parcel, errors, first_s=FIRST_S, cap_s=CAP_S)
            [(wait_s, state, error)] = connection.execute(
                "SELECT extract(epoch FROM next_attempt_at - now())::float, state, last_error"
                " FROM outbox"
            ).fetchall()
        assert (state, error) == ("due", f"no answer {attempt}")
        waits_s.append(wait_s)
    assert 30 <= waits_s[0] <= 60
    assert 60 <= waits_s[1] <= 120
    assert 100 <= waits_s[2] <= 200
    assert 100 <= waits_s[3] <= 200


def test_what_was_given_up_can_be_revived_once(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    signed(keeper, "P")
    read_all(connection, keeper)
    leases.bury(connection, take(connection), {"P": "refused"})
    outbox.revive(connection, keeper.ledger_id, "voucher", "P")
    assert take(connection).attempts == {"P": 2}
    with pytest.raises(RequestError) as caught:
        outbox.revive(connection, keeper.ledger_id, "voucher", "P")
    assert caught.value.code is Code.NOT_FOUND


def test_a_receipt_ends_what_was_given_up(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    keeper.apply("P", "B", "1.00")
    approved = keeper.approve("P")
    keeper.sign("P")
    read_all(connection, keeper)
    leases.bury(connection, take(connection), {"P": "refused"})
    keeper.receipt(approved)
    read_all(connection, keeper)
    assert rows(keeper) == []


def test_what_was_released_is_due_and_untried(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    signed(keeper, "P", "Q")
    read_all(connection, keeper)
    leases.release(connection, take(connection), ["Q"])
    assert take(connection).attempts == {"Q": 1}


def test_the_application_reads_and_the_standing_adds_up(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    a_history(keeper)
    before = outbox.standing(connection)
    read_all(connection, keeper)
    after = outbox.standing(connection)
    assert before.lag_events == keeper.events()[-1][0]
    assert (after.lag_events, after.due, after.sent, after.dead) == (0, 2, 1, 0)
