"""Code sets in the database: loads overlay what is shipped, stay on record, never are undone."""

from datetime import date

import psycopg
import pytest

from division import code_sets
from ledger.elements import stored_code_sets
from ledger.elements.code_sets import CodeRow
from ledger.gm import sm3
from tests.support.at_machine import FREELY

GUANGDONG = "440000000"
DAY = date(2026, 3, 2)
LOCAL = CodeRow(
    "fund_type_code",
    "1111",
    "本级财力安排",
    "111",
    is_standard=False,
    start_date=date(2026, 1, 1),
    mof_div_code=GUANGDONG,
)


def name(conn: psycopg.Connection, element: str, code: str) -> str:
    return stored_code_sets.read(conn).name(element, code, on=DAY, mof_div_code=GUANGDONG)


def test_nothing_loaded_is_what_is_shipped(owner_conn: psycopg.Connection) -> None:
    assert stored_code_sets.read(owner_conn) is stored_code_sets.shipped()
    assert stored_code_sets.loads(owner_conn) == []


def test_a_load_lies_over_what_is_shipped_and_is_on_record(
    owner_conn: psycopg.Connection,
) -> None:
    shipped = stored_code_sets.shipped()
    renamed = next(r for r in shipped.rows() if r.code == "2010101")._replace(name="行政运作")
    same = next(r for r in shipped.rows() if r.code == "2010102")
    report = code_sets.load(
        owner_conn,
        [LOCAL, renamed, same],
        FREELY,
        loaded_by="ops-1",
        file_name="2026.csv",
        file_content=b"file",
    )
    assert (report.added, report.superseded, report.unchanged) == (1, 1, 1)
    assert report.file_sm3 == sm3(b"file").hex()
    after = stored_code_sets.read(owner_conn)
    assert report.version == after.version != shipped.version
    assert set(after.rows()) == {*shipped.rows(), LOCAL, renamed} - {
        r for r in shipped.rows() if r.key == renamed.key
    }
    assert stored_code_sets.loads(owner_conn) == [report]


def test_a_later_load_supersedes_and_the_earlier_one_can_be_read_again(
    owner_conn: psycopg.Connection,
) -> None:
    first = code_sets.load(owner_conn, [LOCAL], FREELY, loaded_by="ops-1")
    second = code_sets.load(
        owner_conn, [LOCAL._replace(is_enabled=False)], FREELY, loaded_by="ops-2"
    )
    assert (second.added, second.superseded) == (0, 1)
    assert stored_code_sets.read(owner_conn).version == second.version
    again = stored_code_sets.read(owner_conn, up_to_load=first.load_id)
    assert again.version == first.version
    assert LOCAL in again.rows()


def test_going_back_to_what_was_shipped_gives_its_version_again(
    owner_conn: psycopg.Connection,
) -> None:
    original = next(r for r in stored_code_sets.shipped().rows() if r.code == "2010101")
    code_sets.load(owner_conn, [original._replace(name="行政运作")], FREELY, loaded_by="ops-1")
    assert name(owner_conn, "exp_func_code", "2010101") == "行政运作"
    code_sets.load(owner_conn, [original], FREELY, loaded_by="ops-1")
    assert name(owner_conn, "exp_func_code", "2010101") == "行政运行"
    assert stored_code_sets.read(owner_conn).version == stored_code_sets.shipped().version


def test_the_same_load_twice_stores_no_row_again(owner_conn: psycopg.Connection) -> None:
    first = code_sets.load(owner_conn, [LOCAL], FREELY, loaded_by="ops-1")
    second = code_sets.load(owner_conn, [LOCAL], FREELY, loaded_by="ops-1")
    assert (second.unchanged, second.version) == (1, first.version)
    assert owner_conn.execute("SELECT count(*) FROM code_sets").fetchone() == (1,)
    assert len(stored_code_sets.loads(owner_conn)) == 2


def test_a_load_that_fails_leaves_nothing(owner_conn: psycopg.Connection) -> None:
    broken = LOCAL._replace(name="a\x00b")
    with pytest.raises(psycopg.DataError):
        code_sets.load(owner_conn, [broken], FREELY, loaded_by="ops-1")
    assert stored_code_sets.loads(owner_conn) == []


def test_loads_are_not_rewritten_even_by_the_owner(owner_conn: psycopg.Connection) -> None:
    code_sets.load(owner_conn, [LOCAL], FREELY, loaded_by="ops-1")
    owner_conn.commit()
    for statement in (
        "UPDATE code_sets SET name = ''",
        "DELETE FROM code_sets",
        "UPDATE code_set_loads SET loaded_by = 'nobody'",
        "DELETE FROM code_set_loads",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation):
            owner_conn.execute(statement)
        owner_conn.rollback()
