"""What is done at the machine itself goes by the clocks and the whole history, as every write does.

Once a token, a certificate or a load of code sets that was made there became an event of a restored
database while everybody else was refused ``history_cut``: where others had been lost, it stood.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.machine import AtMachine, at_machine, now
from api.settings import Settings
from api.treasury import treasury_on
from division import certificates, code_sets
from division.adopting import adopt
from division.appointing import appoint
from division.bank import Channel
from division.credentials import end_tokens_of, make_token
from division.rights import Rights
from ledger.elements import stored_code_sets
from ledger.errors import UnavailableError
from ledger.gm import default_provider
from ledger.gm.keys import PrivateKey
from ledger.postgres.database import Database, connect
from ledger.sealing.epoch_mark import ClusterMark, read_mark, write_mark

DAYS_400 = timedelta(days=400)
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
KEY = default_provider().public_key(PrivateKey(bytes(31) + b"\1"))
UNIT = Rights("44", ("unit",))

Act = Callable[[AtMachine], Any]


def _load(machine: AtMachine) -> object:
    row = next(iter(stored_code_sets.read(machine.connection).rows()))
    renamed = [row._replace(name="另名")]
    return code_sets.load(machine.connection, renamed, machine.conditions, loaded_by="ops-1")


def _register(machine: AtMachine) -> object:
    connection, conditions = machine
    return certificates.register(
        connection, "bank/105", KEY, conditions, not_before=BEGIN, not_after=END
    )


ACTS: dict[str, Act] = {
    "a token is made": lambda m: make_token(m.connection, "li.si", UNIT, m.conditions),
    "tokens are ended": lambda m: end_tokens_of(m.connection, "zhang.san", m.conditions),
    "a certificate is registered": _register,
    "a first certificate": lambda m: certificates.enrol(
        m.connection, "bank/106", KEY, m.conditions, at=BEGIN
    ),
    "a bank is appointed": lambda m: appoint(
        m.connection, "102", Channel(date(2026, 1, 1), "工行", "http://x", ""), m.conditions
    ),
    "code sets are loaded": _load,
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    given: dict[str, Any] = {"data": tmp_path / "data"}
    return Settings(**given)


@contextmanager
def nothing_is_written(database: Database) -> Iterator[None]:
    query = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM tokens)"
    with connect(database.app_conninfo) as connection:
        before = connection.execute(query).fetchone()
        connection.rollback()
        yield
        assert connection.execute(query).fetchone() == before


@pytest.fixture
def used(database: Database, settings: Settings) -> Database:
    """With a person who has a token."""
    with at_machine(settings, database.app_conninfo) as machine:
        adopt(*machine)
        make_token(machine.connection, "zhang.san", UNIT, machine.conditions)
    return database


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_nothing_is_done_while_a_part_of_the_history_may_be_lost(
    used: Database, settings: Settings, act: Act
) -> None:
    write_mark(settings.mark_path, ClusterMark(restored="a backup of yesterday"))
    with (
        nothing_is_written(used),
        at_machine(settings, used.app_conninfo) as machine,
        pytest.raises(UnavailableError, match=r"history_cut: .*restored from a backup"),
    ):
        act(machine)


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_nothing_is_done_by_a_clock_400_days_ahead(
    used: Database, settings: Settings, act: Act
) -> None:
    with (
        nothing_is_written(used),
        at_machine(settings, used.app_conninfo, clock=lambda: now() + DAYS_400) as machine,
        pytest.raises(UnavailableError, match=r"clock_skewed: .*400\.0 days ahead"),
    ):
        act(machine)


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_otherwise_it_is_done(used: Database, settings: Settings, act: Act) -> None:
    """Or else what is above would show nothing."""
    with connect(used.app_conninfo) as connection:
        [before] = connection.execute("SELECT count(*) FROM events").fetchone() or ()
        connection.rollback()
        with at_machine(settings, used.app_conninfo) as machine:
            act(machine)
        [after] = connection.execute("SELECT count(*) FROM events").fetchone() or ()
    assert after > before


def test_a_command_at_the_machine_leaves_no_mark_of_its_own(
    used: Database, settings: Settings
) -> None:
    """It may have been run in any folder; the mark is made by whoever keeps the data there."""
    assert read_mark(settings.mark_path) is None


def test_what_an_earlier_release_left_waits_where_nothing_may_be_written(
    database: Database, settings: Settings
) -> None:
    """A server that is to say what is wrong opens all the same."""
    with connect(database.app_conninfo) as connection:
        connection.execute(
            "INSERT INTO tokens (token_sm3, principal, roles, division)"
            " VALUES (%s, 'old', '{ops}', '')",
            (bytes(32),),
        )
    write_mark(settings.mark_path, ClusterMark(restored="a backup"))
    with nothing_is_written(database), treasury_on(settings, database) as treasury:
        assert treasury.sequencer.conditions.halted()
    settings.mark_path.unlink()
    with treasury_on(settings, database) as treasury, treasury.pool.connection() as connection:
        found = connection.execute("SELECT principal FROM persons").fetchall()
    assert found == [("old",)]
