"""单位: registered, changed and ended by days; and what a year's ledger knows of them."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest

from budget.indicators import AdjustIndicator, ReallocateIndicator
from budget.issuing import IssueIndicator
from division import learning
from division.agency import AGENCIES, AGENCY, ChangeAgency, RegisterAgency, RegisteredAgency
from division.base_events import AgencyChanged, AgencyRegistered
from division.learning import KnowledgeReader
from division.opening import OpenDivision
from division.recording import record
from ledger.account_set import standing_ledger
from ledger.deciding.command import Command
from ledger.deciding.principals import OPERATOR
from ledger.errors import Code, GuokuError
from ledger.postgres.database import Database, connect
from ledger.reading.objects import read_objects
from payments.application import RejectPayment
from tests.division.test_banks import KnowingBookkeeper
from tests.support.at_machine import FREELY
from tests.support.bookkeeper import ELEMENTS, payment

pytestmark = pytest.mark.usefixtures("decided_again")

GUANGDONG, GUANGZHOU = standing_ledger("44"), standing_ledger("4401")
JUNE, JULY, DECEMBER = date(2026, 6, 1), date(2026, 7, 1), date(2026, 12, 1)
OPEN = OpenDivision(mof_div_code="440000000", name="广东省", tier_code="2")


@pytest.fixture
def books(database: Database) -> Iterator[KnowingBookkeeper]:
    keeper = KnowingBookkeeper(database)
    keeper.open()
    yield keeper
    keeper.close()
    keeper.pool.close()


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    with connect(database.app_conninfo) as connection:
        yield connection


def unit(code: str = "101001", name: str = "样例学校", kind: str = "3", **more: object) -> Command:
    return RegisterAgency(agency_code=code, agency_name=name, agency_type_code=kind, **more)  # type: ignore[arg-type]


def on_record(conn: psycopg.Connection, *commands: Command, ledger: int = GUANGDONG) -> None:
    record(conn, ledger, commands, FREELY, by=OPERATOR)


def refused(conn: psycopg.Connection, command: Command) -> tuple[str, object]:
    """Code and pointer of its refusal."""
    with pytest.raises(GuokuError) as caught:
        on_record(conn, command)
    assert isinstance(caught.value.code, Code)
    return caught.value.code.text, caught.value.extra.get("pointer")


def registered(conn: psycopg.Connection, code: str = "101001") -> RegisteredAgency:
    found: dict[str, RegisteredAgency] = read_objects(conn, GUANGDONG, AGENCY, [code])
    return found[code]


# ---- what a unit is on a day


def test_a_unit_that_changes_its_type_in_june_is_what_it_was_in_may(
    conn: psycopg.Connection,
) -> None:
    on_record(conn, unit(kind="3"))
    turns = ChangeAgency(
        agency_code="101001", change_no="DW-1", start_date=JUNE, agency_type_code="1"
    )
    on_record(conn, turns)
    agency = registered(conn)
    may, june = agency.on(date(2026, 5, 31)), agency.on(JUNE)
    assert may is not None
    assert june is not None
    assert (may.agency_type_code, june.agency_type_code) == ("3", "1")
    assert may.agency_name == june.agency_name == "样例学校"


def test_what_is_told_late_of_an_earlier_day_takes_nothing_back() -> None:
    """A name from July was told first, a type from June second: in July both hold."""
    first = AgencyRegistered(
        agency_code="101001", agency_name="样例学校", agency_type_code="3", by="a"
    )
    name = AgencyChanged(
        agency_code="101001", change_no="1", start_date="2026-07-01", agency_name="样例学院", by="a"
    )
    kind = AgencyChanged(
        agency_code="101001", change_no="2", start_date="2026-06-01", agency_type_code="4", by="a"
    )
    agency = None
    for event in (first, name, kind):
        agency = AGENCIES.fold(agency, event)
    assert agency is not None
    shown = [(v.start_date, v.agency_name, v.agency_type_code) for v in agency.versions]
    assert shown == [
        (date.min, "样例学校", "3"),
        (JUNE, "样例学校", "4"),
        (JULY, "样例学院", "4"),
    ]


def test_a_unit_is_there_from_its_start_to_the_day_before_its_end(
    conn: psycopg.Connection,
) -> None:
    on_record(conn, unit(start_date=JUNE, end_date=DECEMBER))
    agency = registered(conn)
    days = (date(2026, 5, 31), JUNE, date(2026, 11, 30), DECEMBER)
    assert [agency.on(day) is not None for day in days] == [False, True, True, False]


# ---- what is refused


def test_a_parent_is_registered_and_its_code_the_beginning_of_the_units(
    conn: psycopg.Connection,
) -> None:
    child = unit(parent_agency_code="101")
    assert refused(conn, child) == ("element_invalid", "/parent_agency_code"), "not registered"
    on_record(conn, unit("101", "样例部门", "1"), unit("102", "另一部门", "1"))
    other = unit(parent_agency_code="102")
    assert refused(conn, other) == ("element_invalid", "/parent_agency_code"), "102 of 101001"
    on_record(conn, child)
    moved = ChangeAgency(
        agency_code="101001", change_no="1", start_date=JUNE, parent_agency_code="102"
    )
    assert refused(conn, moved) == ("element_invalid", "/parent_agency_code")


def test_a_change_is_of_a_unit_that_there_is_on_days_that_it_has(conn: psycopg.Connection) -> None:
    change = ChangeAgency(agency_code="101001", change_no="1", start_date=JUNE, agency_name="新")
    assert refused(conn, change)[0] == "not_found"
    on_record(conn, unit(start_date=JULY))
    assert refused(conn, change) == ("element_invalid", "/start_date")
    ends = ChangeAgency(agency_code="101001", change_no="2", end_date=JUNE)
    assert refused(conn, ends) == ("element_invalid", "/end_date")
    unknown = ChangeAgency(
        agency_code="101001", change_no="3", end_date=DECEMBER, successor_agency_code="101002"
    )
    assert refused(conn, unknown) == ("element_invalid", "/successor_agency_code")
    bank = ChangeAgency(agency_code="101001", change_no="4", start_date=JULY, pay_bank_code="999")
    assert refused(conn, bank) == ("element_invalid", "/pay_bank_code")


@pytest.mark.parametrize(
    ("command", "pointer"),
    [
        (ChangeAgency(agency_code="101001", start_date=JUNE), None),
        (ChangeAgency(agency_code="101001", agency_name="新"), "/start_date"),
        (
            ChangeAgency(
                agency_code="101001",
                start_date=JUNE,
                agency_name="新",
                successor_agency_code="101002",
            ),
            "/successor_agency_code",
        ),
        (unit(start_date=JULY, end_date=JUNE), "/end_date"),
    ],
)
def test_what_says_nothing_or_of_no_day_is_malformed(command: Command, pointer: str | None) -> None:
    with pytest.raises(GuokuError) as caught:
        command.check()  # type: ignore[attr-defined]
    assert caught.value.code is Code.MALFORMED
    assert caught.value.extra.get("pointer") == pointer


# ---- what a year's ledger makes of it


def issuing(bgt_id: str, **more: Any) -> IssueIndicator:
    """Of the unit 101001."""
    return IssueIndicator(bgt_id=bgt_id, amount="100.00", **{**ELEMENTS, **more})


def test_a_division_that_was_not_opened_works_as_before(
    books: KnowingBookkeeper, conn: psycopg.Connection
) -> None:
    on_record(conn, unit("102001"))
    books.issue("B1", "100.00")
    [issued] = [event for _, name, event in books.events() if name == "indicator.issued"]
    assert (issued.agency_code, issued.agency_name) == ("101001", "")


def test_an_indicator_is_a_registered_units(
    books: KnowingBookkeeper, conn: psycopg.Connection
) -> None:
    on_record(conn, OPEN)
    books.issue("B1", "100.00")  # of a division that has put no unit on record yet
    on_record(conn, unit("102001"))
    problem = books.ask(issuing("B2")).problem
    assert problem is not None
    assert "not registered" in problem.detail
    assert (problem.code, problem.extra["pointer"]) == (Code.ELEMENT_INVALID, "/agency_code")
    on_record(conn, unit("101001", "样例学校"))
    books.issue("B3", "100.00")
    *_, issued = [event for _, name, event in books.events() if name == "indicator.issued"]
    assert issued.agency_name == "样例学校", "the name comes from the register"


def test_an_indicator_is_dated_in_its_units_days(
    books: KnowingBookkeeper, conn: psycopg.Connection
) -> None:
    on_record(conn, OPEN, unit(start_date=JUNE, end_date=DECEMBER))
    assert books.refusal(issuing("B1")) == "element_invalid", "it is March"
    books.issue("B2", "1.00", effective_on=JUNE)
    late = issuing("B3", effective_on=DECEMBER)
    assert books.refusal(late) == "element_invalid"


def test_a_city_has_its_own_units(books: KnowingBookkeeper, conn: psycopg.Connection) -> None:
    on_record(conn, unit(), OpenDivision(mof_div_code="440100000", name="广州市", tier_code="3"),
              ledger=GUANGZHOU)  # fmt: skip
    on_record(conn, OPEN, unit("102001"))
    assert books.refusal(issuing("B1")) == "element_invalid", "it is the city's"


def test_the_money_of_a_unit_that_ended_comes_to_its_end(
    books: KnowingBookkeeper, conn: psycopg.Connection
) -> None:
    """What was applied for before is paid or given back; nothing new is applied for."""
    on_record(conn, OPEN, unit(), unit("101002", "承接学校"))
    books.issue("B1", "100.00")
    books.apply("SQ-1", "B1", "30.00")
    books.apply("SQ-2", "B1", "20.00")
    today = books.clock.now.date()
    ends = ChangeAgency(
        agency_code="101001", change_no="CB-1", end_date=today, successor_agency_code="101002"
    )
    on_record(conn, ends)
    problem = books.ask(payment("SQ-3", "B1", "1.00")).problem
    assert problem is not None
    assert "its business is that of 101002 撤并" in problem.detail
    assert problem.extra["pointer"] == "/bgt_id"
    books.do(RejectPayment(pay_app_no="SQ-2", reason="撤并"), "checker")
    approved = books.approve("SQ-1")
    books.sign("SQ-1")
    books.receipt(approved)
    left = books.figures("B1")
    assert (left["available"], left["paid"]) == ("70.00", "30.00")
    more = AdjustIndicator(bgt_id="B1", adj_no="TZ-1", adj_amt="1.00", reason="追加")
    assert books.refusal(more) == "element_invalid"
    books.issue("B9", "1.00", agency_code="101002")
    over = ReallocateIndicator(
        bgt_id="B1", adj_no="TJ-1", to_bgt_id="B9", amt="70.00", reason="撤并"
    )
    books.do(over)
    back = ReallocateIndicator(
        bgt_id="B9", adj_no="TJ-2", to_bgt_id="B1", amt="1.00", reason="撤并"
    )
    assert books.refusal(back) == "element_invalid"
    assert books.figures("B9")["available"] == "71.00"
    assert books.refusal(issuing("B2")) == "element_invalid"


# ---- how it is read


def test_only_what_came_behind_is_read_again(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = KnowledgeReader()
    on_record(conn, OPEN, *(unit(f"1010{n:02d}", f"单位{n}") for n in range(1, 51)))
    first = read(conn, {GUANGDONG: head(conn)}).divisions[GUANGDONG]
    assert (first.is_open, len(first.agencies)) == (True, 50)
    on_record(conn, unit("102001", "另一单位"))
    counted: list[str] = []
    decode = learning.decode
    monkeypatch.setattr(
        learning, "decode", lambda name, payload: counted.append(name) or decode(name, payload)
    )
    second = read(conn, {GUANGDONG: head(conn)}).divisions[GUANGDONG]
    assert len(second.agencies) == 51
    assert counted == ["agency.registered"]
    assert len(first.agencies) == 50, "who knew less knows no more by it"
    before = read(conn, {GUANGDONG: 5}).divisions[GUANGDONG]
    assert len(before.agencies) == 3, "as of a position, read anew"


def test_another_history_is_not_taken_for_the_one_that_was_read(
    conn: psycopg.Connection, owner_conn: psycopg.Connection
) -> None:
    """After a restore the same position may follow upon other events; the chain tells."""
    read = KnowledgeReader()
    on_record(conn, OPEN, unit())
    at = head(conn)
    assert len(read(conn, {GUANGDONG: at}).divisions[GUANGDONG].agencies) == 1
    conn.commit()
    owner_conn.execute("SET session_replication_role = replica")
    owner_conn.execute("DELETE FROM events WHERE type = 'agency.registered'")
    owner_conn.execute(
        "UPDATE commits SET chain = sha256(chain) WHERE ledger_id = %s", (GUANGDONG,)
    )
    owner_conn.commit()
    assert read(conn, {GUANGDONG: at}).divisions[GUANGDONG].agencies == {}


def head(conn: psycopg.Connection) -> int:
    row = conn.execute("SELECT position FROM ledgers WHERE ledger_id = %s", (GUANGDONG,)).fetchone()
    assert row is not None
    return int(row[0])
