"""docs/export.md: its tables are the program's, its commands and queries run and are right."""

import os
import re
import shlex
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from lxml import etree

from budget import indicators
from ledger.books import shipped_books
from ledger.deciding.state import BEIJING
from ledger.events import JournalPosted
from ledger.postgres.database import Database
from ledger.postgres.embedded import EmbeddedPostgres
from payments.payment import PAYMENT
from projections.exchange.catalogue import SUBJECTS
from projections.exchange.subject import CLASSES
from projections.exchange.xml_classes import UNIVERSAL, elements
from tests.conftest import drop_database, new_database
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.command_line import clean_environment, run
from tests.support.exports import export
from tests.support.histories import mixed_history
from tests.support.paths import ROOT

TEXT = (ROOT / "docs/export.md").read_text(encoding="utf-8")
QUERIES = {
    title.strip(): sql
    for title, sql in re.findall(r"### ([^\n]+)\n(?:(?!### ).)*?```sql\n(.*?)```", TEXT, re.DOTALL)
}
SPENT, PAYEES, TRIAL, UNBALANCED, EXECUTION, ASTRAY, OWN, REFUSED, LATE = QUERIES


@pytest.fixture(scope="module")
def keeper(module_database: Database) -> Iterator[Bookkeeper]:
    with fresh_pool(module_database.app_conninfo) as pool:
        keeper = Bookkeeper(pool)
        keeper.open()
        mixed_history(keeper)
        yield keeper
        keeper.close()


@pytest.fixture(scope="module")
def directory(keeper: Bookkeeper, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("export") / "e"
    export(keeper.pool, keeper.ledger_id, directory)
    return directory


def ask(directory: Path, sql: str) -> list[tuple[Any, ...]]:
    """As a person would: from the export's directory, with the text as it stands."""
    here = Path.cwd()
    os.chdir(directory)
    try:
        with duckdb.connect() as connection:
            return connection.execute(sql).fetchall()
    finally:
        os.chdir(here)


def payments(keeper: Bookkeeper) -> dict[str, Any]:
    """Every payment, folded from the events by number."""
    found: dict[str, Any] = {}
    for _, _, event in keeper.events():
        number = getattr(event, "pay_app_no", None)
        if number is not None:
            found[number] = PAYMENT.fold(found.get(number), event)
    return found


# ---- the queries


def test_spent_per_unit_and_month(keeper: Bookkeeper, directory: Path) -> None:
    """101001 in March: P1 100, P3 30, P5 60, P9 90, less the refund of P1, 100.
    102001: P2 200, less 50."""
    assert ask(directory, QUERIES[SPENT]) == [
        ("101001", "2026-03", Decimal("180.00")),
        ("102001", "2026-03", Decimal("150.00")),
    ]


def test_top_payees(keeper: Bookkeeper, directory: Path) -> None:
    paid: dict[str, Decimal] = defaultdict(Decimal)
    for p in payments(keeper).values():
        for d in p.details:
            fen, _ = p.outcomes().get(d.pay_detail_id, (0, ""))
            paid[d.payee_acct_no] += Decimal(fen) / 100
    expected = sorted(((a, v) for a, v in paid.items() if v), key=lambda i: (-i[1], i[0]))
    assert [(row[0], row[3]) for row in ask(directory, QUERIES[PAYEES])] == expected


def test_the_trial_balance(keeper: Bookkeeper, directory: Path) -> None:
    totals: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for journal in keeper.journals():
        for line in journal.lines:
            totals[line.account][line.dr_cr < 0] += Decimal(line.amt)
    accounts = shipped_books().accounts
    expected = {
        account: (accounts[account].book, accounts[account].name, debit, credit)
        for account, (debit, credit) in totals.items()
    }
    shown = {
        account: (book, name, debit or 0, credit or 0)
        for book, account, name, debit, credit in ask(directory, QUERIES[TRIAL])
    }
    assert shown == expected


def test_what_should_not_be_is_not(directory: Path) -> None:
    assert ask(directory, QUERIES[UNBALANCED]) == []
    assert ask(directory, QUERIES[ASTRAY]) == []
    assert ask(directory, QUERIES[OWN]) == []


def test_the_canaries_sing(directory: Path) -> None:
    """The queries that should find nothing do find what is changed for them."""
    journals = "(SELECT * REPLACE (amt + (line = 1)::int AS amt) FROM 'parquet/journals.parquet')"
    wrong = QUERIES[UNBALANCED].replace("'parquet/journals.parquet'", journals)
    assert len(ask(directory, wrong)) > 0
    changed = "(SELECT * REPLACE (pay_amt + 0.01 AS pay_amt) FROM 'parquet/indicators.parquet')"
    astray = QUERIES[ASTRAY].replace("'parquet/indicators.parquet'", changed)
    assert [row[0] for row in ask(directory, astray)] == ["B1", "B2", "B3"]
    own = QUERIES[OWN].replace("made_by = checked_by", "checked_by = 'checker'")
    assert len(ask(directory, own)) > 0


def test_budget_execution_by_function(keeper: Bookkeeper, directory: Path) -> None:
    rows = {row[0]: row[2:] for row in ask(directory, QUERIES[EXECUTION])}
    # 10000 each: of the general budget two, +500, -1000; of land sales one
    assert rows.keys() == {"2010102", "2120801"}
    assert [figures[0] for figures in rows.values()] == [Decimal("19500.00"), Decimal("10000.00")]
    assert sum(figures[1] for figures in rows.values()) == Decimal("330.00")
    for amount, paid, percent in rows.values():
        assert percent == pytest.approx(100 * float(paid / amount), abs=0.01)


def test_refusals_and_late_entries(keeper: Bookkeeper, directory: Path) -> None:
    assert ask(directory, QUERIES[REFUSED]) == [("insufficient_indicator", "maker", 1, 1)]
    applied = [(at.astimezone(BEIJING).date() - day).days for at, day in keeper.sql(
        "SELECT recorded_at, effective_on FROM events WHERE ledger_id = %s"
        " AND type = 'payment.applied'"
    )]  # fmt: skip
    late = set(applied)
    assert {row[0] for row in ask(directory, QUERIES[LATE])} == late
    assert sum(row[1] for row in ask(directory, QUERIES[LATE])) == len(applied)


# ---- the files and their description


def test_every_subject_is_described_as_it_is() -> None:
    for subject in SUBJECTS:
        assert subject.__doc__
        columns = ", ".join(subject.__struct_fields__)
        if "PARQUET" in vars(subject):
            assert f"| `{subject.PARQUET}` | {subject.__doc__.strip()} | {columns} |" in TEXT
        if subject.ELEMENT:
            name, title = subject.XML
            listed = ", ".join(element for _, element, _ in elements(subject))
            row = f"| {title} | `xml/{name}.xml` | `{subject.ELEMENT}` | {subject.__doc__.strip()}"
            assert f"{row} | {listed} |" in TEXT
    assert TEXT.count(".xml` | `") == sum(bool(subject.ELEMENT) for subject in SUBJECTS)


def test_parquet_has_the_columns_and_types(directory: Path) -> None:
    for subject in SUBJECTS:
        if not subject.PARQUET:
            continue
        path = f"parquet/{subject.PARQUET}.parquet"
        described = ask(directory, f"DESCRIBE SELECT * FROM '{path}'")
        assert [row[0] for row in described] == list(subject.__struct_fields__)
        for name, kind, *_ in described:
            if name == "amt" or name.endswith(("_amt", "amount")):
                assert kind == "DECIMAL(18,2)", (path, name)


def test_the_events_are_all_there_with_their_digests(keeper: Bookkeeper, directory: Path) -> None:
    shown = ask(directory, "SELECT position, digest, payload FROM 'parquet/events.parquet'")
    stored = keeper.sql("SELECT position, digest, payload FROM events WHERE ledger_id = %s")
    assert sorted(shown) == sorted((p, d.hex(), payload.decode()) for p, d, payload in stored)


def test_amounts_are_exact_at_both_ends(bookkeeper: Bookkeeper, tmp_path: Path) -> None:
    """One fen, and the largest amount there is: no float on the way."""
    largest = "9999999999999999.99"
    bookkeeper.issue("MIN", "0.01")
    bookkeeper.issue("MAX", largest)
    export(bookkeeper.pool, bookkeeper.ledger_id, tmp_path / "e")
    rows = ask(tmp_path / "e", "SELECT bgt_id, amount FROM 'parquet/indicators.parquet'")
    assert dict(rows) == {"MIN": Decimal("0.01"), "MAX": Decimal(largest)}
    adjusted = ask(tmp_path / "e", "SELECT count(*) FROM 'parquet/adjustments.parquet'")
    assert adjusted == [(0,)]
    xml = etree.parse(tmp_path / "e/xml/budget.xml")
    assert xml.xpath("//BA_BGT_INFO[BGT_ID='MAX']/AMOUNT/text()") == [largest]


def test_xml_is_of_six_classes_and_says_that_nothing_is_deleted(
    keeper: Bookkeeper, directory: Path
) -> None:
    """Declared as UTF-8, of known elements only, with the state of every payment."""
    known = {s.ELEMENT: {e for _, e, _ in elements(s)} | set(UNIVERSAL) for s in SUBJECTS}
    for name, title in CLASSES:
        path = directory / f"xml/{name}.xml"
        assert path.read_bytes().startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
        root = etree.parse(path).getroot()
        assert (root.get("CLASS"), root.get("MOF_DIV_CODE")) == (title, "440000000")
        assert len(root) > 0
        for record in root:
            assert [child.tag for child in record[:3]] == list(UNIVERSAL)
            assert [child.text for child in record[:3]] == ["440000000", "2026", "2"]
            assert {child.tag for child in record} <= known[record.tag]
    spent = etree.parse(directory / "xml/expenditure.xml")
    shown = {
        record.findtext("PAY_APP_NO"): record.findtext("PAY_STATUS")
        for record in spent.iter("PAY_VOUCHER")
    }
    assert shown == {number: p.status for number, p in payments(keeper).items() if p}


def test_control_characters_do_not_break_the_xml(bookkeeper: Bookkeeper, tmp_path: Path) -> None:
    bookkeeper.issue("B", "100.00")
    odd = indicators.AdjustIndicator(bgt_id="B", adj_no="T1", adj_amt="1.00", reason="a\x01<&>追加")
    bookkeeper.do(odd)
    export(bookkeeper.pool, bookkeeper.ledger_id, tmp_path / "e")
    root = etree.parse(tmp_path / "e/xml/budget.xml")
    assert root.xpath("//BA_BGT_ADJUST/REASON/text()") == ["a\ufffd<&>追加"]


def test_settled_money_is_revenue_of_the_units(keeper: Bookkeeper, directory: Path) -> None:
    """收入: what units received is what the unit's books say of 财政拨款收入."""
    root = etree.parse(directory / "xml/revenue.xml")
    received = sum(Decimal(str(text)) for text in root.xpath("//INCOME_AMT/text()"))
    booked = sum(
        (-line.dr_cr * Decimal(line.amt) for _, _, journal in keeper.events()
         if isinstance(journal, JournalPosted) for line in journal.lines if line.account == "D3"),
        Decimal(0),
    )  # fmt: skip
    assert received == booked == Decimal("330.00")


# ---- the commands


def test_the_commands_run_as_they_stand(
    keeper: Bookkeeper, module_database: Database, cluster: EmbeddedPostgres, template: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    # the second brings a whole installation: tests/processes/test_import_cli.py
    [script, _] = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    whole, month, back = (
        shlex.split(
            line.replace("440823000-2026", "440000000-2026").replace("/audit", str(tmp_path))
        )
        for line in script.splitlines()
    )
    data = {"GUOKU_DATA": str(tmp_path / "data")}
    source = clean_environment(GUOKU_DSN=module_database.owner_conninfo, **data)
    for command in (whole, month):
        done = run(*command[1:], environment=source)
        assert done.returncode == 0, done.stderr
        assert "已导出 440000000-2026" in done.stdout
    twice = run(*whole[1:], environment=source)
    assert (twice.returncode, "not an empty directory" in twice.stderr) == (1, True)
    other = new_database(cluster, template)
    try:
        target = clean_environment(GUOKU_DSN=other.owner_conninfo, **data)
        wrong = run(*back[1:], "--public-key", "00" * 64, environment=target)
        assert (wrong.returncode, "with another key" in wrong.stderr) == (1, True)
        done = run(*back[1:], environment=target)
        assert done.returncode == 0, done.stderr
        assert "已导入 440000000-2026" in done.stdout
        [[chain]] = keeper.sql("SELECT chain FROM ledgers WHERE ledger_id = %s")
        assert f"链值: {chain.hex()}" in done.stdout
        again = run(*back[1:], environment=target)
        assert (again.returncode, "exists" in again.stderr) == (1, True)
    finally:
        drop_database(cluster, other)
