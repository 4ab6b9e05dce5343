"""``guoku audit verify``: everything a ledger's history can show of itself, checked."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from psycopg import Connection

    from api.settings import Settings
    from api.verification import Progress, Task
    from ledger.verification.checkpoints import KeptNote
    from ledger.verification.findings import Finding
    from payments.verification.run import VerificationReport

VERIFIER = "guoku_verify.py"


def verify(
    ledger: Annotated[
        list[str] | None, typer.Option(help="Only this ledger, e.g. 440000000-2026; repeatable.")
    ] = None,
    memory: Annotated[
        Path | None,
        typer.Option(
            help="A folder of your own: go on behind what you verified with it 自存核验记录"
        ),
    ] = None,
    from_genesis: Annotated[
        bool, typer.Option("--from-genesis", help="With --memory: read all again 从头核验")
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

    A ledger is read once, from its first event on; nothing is believed that lies on this machine.
    With a folder of your own (--memory) what held is left there, and the next verification with it
    goes on behind it. A bad row ends nothing: exit code 1 comes with all that does not hold, the
    first bad position of each check, and how many there are.
    """
    from api.cli.session import load_settings, require_database, start_logging

    settings = load_settings()
    start_logging(settings)
    require_database(settings)
    given = [*(key or ()), *(witness or ())]
    wanted = {
        "keys": _keys(given),
        "required": [name.partition("=")[0] for name in witness or ()],
        "kept": [note for path in checkpoint or () for note in _notes_of(path)],
        "resume": not from_genesis,
        "share": signatures,
    }
    named = ledger or ()
    failed = _verified(settings, named, checkpoint or (), wanted, projections, memory, jobs)
    raise typer.Exit(int(failed))


def _verified(
    settings: Settings,
    named: Sequence[str],
    checkpoints: Sequence[Path],
    wanted: dict[str, object],
    projections: bool,
    memory: Path | None,
    jobs: int,
) -> bool:
    """Shows the database as a whole, then its ledgers; whether something does not hold."""
    from api.verification import verify_all, verify_whole
    from ledger.postgres.database import connect, open_database

    with open_database(dsn=settings.dsn, data_dir=settings.data, own=False) as database:
        notes = [*_kept(checkpoints), *_filed(settings)]
        report = verify_whole(database.owner_conninfo, notes)
        failed = _show(report)
        _tell_programs(report)
        with connect(database.app_conninfo) as connection:
            ledgers = _ledgers(connection, named)
        with _scratch(settings) as scratch, _progress() as progress:
            tasks = [
                _task(settings, database.app_conninfo, i, wanted, projections, scratch, memory)
                for i in ledgers
            ]
            for report in verify_all(tasks, progress, jobs):
                failed = _show(report) or failed
                _tell_programs(report)
    return failed


@contextmanager
def _scratch(settings: Settings) -> Iterator[Path]:
    """A folder for what does not fit into memory, gone with the verification."""
    folder = settings.data / "audit"
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="verifying-", dir=folder) as name:
        yield Path(name)


def verifier() -> None:
    """Prints the offline verifier 离线核验程序: one Python file, for whoever trusts nobody.

    guoku audit verifier > guoku_verify.py
    """
    path = Path(__file__).parents[3] / "verifier" / VERIFIER
    sys.stdout.write(path.read_text(encoding="utf-8"))


def _task(
    settings: Settings,
    conninfo: str,
    ledger_id: int,
    wanted: dict[str, object],
    projections: bool,
    scratch: Path,
    memory: Path | None,
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
        folder=scratch / ledger_text(ledger_id),
        memory=memory / ledger_text(ledger_id) if memory else None,
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


def _kept(paths: Sequence[Path]) -> list[KeptNote]:
    """The auditor's own notes, of any origin."""
    from ledger.verification.checkpoints import KeptNote

    return [KeptNote("kept", note) for path in paths for note in _notes_of(path)]


def _filed(settings: Settings) -> list[KeptNote]:
    """The last note of each file beside the database."""
    from ledger.verification.checkpoints import KeptNote

    files = sorted(settings.checkpoints_path.glob("*.txt"))
    return [KeptNote("file", notes[-1]) for path in files if (notes := _notes_of(path))]


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
    from ledger.verification.heads import stored_ledgers

    return [parse_ledger(name) for name in names] or stored_ledgers(connection)


# ---- what is shown


def _show(report: VerificationReport) -> bool:
    """Prints what was checked of a ledger; whether something does not hold."""
    from api.verification import WHOLE_DATABASE
    from ledger.account_set import ledger_text
    from ledger.verification.checks import named_checks
    from ledger.verification.findings import first_of

    behind = f", 续核 behind {report.after:,}" if report.after else ""
    ledger = f"账套 ledger {ledger_text(report.ledger_id)}, 至 to {report.position:,}{behind}"
    typer.echo("数据库 database" if report.ledger_id == WHOLE_DATABASE else ledger)
    for check in named_checks().values():
        if check.name not in report.counts:
            continue
        wrong = report.wrong.get(check.name, 0)
        mark = f"✗ 不符 {wrong:,}" if wrong else "✓ 相符"
        typer.echo(f"  {mark}  {check.title}: {report.counts[check.name]:,} {check.unit}")
        told = [f for f in report.findings if f.check == check.name]
        for finding in told:
            typer.echo(f"        {_told(finding)}")
        if wrong > len(told):
            typer.echo(f"        … 另有 {wrong - len(told):,} more")
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
    from ledger.verification.checks import named_checks

    for check, number in report.noted.items():
        name = named_checks()[check].title
        typer.echo(f"  · 旧规则下 allowed when it was recorded: {number:,} · {name}")
        for note in (n for n in report.notes if n.check == check):
            typer.echo(f"        {_told(note)}")


def _tell_programs(report: VerificationReport) -> None:
    from api.cli.terminal import add
    from api.verification import WHOLE_DATABASE
    from ledger.account_set import ledger_text

    of_database = report.ledger_id == WHOLE_DATABASE
    add(
        "database" if of_database else "ledgers",
        {
            "ledger": "" if of_database else ledger_text(report.ledger_id),
            "position": report.position,
            "behind": report.after,
            "holds": not report.findings,
            "counts": dict(report.counts),
            "wrong": dict(report.wrong),
            "findings": [
                {"check": f.check, "position": f.position, "detail": f.detail}
                for f in report.findings
            ],
        },
    )


def _told(finding: Finding) -> str:
    where = f"position {finding.position} 第 {finding.position} 号: " if finding.position else ""
    return f"{where}{finding.detail}"


def _show_speed(report: VerificationReport) -> None:
    if not report.history_s:
        return
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

    from api.verification import STAGES
    from ledger.account_set import ledger_text

    bars: dict[tuple[int, str], TaskID] = {}
    with Bars(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as all_:

        def moved(ledger_id: int, stage: str, done: int, aim: int) -> None:
            place = ledger_id, stage
            if place not in bars:
                text = f"{ledger_text(ledger_id)} {STAGES[stage]}"
                bars[place] = all_.add_task(text, total=aim)
            all_.update(bars[place], completed=done, total=aim)

        yield moved
