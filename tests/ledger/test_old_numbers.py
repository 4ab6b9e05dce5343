"""A ledger begun before release 0.2: its numbers are answered and audited as those of today are."""

import tomllib
from collections.abc import Iterator
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psycopg
import pytest
from psycopg_pool import ConnectionPool

from ledger.books import load_charts
from ledger.closing import ClosePeriod
from ledger.deciding.command import Command, Outcome, commands
from ledger.deciding.opening import OpenLedger
from ledger.gm import default_provider, sm3
from ledger.postgres.database import Database
from ledger.verification import grammar
from payments.disbursement.opening import OpenRun
from payments.verification.run import Options, VerificationReport, verify_ledger
from tests.support.audited_books import AuditedBooks, audited_history
from tests.support.bookkeeper import Bookkeeper, fresh_pool, payment
from tests.support.commands_on_file import LINES, UrgentPayment
from tests.support.exports import export, restore
from tests.support.histories import MARCH_2

FORMER_FIELDS = tomllib.loads(
    resources.files("ledger.data").joinpath("fingerprints", "version_1.toml").read_text("utf-8")
)


class AskedCommand(NamedTuple):
    command: Command
    by: str
    how: dict[str, Any]
    outcome: Outcome


class Remembering(Bookkeeper):
    """Remembers all that was asked of it."""

    def __init__(self, pool: ConnectionPool) -> None:
        super().__init__(pool)
        self.asked: list[AskedCommand] = []

    def submit(self, *commands: Command, by: str = "maker", **how: Any) -> list[Outcome]:
        outcomes = super().submit(*commands, by=by, **how)
        self.asked += [
            AskedCommand(command, by, how, outcome)
            for command, outcome in zip(commands, outcomes, strict=True)
        ]
        return outcomes

    @property
    def kept(self) -> list[AskedCommand]:
        """What is kept under a number or a key."""
        return [asked for asked in self.asked if asked.command.number or asked.how]


class OldLedger(NamedTuple):
    database: Database
    ledger_id: int
    kept: list[AskedCommand]

    def verified(self, folder: Path) -> VerificationReport:
        return verify_ledger(
            self.database.app_conninfo,
            load_charts(),
            default_provider(),
            self.ledger_id,
            Options(folder=folder),
        )


@pytest.fixture(scope="module")
def old_ledger(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> OldLedger:
    """A ledger with signatures that verify, all its numbers kept as version 1 kept them."""
    with fresh_pool(module_database.app_conninfo) as pool:
        keeper = Remembering(pool)
        audited_history(AuditedBooks(keeper, tmp_path_factory.mktemp("old")))
        keeper.do(OpenRun(run_no="PL1", bgt_id="B1", title="三月补贴", use_des="惠农补贴"))
        keeper.do(ClosePeriod(through="2026-01-31"))
        keeper.close()
        keep_as_before(module_database, keeper)
    return OldLedger(module_database, keeper.ledger_id, keeper.kept)


def keep_as_before(database: Database, keeper: Remembering) -> None:
    """A superuser makes the past that this program can no longer write."""
    changed = 0
    with psycopg.connect(database.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE command_keys SET operation = substr(operation, length('refused:') + 1),"
            " number = split_part(number, E'\\n', 2) WHERE operation LIKE 'refused:%'"
        )
        for command, by, how, _ in keeper.kept:
            names = [(command.OPERATION, command.number)]
            if key := how.get("idempotency_key"):
                names.append((f"key:{command.OPERATION}", f"{by}\n{key}"))
            if isinstance(command, OpenLedger):
                names, changed = [], changed + 1  # with a policy it could not be asked for then
            elif command.OPERATION not in FORMER_FIELDS:
                names, changed = [], changed + len(names)  # nor could this
            for operation, number in names:
                changed += connection.execute(
                    "UPDATE command_keys SET fingerprint = %s"
                    " WHERE ledger_id = %s AND operation = %s AND number = %s",
                    (former(command), keeper.ledger_id, operation, number),
                ).rowcount
    assert changed == len(keeper.sql("SELECT 1 FROM command_keys WHERE ledger_id = %s"))


def former(command: Command) -> bytes:
    """The fingerprint as the former release made it: of all the fields that a command had."""
    body = command.body
    if isinstance(body, Command):
        body = {name: getattr(body, name) for name in FORMER_FIELDS[command.OPERATION]}
    return sm3(command.OPERATION.encode() + b"\0" + msgspec.json.encode(body))


@pytest.fixture
def today(old_ledger: OldLedger) -> Iterator[Bookkeeper]:
    """A process of this release on the old ledger."""
    with fresh_pool(old_ledger.database.app_conninfo) as pool:
        keeper = Bookkeeper(pool)
        keeper.clock.now += timedelta(hours=1)
        yield keeper
        keeper.close()


def test_the_past_is_made_as_it_was() -> None:
    """What the tests below put into a ledger is what the former release kept."""
    for line in LINES[1]:
        assert former(line.read()).hex() == line.fingerprint


def test_every_old_number_is_answered_as_it_was(old_ledger: OldLedger, today: Bookkeeper) -> None:
    refused = 0
    for command, by, how, then in old_ledger.kept:
        now = today.ask(command, by, **how)
        assert now.replayed, command
        assert now.subjects == then.subjects
        assert str(now.problem) == str(then.problem)
        refused += now.problem is not None
    assert len(old_ledger.kept) > 25
    assert refused == 1


def test_an_old_number_with_another_body_is_refused(
    old_ledger: OldLedger, today: Bookkeeper
) -> None:
    assert today.refusal(payment("P1", "B1", "100.01")) == "idempotency_conflict"
    assert today.refusal(payment("P1", "B1", "100.00", set_mode_code="2")) == "idempotency_conflict"
    by_key = payment("P8", "B1", "6.00")
    assert today.refusal(by_key, idempotency_key="k-1") == "idempotency_conflict"


def test_an_old_number_is_known_to_a_command_that_has_got_a_field(
    old_ledger: OldLedger, today: Bookkeeper
) -> None:
    today.apply("P20", "B1", "1.00")  # kept as today
    for number, amount in (("P1", "100.00"), ("P20", "1.00")):
        asked = msgspec.structs.asdict(payment(number, "B1", amount))
        assert today.ask(UrgentPayment(**asked)).replayed
        assert today.ask(UrgentPayment(**asked, urgency="".join(["nor", "mal"]))).replayed
        assert today.refusal(UrgentPayment(**asked, urgency="high")) == "idempotency_conflict"


def test_an_export_brings_old_fingerprints_and_new_ones_as_they_are(
    old_ledger: OldLedger, today: Bookkeeper, database: Database, tmp_path: Path
) -> None:
    today.apply("P25", "B1", "1.00")  # kept as today
    export(today.pool, old_ledger.ledger_id, tmp_path, companions=[])
    with fresh_pool(database.app_conninfo) as pool:
        restore(pool, tmp_path)
        elsewhere = Bookkeeper(pool)
        kept = "SELECT operation, number, fingerprint FROM command_keys WHERE ledger_id = %s"
        assert set(elsewhere.sql(kept)) == set(today.sql(kept))
        elsewhere.clock.now = today.clock.now
        for number, amount in (("P1", "100.00"), ("P25", "1.00")):
            assert elsewhere.ask(payment(number, "B1", amount)).replayed
        elsewhere.close()


def test_a_number_of_a_later_release_has_no_effect_and_is_not_called_a_conflict(
    old_ledger: OldLedger, today: Bookkeeper
) -> None:
    today.apply("P30", "B1", "1.00")
    with psycopg.connect(old_ledger.database.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE command_keys SET fingerprint = '\\x03' || substr(fingerprint, 2)"
            " WHERE operation = 'payment.apply' AND number = 'P30'"
        )
        before = today.events()
        connection.commit()
        assert today.refusal(payment("P30", "B1", "1.00")) == "internal"
        assert today.events() == before
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE command_keys SET fingerprint = '\\x02' || substr(fingerprint, 2)"
            " WHERE operation = 'payment.apply' AND number = 'P30'"
        )


def test_an_audit_holds_over_old_numbers_and_new(
    old_ledger: OldLedger,
    today: Bookkeeper,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    today.apply("P40", "B1", "1.00")
    today.apply("P41", "B1", "2.00", set_mode_code="2", effective_on=MARCH_2)
    lengths = today.sql(
        "SELECT length(fingerprint), count(*) FROM command_keys WHERE ledger_id = %s GROUP BY 1"
    )
    assert {length for length, _ in lengths} == {32, 33}
    report = old_ledger.verified(tmp_path / "today")
    assert report.findings == []
    assert report.counts["key"] == sum(count for _, count in lengths)
    # and when the command has got a field since
    of_today = {**commands(), UrgentPayment.OPERATION: UrgentPayment}
    monkeypatch.setattr(grammar, "command_named", of_today.get)
    assert old_ledger.verified(tmp_path / "later").findings == []


@pytest.mark.parametrize("number", ["P2", "P50"])
def test_an_audit_finds_a_fingerprint_of_another_content(
    old_ledger: OldLedger, today: Bookkeeper, tmp_path: Path, number: str
) -> None:
    """Whether the number is an old one or one of today."""
    if number == "P50":
        today.apply(number, "B1", "1.00")
    with psycopg.connect(old_ledger.database.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        turned = (
            "UPDATE command_keys SET fingerprint = set_bit(fingerprint, 100,"
            " 1 - get_bit(fingerprint, 100)) WHERE operation = 'payment.apply' AND number = %s"
        )
        connection.execute(turned, (number,))
        connection.commit()
        report = old_ledger.verified(tmp_path)
        connection.execute("SET session_replication_role = replica")
        connection.execute(turned, (number,))
    assert [finding.check for finding in report.findings] == ["key"]
    assert "请求摘要不符" in report.findings[0].detail
