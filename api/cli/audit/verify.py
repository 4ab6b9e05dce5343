"""``guoku audit verify``: everything a ledger's history can show of itself, checked."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from psycopg import Connection

    from api.settings import Settings
    from api.verification import Progress, Task
    from ledger.verification.findings import Finding
    from payments.verification.run import VerificationReport

VERIFIER = "guoku_verify.py"

# check: what it is called, and what is counted
_NAMES = {
    "digest": ("摘要 digests over every column", "events"),
    "position": ("序号 positions without gap", "events"),
    "version": ("版本 versions of each stream without gap", "streams"),
    "clock": ("时钟 nothing recorded ahead of its time", "events"),
    "chain": ("提交链 chain of commits", "commits"),
    "checkpoint": ("检查点 tree against checkpoints", "checkpoints"),
    "note": ("见证 signatures on checkpoints", "signatures"),
    "entry": ("借贷 debit = credit in every book", "journals"),
    "floor": ("不透支 registers never below their floors", "movements"),
    "day": ("逐日不透支 registers never below their floors on any day", "movements"),
    "balance": ("登记簿 registers equal to those stored", "rows"),
    "key": ("业务号 numbers and what they point at", "numbers"),
    "payment": ("流程 persons, order, one outcome per line", "payments"),
    "refund": ("退款 refunds within what was paid", "refunds"),
    "document": ("凭证 documents by their SM3", "documents"),
    "signature": ("签章 signatures, certificates valid then", "signatures"),
    "standing": ("基础信息 persons, rights and tokens against their events", "rows"),
    "projection": ("读模型 read models against a rebuild", "rows"),
}


def verify(
    ledger: Annotated[
        list[str] | None, typer.Option(help="Only this ledger, e.g. 440000000-2026; repeatable.")
    ] = None,
    from_genesis: Annotated[
        bool, typer.Option("--from-genesis", help="Not behind what was verified before 从头核验")
    ] = False,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint that you kept 自存检查点; repeatable.")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option(help="NAME=HEX, a key you know to be genuine; repeatable.")
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option(help="NAME=HEX, a witness who must have cosigned.")
    ] = None,
    signatures: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the signatures to verify 签章抽查比例")
    ] = 1.0,
    projections: Annotated[bool, typer.Option(help="Compare the read models as well.")] = True,
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0 for one a core.")] = 0,
) -> None:
    """Verifies ledgers 核验: each event, balance, number, signature, outcome; exit 0 if all holds.

    A ledger is read once. What holds is remembered in the data directory, and the next verification
    goes on behind it. Exit code 1 names the first event that is wrong, and what is wrong with it.
    """
    from api.cli.session import load_settings, start_logging
    from api.schema import MIGRATIONS
    from api.verification import verify_all
    from ledger.postgres.database import connect, open_database
    from ledger.postgres.migrate import migrate

    settings = load_settings()
    start_logging(settings)
    given = [*(key or ()), *(witness or ())]
    wanted = {
        "keys": _keys(given),
        "required": [name.partition("=")[0] for name in witness or ()],
        "kept": [note for path in checkpoint or () for note in _notes_of(path)],
        "resume": not from_genesis,
        "share": signatures,
    }
    failed = False
    with open_database(dsn=settings.dsn, data_dir=settings.data, own=False) as database:
        migrate(database.owner_conninfo, MIGRATIONS)
        with connect(database.app_conninfo) as connection:
            ledgers = _ledgers(connection, ledger or ())
        tasks = [_task(settings, database.app_conninfo, i, wanted, projections) for i in ledgers]
        with _progress() as progress:
            for report in verify_all(tasks, progress, jobs):
                failed = _show(report) or failed
    raise typer.Exit(int(failed))


def verifier() -> None:
    """Prints the offline verifier 离线核验程序: one Python file, for whoever trusts nobody.

    guoku audit verifier > guoku_verify.py
    """
    path = Path(__file__).parents[3] / "verifier" / VERIFIER
    sys.stdout.write(path.read_text(encoding="utf-8"))


def _task(
    settings: Settings, conninfo: str, ledger_id: int, wanted: dict[str, object], projections: bool
) -> Task:
    from api.verification import Task
    from ledger.account_set import is_standing, is_system, ledger_text
    from ledger.integrity.note import ledger_origin, parse_checkpoint, parse_note
    from payments.verification.run import Options

    def own(notes: object) -> list[str]:
        assert isinstance(notes, list)
        origin = ledger_origin(ledger_id)
        return [n for n in notes if parse_checkpoint(parse_note(n).text).origin == origin]

    file = settings.checkpoints_path / f"{ledger_origin(ledger_id).replace('/', '_')}.txt"
    options = Options(
        folder=settings.data / "audit" / ledger_text(ledger_id),
        files=_notes_of(file) if file.exists() else [],
        **{**wanted, "kept": own(wanted["kept"])},  # type: ignore[arg-type]
    )
    return Task(
        conninfo=conninfo,
        charts=settings.charts,
        ledger_id=ledger_id,
        options=options,
        projections=projections and not (is_system(ledger_id) or is_standing(ledger_id)),
    )


def _notes_of(path: Path) -> list[str]:
    """The notes of a file, one after the other, each with a line of dashes behind it or alone."""
    parts = path.read_text(encoding="utf-8").split("\n---\n")
    return [part if part.endswith("\n") else f"{part}\n" for part in parts if part.strip()]


def _keys(given: Sequence[str]) -> dict[str, list[bytes]]:
    from ledger.errors import Code, RequestError
    from ledger.gm import PublicKey

    keys: dict[str, list[bytes]] = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            point = PublicKey(bytes.fromhex(value)).point
        except ValueError:
            raise RequestError(Code.MALFORMED, "a key is NAME=HEX, 128 digits") from None
        keys.setdefault(name, []).append(point)
    return keys


def _ledgers(connection: Connection, names: Sequence[str]) -> list[int]:
    """Those that are named, or all: of divisions and years, standing ones, system ledgers."""
    from ledger.account_set import parse_ledger
    from ledger.reading.objects import list_heads, list_standing_heads
    from ledger.sealing.register import system_ledgers

    if names:
        return [parse_ledger(name) for name in names]
    heads = (*list_standing_heads(connection), *list_heads(connection))
    return [*(head.ledger_id for head in heads), *system_ledgers(connection)]


# ---- what is shown


def _show(report: VerificationReport) -> bool:
    """Prints what was checked of a ledger; whether something does not hold."""
    from ledger.account_set import ledger_text
    from ledger.verification.findings import first_of

    behind = f", 续核 behind {report.after:,}" if report.after else ""
    typer.echo(f"账套 ledger {ledger_text(report.ledger_id)}, 至 to {report.position:,}{behind}")
    for check, (name, unit) in _NAMES.items():
        if check not in report.counts:
            continue
        wrong = report.wrong.get(check, 0)
        mark = f"✗ 不符 {wrong:,}" if wrong else "✓ 相符"
        typer.echo(f"  {mark}  {name}: {report.counts[check]:,} {unit}")
        for finding in (f for f in report.findings if f.check == check):
            typer.echo(f"        {_told(finding)}")
    _show_notes(report)
    for witness, size in report.cosigned.items():
        if size:
            typer.echo(f"  · {witness} 见证至 has seen it up to {size:,}")
    _show_speed(report)
    if (first := first_of(report.findings)) is None:
        typer.echo("  全部相符 all of it holds")
        return False
    typer.echo(f"  首个不符 FIRST OFFENDING {_told(first)}")
    return True


def _show_notes(report: VerificationReport) -> None:
    """What earlier releases allowed: told, and no finding."""
    for check, number in report.noted.items():
        name, _ = _NAMES[check]
        typer.echo(f"  · 旧规则下 allowed when it was recorded: {number:,} · {name}")
        for note in (n for n in report.notes if n.check == check):
            typer.echo(f"        {_told(note)}")


def _told(finding: Finding) -> str:
    where = f"position {finding.position} 第 {finding.position} 号: " if finding.position else ""
    return f"{where}{finding.detail}"


def _show_speed(report: VerificationReport) -> None:
    events, signatures = report.position - report.after, report.counts.get("signature", 0)
    per_s = events / report.history_s if report.history_s else 0
    text = f"{events:,} events in {report.history_s:.1f} s ({per_s:,.0f}/s)"
    if signatures:
        text += f", {signatures:,} signatures in {report.signatures_s:.1f} s"
    typer.echo(f"  · {text}", err=True)


@contextmanager
def _progress() -> Iterator[Progress]:
    """Bars on standard error, when that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from ledger.account_set import ledger_text

    bars: dict[tuple[int, str], TaskID] = {}
    names = {"history": "历史", "signatures": "签章", "projection": "读模型"}
    with Bars(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as all_:

        def moved(ledger_id: int, stage: str, done: int, aim: int) -> None:
            place = ledger_id, stage
            if place not in bars:
                text = f"{ledger_text(ledger_id)} {names[stage]}"
                bars[place] = all_.add_task(text, total=aim)
            all_.update(bars[place], completed=done, total=aim)

        yield moved
