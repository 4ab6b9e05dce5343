"""Uploading the lines of a disbursement run: streamed to disk, then validated and loaded as one."""

from functools import partial
from io import BytesIO
from typing import BinaryIO, NamedTuple

import msgspec
from starlette.responses import Response

from api.http.admission import record_refusal
from api.http.call import Call
from api.http.disbursement_views import LoadView, SuspectView, run_view
from api.http.uploads import media_of, receive, upload_file
from api.http.views import commit_view
from ledger.deciding.command import Outcome
from ledger.errors import Refusal
from ledger.gm import sm3
from ledger.money import yuan
from ledger.writing.submitting import submit_to
from payments.disbursement.commands import LoadLines
from payments.disbursement.events import DisbursementLoaded
from payments.disbursement.execution import read_run
from payments.disbursement.loading import Suspect, find_suspects, load_file, read_repeated
from payments.disbursement.lock import held
from payments.disbursement.opening import OpenRun
from payments.disbursement.run import LOADED, OPENED, Run, require_status

NDJSON = "application/x-ndjson", ""


class Uploaded(NamedTuple):
    """What a caller is told of his file beside the run."""

    suspect_count: int
    suspects: list[Suspect]
    payees_sm3: str


async def load_upload(call: Call, key: int, run: Run) -> Response:
    """Takes the file in and loads it; an error report is a refusal that stays on record."""
    if not _may_be_repeated(call, run):
        require_status(run, OPENED, LOADED)
    with upload_file(call) as file:
        file_sm3 = await receive(call, file)
        return await load_lines_of(call, key, run, file, file_sm3, media_of(call))


async def load_lines_of(
    call: Call,
    key: int,
    run: Run,
    file: BinaryIO,
    file_sm3: str,
    media: tuple[str, str],
    *,
    status: int = 200,
) -> Response:
    """Loads a file's lines; ``media`` is its media type and character set."""
    try:
        loaded, outcome = await call.in_thread(
            lambda: _load(call, key, run.run_no, file, file_sm3, media)
        )
    except Refusal as refusal:
        if not call.dry_run and "errors" in refusal.extra:
            await record_refusal(call, key, LoadLines.OPERATION, run.run_no, refusal)
        raise
    if outcome.problem is not None:
        return call.refuse(outcome)
    after, commit = outcome.subjects[0], commit_view(outcome.commit)
    view = await call.read(lambda connection: run_view(connection, key, after, commit=commit))
    repeated = await call.read(partial(read_repeated, ledger_id=key, payees_sm3=loaded.payees_sm3))
    return call.respond(
        LoadView(
            **msgspec.structs.asdict(view),
            suspect_count=loaded.suspect_count,
            suspects=[SuspectView(s.first_line, s.last_line) for s in loaded.suspects],
            repeated_run_nos=[number for number in repeated if number != run.run_no],
        ),
        status=status,
        replayed=outcome.replayed,
    )


def _may_be_repeated(call: Call, run: Run) -> bool:
    """Whether the caller has loaded the lines that are approved by now: he may not know it."""
    return run.approved is not None and _loader(run) == call.caller.principal


def _loader(run: Run) -> str:
    return run.loaded.by if run.loaded else ""


async def open_for_list(call: Call, key: int, command: OpenRun, lines: bytes) -> Response:
    """Opens the run that pays a list, and loads its lines, one JSON object a line."""
    outcome = await call.submit(key, command)
    if outcome.problem is not None:
        return call.refuse(outcome)
    opened, commit = outcome.subjects[0], commit_view(outcome.commit)
    if call.dry_run:
        shown = await call.read(lambda c: run_view(c, key, opened, commit=commit))
        fields = msgspec.structs.asdict(shown)
        view = LoadView(**fields, suspect_count=0, suspects=[], repeated_run_nos=[])
        return call.respond(view, status=201)
    file_sm3 = sm3(lines).hex()
    return await load_lines_of(call, key, opened, BytesIO(lines), file_sm3, NDJSON, status=201)


def _load(
    call: Call, key: int, run_no: str, file: BinaryIO, file_sm3: str, media: tuple[str, str]
) -> tuple[Uploaded, Outcome]:
    """Table first, event after: lines that no event tells of are never approved."""
    treasury = call.treasury
    with treasury.pool.connection() as connection:
        run = read_run(connection, key, run_no)
        if run is not None and _may_be_repeated(call, run):
            assert run.loaded is not None, "approved lines were loaded"
            found = find_suspects(connection, key, run_no)
            uploaded = Uploaded(*found, run.loaded.payees_sm3)
            return uploaded, _load_again(call, key, run.loaded, run.bgt_id, file_sm3)
    kind, charset = media
    with held(treasury.pool, key, run_no) as connection:
        run = read_run(connection, key, run_no)
        assert run is not None, "a run that is there stays there"
        require_status(run, OPENED, LOADED)
        with connection.transaction(force_rollback=call.dry_run):
            loaded = load_file(connection, key, run_no, file, kind, charset)
        command = LoadLines(
            run_no=run_no,
            bgt_id=run.bgt_id,
            line_count=loaded.pages.line_count,
            pay_amt=yuan(loaded.pay_fen),
            lines_sm3=loaded.pages.lines_sm3,
            file_sm3=file_sm3,
            payees_sm3=loaded.payees_sm3,
        )
        submission = call.submission(command)
        [outcome] = submit_to(treasury.sequencer)(key, [submission])
    return Uploaded(loaded.suspect_count, loaded.suspects, loaded.payees_sm3), outcome


def _load_again(
    call: Call, key: int, loaded: DisbursementLoaded, bgt_id: str, file_sm3: str
) -> Outcome:
    """The answer to the same file, which the books have; they refuse any other by now."""
    command = LoadLines(
        run_no=loaded.run_no,
        bgt_id=bgt_id,
        line_count=loaded.line_count,
        pay_amt=loaded.pay_amt,
        lines_sm3=loaded.lines_sm3,
        file_sm3=file_sm3,
        payees_sm3=loaded.payees_sm3,
    )
    return submit_to(call.treasury.sequencer)(key, [call.submission(command)])[0]
