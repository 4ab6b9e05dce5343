"""数据采集: a receiver fed by increments has what a fresh snapshot has, whatever was lost."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest
from psycopg_pool import ConnectionPool

from ledger.books import load_charts
from ledger.elements import stored_code_sets
from ledger.elements.code_sets import CodeSets
from ledger.errors import ConfigurationError, GuokuError, UnavailableError
from ledger.postgres.database import Database
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.reading.objects import read_head
from projections.collection.following import SendingUpward
from projections.collection.outbox import NextFile, alone_in, answer_path, next_of, write_answer
from projections.collection.package import CollectionFile
from projections.collection.receiving import CollectionAnswer, CollectionReceiver, state_of
from projections.collection.sending import send
from tests.conftest import drop_database, new_database
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.two_installations import PROVIDER, Side
from transfers.messages import InstallationSigner

CITY = "440100000"
Rows = dict[tuple[str, str], dict[str, str]]


@pytest.fixture
def elsewhere(cluster: EmbeddedPostgres, template: str) -> Iterator[Database]:
    made = new_database(cluster, template)
    yield made
    drop_database(cluster, made)


class Collection:
    """A city that sends upward, and a province that receives."""

    def __init__(self, of_city: Database, of_province: Database, folder: Path) -> None:
        self.city = Bookkeeper(fresh_pool(of_city.app_conninfo), division=CITY)
        self.city.open()
        self.folder = folder
        self.province = Bookkeeper(fresh_pool(of_province.app_conninfo))
        self.province.open()
        self.sender, self.receiver = Side(self.city, "4401"), Side(self.province, "44")
        self.receiver.knows(self.sender)
        self.codes: CodeSets = stored_code_sets.shipped()

    @property
    def pool(self) -> ConnectionPool:
        return self.province.pool

    def send(self, after: int, **more: object) -> Path:
        with self.city.pool.connection() as connection:
            made = send(
                connection,
                self.city.ledger_id,
                self.folder,
                after=after,
                charts=load_charts(),
                signer=self.sender.signer(),
                made_at=self.city.clock(),
                **more,  # type: ignore[arg-type]
            )
        assert made is not None
        return made

    def receive(self, path: Path) -> CollectionAnswer:
        own = PROVIDER.public_key(self.receiver.key)
        receiver = CollectionReceiver(
            PROVIDER, "44", lambda: own, lambda: self.codes, self.city.clock
        )
        with self.pool.connection() as connection:
            return receiver.receive(connection, CollectionFile(path))

    def head(self) -> int:
        with self.city.pool.connection() as connection:
            head = read_head(connection, self.city.ledger_id)
        assert head is not None
        return head.position

    def reached(self) -> int:
        with self.pool.connection() as connection:
            return state_of(connection, self.city.ledger_id).position

    def rows(self) -> Rows:
        """What is here and not deleted."""
        with self.pool.connection() as connection:
            found = connection.execute(
                "SELECT table_name, row_key, row FROM collected_rows"
                " WHERE ledger_id = %s AND NOT is_deleted",
                (self.city.ledger_id,),
            )
            return {(table, key): row for table, key, row in found}

    def forget(self) -> None:
        """As a receiver that begins anew."""
        with self.pool.connection() as connection:
            for table in ("collected_files", "collected_rows", "collected_rejections"):
                connection.execute(f"TRUNCATE {table}")  # type: ignore[arg-type]

    def close(self) -> None:
        for keeper in (self.city, self.province):
            keeper.close()
            keeper.pool.close()


@pytest.fixture
def collection(database: Database, elsewhere: Database, tmp_path: Path) -> Iterator[Collection]:
    opened = Collection(database, elsewhere, tmp_path)
    yield opened
    opened.close()


def test_a_month_of_increments_is_what_a_snapshot_is(collection: Collection) -> None:
    """Lost, doubled, out of order, or made anew from where the receiver is: by a seed."""
    chance = random.Random(20261130)
    city = collection.city
    city.issue("B1", "100000.00")
    paths = [collection.send(0)]
    assert collection.receive(paths[0]).status == "taken"
    for day in range(1, 21):
        number = f"P-{day}"
        if day % 7 == 0:
            city.issue(f"B{day}", "500.00")
            city.adjust("B1", "-10.00")
        if day % 3 == 0:
            city.pay(number, "B1", "100.00")
            city.refund(number, "40.00")
        else:
            city.apply(number, "B1", "10.00")
            if day % 2:
                city.approve(number)
        before = int(paths[-1].name.split(".")[1])
        after = collection.reached() if chance.random() < 0.3 else before
        paths.append(collection.send(after))
        arriving = chance.sample(paths[-3:], min(2, len(paths)))  # one may be lost, or come late
        for path in arriving:
            answer = collection.receive(path)
            assert answer.status in ("taken", "had_before", "gap"), answer
            assert answer.rejected == ()
    if collection.reached() < collection.head():
        assert collection.receive(collection.send(collection.reached())).status == "taken"
    fed = collection.rows()
    collection.forget()
    assert collection.receive(collection.send(0)).status == "taken"
    assert fed == collection.rows()
    assert fed["BA_BGT_INFO", "B1"]["AMOUNT"] == "99980.00"
    assert {table for table, _ in fed} >= {
        "BA_BGT_INFO", "BA_BGT_ADJUST", "PAY_VOUCHER", "PAY_VOUCHER_BILL", "PAY_DETAIL",
        "PAY_REFUND", "BGT_EXECUTION", "AGENCY_FISCAL_REVENUE", "AGENCY", "ELE_UNION",
    }  # fmt: skip


def test_a_gap_is_named_and_filled_by_one_file(collection: Collection) -> None:
    collection.city.issue("B1", "100.00")
    first = collection.send(0)
    began = collection.head()
    collection.receive(first)
    collection.city.issue("B2", "100.00")
    lost = collection.send(began)
    at_lost = collection.head()
    collection.city.issue("B3", "100.00")
    third = collection.send(at_lost)
    answer = collection.receive(third)
    assert (answer.status, answer.rule, answer.position) == ("gap", "gap", began)
    assert collection.receive(collection.send(answer.position)).status == "taken"
    assert collection.receive(lost).status == "had_before"
    assert collection.receive(third).status == "had_before"
    assert ("BA_BGT_INFO", "B2") in collection.rows()


def test_a_row_that_is_not_sound_is_named_and_sent_anew(collection: Collection) -> None:
    """The province has not loaded a code that the city uses; when it has, the row comes again."""
    every = collection.codes
    collection.codes = CodeSets(row for row in every.rows() if row.code != "2010102")
    collection.city.issue("B1", "100.00")
    answer = collection.receive(collection.send(0))
    assert answer.status == "taken"
    [wrong] = answer.rejected
    assert (wrong.table, wrong.key) == ("BA_BGT_INFO", ("B1",))
    assert (wrong.rule, wrong.field) == ("code_unknown", "EXP_FUNC_CODE")
    assert ("BA_BGT_INFO", "B1") not in collection.rows()
    collection.codes = every
    again = collection.send(answer.position, again=[wrong.source])
    assert collection.receive(again).rejected == ()
    assert collection.rows()["BA_BGT_INFO", "B1"]["EXP_FUNC_CODE"] == "2010102"


def refused(collection: Collection, path: Path) -> str:
    with pytest.raises(GuokuError) as caught:
        collection.receive(path)
    return caught.value.code.text


def test_what_was_changed_on_the_way_is_refused_as_a_whole(collection: Collection) -> None:
    """Who gains is a city that reports less than it spends, or whoever carries the file."""
    collection.city.issue("B1", "100.00")
    path = collection.send(0)
    content = path.read_bytes()
    header, below, rows = content.split(b"\n", 2)
    changed = rows.replace(b'"AMOUNT":"100.00"', b'"AMOUNT":"900.00"', 1)
    path.write_bytes(b"\n".join((header, below, changed)))
    assert refused(collection, path) == "malformed"
    path.write_bytes(content.replace(b'"rows":1', b'"rows":2', 1))
    assert refused(collection, path) == "signature_invalid"
    path.write_bytes(content[:-10])
    assert refused(collection, path) == "malformed"
    key = PROVIDER.generate_key()
    stranger = InstallationSigner(PROVIDER.public_key(key), lambda data: PROVIDER.sign(key, data))
    path.write_bytes(stranger.signed_text(header) + rows)
    assert refused(collection, path) == "certificate_invalid"
    assert collection.rows() == {}


def test_totals_that_differ_leave_nothing_of_a_file(collection: Collection) -> None:
    collection.city.issue("B1", "100.00")
    path = collection.send(0)
    content = path.read_bytes()
    header, _, rows = content.split(b"\n", 2)
    changed = header.replace(b'"AMOUNT":"100.00"', b'"AMOUNT":"90.00"', 1)
    path.write_bytes(collection.sender.signer().signed_text(changed) + rows)
    answer = collection.receive(path)
    assert (answer.status, answer.rule, answer.position) == ("refused", "totals_differ", 0)
    assert collection.rows() == {}


def test_a_history_that_was_written_anew_is_refused(collection: Collection) -> None:
    collection.city.issue("B1", "100.00")
    collection.receive(collection.send(0))
    reached = collection.reached()
    collection.city.issue("B2", "100.00")
    path = collection.send(reached)
    header, _, rows = path.read_bytes().split(b"\n", 2)
    told = msgspec.json.decode(header)
    told["from_chain"] = "ab" * 32
    path.write_bytes(collection.sender.signer().signed_text(msgspec.json.encode(told)) + rows)
    answer = collection.receive(path)
    assert (answer.status, answer.rule) == ("refused", "history_differs")


def test_a_ledger_that_is_kept_here_is_collected_as_well(collection: Collection) -> None:
    """一处部署: the same installation keeps sender and receiver."""
    province = collection.province
    province.issue("B1", "100.00")
    with province.pool.connection() as connection:
        path = send(
            connection,
            province.ledger_id,
            collection.folder,
            after=0,
            charts=load_charts(),
            signer=collection.receiver.signer(),
            made_at=datetime.now(UTC),
        )
    assert path is not None
    assert collection.receive(path).status == "taken"


def test_a_day_is_written_as_the_tables_have_it(collection: Collection) -> None:
    collection.city.issue("B1", "100.00", effective_on=date(2026, 3, 1))
    collection.receive(collection.send(0))
    row = collection.rows()["BA_BGT_INFO", "B1"]
    assert (row["MOF_DIV_CODE"], row["FISCAL_YEAR"], row["IS_DELETED"]) == (CITY, "2026", "2")
    assert (row["DOC_DATE"], row["CUR_AMT"]) == ("2026-03-01", "100.00")


def test_the_folder_says_what_comes_next(collection: Collection) -> None:
    """报送目录: without an answer from the end of the last file, with one from where it says."""
    ledger = f"{CITY}-2026"
    assert next_of(collection.folder, ledger) == NextFile(0)
    collection.city.issue("B1", "100.00")
    path = collection.send(0)
    assert next_of(collection.folder, ledger) == NextFile(collection.head())
    collection.codes = CodeSets(row for row in collection.codes.rows() if row.code != "2010102")
    answer = collection.receive(path)
    write_answer(path, answer)
    [wrong] = answer.rejected
    assert next_of(collection.folder, ledger) == NextFile(answer.position, (wrong.source,))
    answer_path(path).write_bytes(b"no answer")
    with pytest.raises(ConfigurationError):
        next_of(collection.folder, ledger)
    left = collection.folder / f"{ledger}.000000000009.000000000000.partial"
    left.write_bytes(b"a killed program's")
    with alone_in(collection.folder), pytest.raises(UnavailableError), alone_in(collection.folder):
        pass
    assert not left.exists()


def test_what_is_gone_stays_as_deleted(collection: Collection) -> None:
    """否删除 1: a row is never taken away, here as little as there."""
    collection.city.issue("B1", "100.00")
    collection.receive(collection.send(0))
    reached, place = collection.reached(), ("BA_BGT_INFO", "B9")
    with collection.pool.connection() as connection:
        connection.execute(
            "INSERT INTO collected_rows SELECT ledger_id, table_name, 'B9', false, 1, row"
            " FROM collected_rows WHERE table_name = 'BA_BGT_INFO'"
        )
    collection.city.issue("B2", "100.00")
    assert collection.receive(collection.send(reached)).status == "taken"
    assert place in collection.rows(), "an increment says nothing of it"
    collection.city.issue("B3", "100.00")
    assert collection.receive(collection.send(0)).status == "taken"
    assert place not in collection.rows()
    with collection.pool.connection() as connection:
        [kept] = connection.execute(
            "SELECT row ->> 'IS_DELETED' FROM collected_rows WHERE row_key = 'B9'"
        )
    assert kept == ("1",)


def test_a_program_writes_what_is_new_and_goes_on_from_the_newest_file(
    collection: Collection, tmp_path: Path
) -> None:
    city, out = collection.city, tmp_path / "out"

    def looked(of_division: str = "4401") -> int:
        """Of a program that has just started."""
        return SendingUpward(
            city.pool,
            out,
            load_charts(),
            collection.sender.signer,
            city.clock,
            of_division=of_division,
            every_s=3600,
        ).look()

    city.issue("B1", "100000.00")
    assert looked(of_division="4403") == 0, "it does not speak for Guangzhou"
    assert (looked(), looked()) == (1, 0)
    city.pay("P-1", "B1", "100.00")
    assert looked() == 1
    for path in sorted(out.iterdir(), reverse=True):
        collection.receive(path)
    for path in sorted(out.iterdir()):
        assert collection.receive(path).status in ("taken", "had_before")
    assert collection.reached() == collection.head()
