"""Old bytes stay readable: one file for each event type and version, kept for ever.

``tests/fixtures/events/<type>.ndjson`` holds events as they were stored: one with every field, one
with no more than it needs. Lines are added to these files, none is ever changed: a test that fails
here says that ledgers which exist would no longer be read as they were written.
"""

import msgspec
import psycopg
import pytest

from ledger.errors import IntegrityError
from ledger.events import TYPES, UPCASTS, base_name, decode, encode, type_names
from payments.clearing.claims import RequestClearing
from payments.clearing.events import Claim, ClaimLine, ClearingRequested
from payments.disbursement.events import DisbursementDrawn
from projections.core.rebuild import rebuild, verify
from projections.core.runner import Runner
from projections.queries import list_clearing_movements
from tests.support.bookkeeper import Bookkeeper
from tests.support.histories import MARCH_2, MARCH_9, mixed_history
from tests.support.paths import FIXTURES

STORED = FIXTURES / "events"


def stored(type_name: str) -> list[bytes]:
    return (STORED / f"{type_name}.ndjson").read_bytes().splitlines()


# the first line of each file of an old version, as it reads today
UPCAST = {
    "clearing.requested": ClearingRequested(
        clear_no="QS-1",
        clear_date="2026-03-02",
        pay_bank_code="102",
        claims=(
            Claim(
                vt_code="2301",
                voucher_no="QS-1-2301-111",
                fund_type_code="111",
                pay_amt="1234.56",
                lines=(
                    ClaimLine(
                        sup_dep_code="101",
                        exp_func_code="2010102",
                        gov_bgt_eco_code="50201",
                        pay_amt="1234.56",
                    ),
                ),
            ),
        ),
        upto_position=41,
        by="zhang.san",
    ),
    "disbursement.drawn": DisbursementDrawn(
        run_no="PL-1", voucher_serial=1, pay_app_no="SQ-1", pay_amt="1234.56", by="zhang.san"
    ),
}


def test_every_type_and_version_has_its_bytes_on_file() -> None:
    assert {path.stem for path in STORED.iterdir()} == TYPES.keys() | UPCASTS.keys()


@pytest.mark.parametrize("type_name", TYPES)
def test_todays_bytes_are_read_and_written_alike(type_name: str) -> None:
    for line in stored(type_name):
        event = decode(type_name, line)
        assert type(event) is TYPES[type_name]
        assert encode(event) == line  # the digest of the row is over these bytes


@pytest.mark.parametrize("type_name", TYPES)
def test_the_bytes_on_file_show_every_field(type_name: str) -> None:
    shown = {name for line in stored(type_name) for name in msgspec.json.decode(line)}
    assert shown == set(TYPES[type_name].__struct_encode_fields__)


@pytest.mark.parametrize("type_name", TYPES)
def test_a_field_that_is_missing_or_of_another_kind_is_noticed(type_name: str) -> None:
    """Shows that the tests above can fail: every required field matters when bytes are read."""
    for field in msgspec.structs.fields(TYPES[type_name]):
        for line in stored(type_name):
            mapping = msgspec.json.decode(line)
            mapping[field.encode_name] = {"another": "kind"}
            if field.type is dict or "dict" in str(field.type):
                continue
            with pytest.raises(IntegrityError):
                decode(type_name, encode(mapping))
            del mapping[field.encode_name]
            if field.required:
                with pytest.raises(IntegrityError):
                    decode(type_name, encode(mapping))


@pytest.mark.parametrize("type_name", UPCASTS)
def test_old_bytes_are_read_as_todays_event(type_name: str) -> None:
    assert decode(type_name, stored(type_name)[0]) == UPCAST[type_name]
    for line in stored(type_name):
        event = decode(type_name, line)
        assert base_name(event.TYPE) == base_name(type_name)
        assert type_name in type_names(type(event))


@pytest.mark.parametrize("type_name", UPCASTS)
def test_old_bytes_that_lack_a_field_are_refused_as_todays_are(type_name: str) -> None:
    mapping = msgspec.json.decode(stored(type_name)[0])
    for name in mapping:
        with pytest.raises(IntegrityError):
            decode(type_name, encode({key: mapping[key] for key in mapping if key != name}))


def test_a_ledger_of_the_former_program_reads_and_projects_alike(
    bookkeeper: Bookkeeper, owner_conn: psycopg.Connection
) -> None:
    """Clearings as they were written before: all that is read from them is the same."""
    b = bookkeeper
    mixed_history(b)
    Runner(b.pool).catch_up()
    before = verify(b.pool, b.ledger_id)
    claimed = movements(b)
    rows = b.sql(
        "SELECT position, payload FROM events WHERE ledger_id = %s"
        " AND type = 'clearing.requested@2'"
    )
    assert len(rows) == 4
    # a superuser makes the past that this program can no longer write
    owner_conn.execute("SET session_replication_role = replica")
    for position, payload in rows:
        former = payload.replace(b'"upto_position":', b'"upto":')
        owner_conn.execute(
            "UPDATE events SET type = 'clearing.requested', payload = %s"
            " WHERE ledger_id = %s AND position = %s",
            (former, b.ledger_id, position),
        )
    owner_conn.commit()
    after = rebuild(b.pool, b.ledger_id)
    assert after == before
    assert movements(b) == claimed
    assert b.refusal(RequestClearing(clear_no="C1", clear_date=MARCH_2, pay_bank_code="102")) == ""
    b.pay("P11", "B1", "1.00", effective_on=MARCH_9)
    b.clear("C5", MARCH_9)  # new beside old
    Runner(b.pool).catch_up()
    assert verify(b.pool, b.ledger_id).equal
    [claim] = movements(b, "C5")
    assert claim["amount"] == "1.00"


def movements(b: Bookkeeper, *clear_nos: str) -> list[dict[str, object]]:
    with b.pool.connection() as connection:
        return [
            item
            for clear_no in clear_nos or ("C1", "C2", "C3", "C4")
            for item in list_clearing_movements(connection, b.ledger_id, clear_no).items
        ]
