"""业务流程: each flow on one running server, and at the end all that they have left is verified."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from psycopg_pool import ConnectionPool

from ledger.account_set import DIVISIONS_BEGIN, is_standing
from ledger.books import load_charts
from ledger.deciding.command import commands
from ledger.events import TYPES, Event
from ledger.gm import default_provider
from ledger.postgres.database import Database, connect
from ledger.postgres.embedded import EmbeddedPostgres
from payments.verification.run import Options, verify_ledger
from projections.core.rebuild import verify
from tests.conftest import drop_database, new_database
from tests.scenarios import flows
from tests.support.audited_books import export_audited, sealed_notes
from tests.support.bookkeeper import fresh_pool
from tests.support.exports import export, ledger_rows, restore
from tests.support.flows import County, county_codes
from tests.support.http_server import HttpTreasury, http_treasury_on
from tests.support.paths import ROOT
from tests.support.redeciding import all_taken_again, found
from tests.verifier.test_offline_verifier import TRUSTED, WITNESSED, run

ENDS = "SELECT position FROM commits WHERE ledger_id = %s ORDER BY position"
PAGE = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
FILES = sorted(module.name for module in pkgutil.iter_modules(flows.__path__))
# rows of the table: the flow's number, and its file or why it has none
TOLD = {
    int(number): said
    for number, said in re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE)
}


def module_of(name: str) -> ModuleType:
    return importlib.import_module(f"{flows.__name__}.{name}")


@pytest.fixture(scope="module")
def http(module_database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(module_database) as opened:
        yield opened


class Flows:
    """The flows on a server: each is gone through once, whoever asks for it first."""

    def __init__(self, http: HttpTreasury) -> None:
        self._http, self._codes, self._done = http, county_codes(), set[str]()

    def go_through(self, name: str) -> None:
        if name not in self._done:
            self._done.add(name)
            module_of(name).scenario(County(self._http, next(self._codes)))


@pytest.fixture(scope="module")
def server(http: HttpTreasury) -> Flows:
    return Flows(http)


@pytest.fixture(scope="module")
def all_flows(server: Flows) -> None:
    """All of them, also where a test is asked for alone, or others run in another process."""
    for name in FILES:
        server.go_through(name)


@pytest.mark.parametrize("name", FILES)
def test_flow(server: Flows, name: str) -> None:
    server.go_through(name)


# ---- what they have left, told last


class Left(NamedTuple):
    """A ledger that flows have left."""

    pool: ConnectionPool
    ledger_id: int

    def sql(self, query: str) -> Any:
        with self.pool.connection() as connection:
            return connection.execute(query.encode(), (self.ledger_id,)).fetchall()


@pytest.fixture(scope="module")
def types_by_ledger(http: HttpTreasury, all_flows: None) -> dict[int, set[str]]:
    """Of each ledger of a county, the types of its events."""
    found: dict[int, set[str]] = {}
    with http.treasury.pool.connection() as connection:
        for ledger_id, name in connection.execute("SELECT DISTINCT ledger_id, type FROM events"):
            if ledger_id >= DIVISIONS_BEGIN:
                found.setdefault(ledger_id, set()).add(name)
    return found


@pytest.fixture(scope="module")
def telling(types_by_ledger: dict[int, set[str]]) -> list[int]:
    """The fewest ledgers that have every type of event between them, near enough."""
    chosen: list[int] = []
    missing = set[str]().union(*types_by_ledger.values())
    while missing:
        best = max(types_by_ledger, key=lambda each: len(types_by_ledger[each] & missing))
        chosen.append(best)
        missing -= types_by_ledger[best]
    return chosen


def test_every_decision_is_taken_again(all_flows: None, module_database: Database) -> None:
    for ledger_id, again in all_taken_again(module_database.app_conninfo).items():
        assert found(again) == [], ledger_id


def test_every_read_model_is_what_a_rebuild_makes(
    http: HttpTreasury, types_by_ledger: dict[int, set[str]]
) -> None:
    years = [ledger_id for ledger_id in types_by_ledger if not is_standing(ledger_id)]
    assert len(years) >= len(FILES)
    for ledger_id in years:
        report = verify(http.treasury.pool, ledger_id)
        assert report.equal, [c.difference for c in report.comparisons if c.difference]


def test_every_event_is_verified_exported_checked_offline_and_imported(
    http: HttpTreasury,
    module_database: Database,
    telling: list[int],
    cluster: EmbeddedPostgres,
    template: str,
    tmp_path: Path,
) -> None:
    """With rows, registers and keys as they were, column for column."""
    elsewhere = new_database(cluster, template)
    with fresh_pool(elsewhere.app_conninfo) as pool:
        for ledger_id in telling:
            options = Options(folder=tmp_path / f"audit-{ledger_id}")
            conninfo = module_database.app_conninfo
            report = verify_ledger(conninfo, load_charts(), default_provider(), ledger_id, options)
            assert [each.detail for each in report.findings] == [], ledger_id
            left = Left(http.treasury.pool, ledger_id)
            ends = [position for (position,) in left.sql(ENDS)]
            notes = list(sealed_notes(left, ends[len(ends) // 2]))
            folder = export_audited(module_database, ledger_id, tmp_path / str(ledger_id), notes)
            code, output = run(str(folder), *TRUSTED, *WITNESSED)
            assert code == 0, output
            again = tmp_path / f"plain-{ledger_id}"
            export(http.treasury.pool, ledger_id, again)
            restore(pool, again)
            assert ledger_rows(pool, ledger_id) == ledger_rows(http.treasury.pool, ledger_id)
    drop_database(cluster, elsewhere)


# ---- the page


def test_the_page_has_every_flow_and_its_file() -> None:
    of_files = {number: f"flows/{name}.py" for name in FILES for number in module_of(name).FLOWS}
    assert of_files.keys() <= TOLD.keys()
    for number, said in TOLD.items():
        named = re.findall(r"`((?:flows/)?[\w/]+\.py)`", said)
        for file in named:
            place = ROOT if file.startswith("tests/") else ROOT / "tests" / "scenarios"
            assert (place / file).is_file(), (number, file)
        if number in of_files:
            assert any(number in module_of(f[6:-3]).FLOWS for f in named if f[:6] == "flows/"), (
                number
            )
        else:
            assert named or said.strip().startswith("not yet: "), number


def test_the_catalogue_is_whole() -> None:
    """All of base data and budget; of execution those that have a file of their own."""
    assert set(range(1, 69)) <= TOLD.keys()


def test_every_event_of_the_domain_comes_about(module_database: Database, all_flows: None) -> None:
    """Each type of event of base data and budget comes about in a flow, or a test elsewhere is
    about it and names it."""
    with connect(module_database.app_conninfo) as connection:
        seen = {name for (name,) in connection.execute("SELECT DISTINCT type FROM events")}
    files = (ROOT / "tests").rglob("*.py")
    words = set(
        re.findall(r"[\w.]+", "\n".join(file.read_text(encoding="utf-8") for file in files))
    )
    missing = {
        cls.TYPE
        for cls in set(TYPES.values())
        if cls.__module__.startswith(("budget.", "division."))
        and cls.TYPE not in seen
        and words.isdisjoint({cls.TYPE, cls.__name__, *_asking(cls)})
    }
    assert missing == set()
    assert len(seen) > 60, "what is seen are the events of flows"


def _asking(event: type[Event]) -> Iterator[str]:
    """The command that asks for an event."""
    if (command := commands().get(event.TRAITS.asked_by)) is not None:
        yield command.__name__
