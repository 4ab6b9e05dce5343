"""``guoku collection``: rows of the standard tables sent upward, and taken in 数据采集."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Collection 数据采集: send, receive, status.")


@app.command()
def send(
    ledger: Annotated[str, typer.Argument(help="e.g. 440000000-2026")],
    folder: Annotated[Path, typer.Argument(help="Where files and answers stand, of one receiver.")],
    after: Annotated[
        int, typer.Option(min=-1, help="Behind which position; 0: a snapshot; -1: as it follows.")
    ] = -1,
) -> None:
    """Writes what has happened since the last file, by the answer to that, to a new one.

    The file appears whole or not at all; run again, it goes on. Nothing new: no file.
    """
    from api.cli.session import treasury
    from api.cli.terminal import show_fields
    from api.exchange import installation_signer
    from ledger.account_set import parse_ledger
    from projections.collection.outbox import NextFile, alone_in, next_of
    from projections.collection.sending import send as write

    ledger_id = parse_ledger(ledger)
    with ExitStack() as stack:
        core = stack.enter_context(treasury())  # before it: where there is none nothing is made
        folder.mkdir(parents=True, exist_ok=True)
        stack.enter_context(alone_in(folder))
        due = next_of(folder, ledger) if after < 0 else NextFile(after)
        with core.pool.connection() as connection:
            made = write(
                connection,
                ledger_id,
                folder,
                after=due.after,
                charts=core.charts,
                signer=installation_signer(core),
                made_at=core.now(),
                again=due.again,
            )
    show_fields((("ledger", ledger), ("after", due.after), ("file", made.name if made else "")))


@app.command()
def receive(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Their files.")],
) -> None:
    """Takes files in, each as a whole, in the order of their positions; an answer beside each.

    Exits 1 unless every one was taken, or had before, and no row is rejected.
    """
    from api.cli.session import treasury
    from api.cli.terminal import show_table
    from api.exchange import collection_receiver
    from projections.collection.outbox import write_answer
    from projections.collection.package import CollectionFile
    from projections.collection.receiving import HAD_BEFORE, TAKEN

    told = []
    with treasury() as core:
        receiver = collection_receiver(core)
        for path in sorted(files, key=lambda each: each.name):
            with core.pool.connection() as connection:
                answer = receiver.receive(connection, CollectionFile(path))
            write_answer(path, answer)
            told.append((path.name, answer))
    show_table(
        ("file", "status", "rule", "position", "taken_rows", "rejected"),
        (
            (name, each.status, each.rule, each.position, each.taken_rows, len(each.rejected))
            for name, each in told
        ),
    )
    if any(each.status not in (TAKEN, HAD_BEFORE) or each.rejected for _, each in told):
        raise typer.Exit(1)


@app.command()
def status(ledger: Annotated[str, typer.Argument(help="e.g. 440000000-2026")]) -> None:
    """Shows how far a ledger's rows are here, and which were not taken, with rule and element."""
    from api.cli.session import connection
    from api.cli.terminal import show_fields, show_table
    from ledger.account_set import parse_ledger
    from projections.collection.receiving import rejected, state_of

    key = parse_ledger(ledger)
    with connection() as opened:
        state, wrong = state_of(opened, key), rejected(opened, key)
    show_fields((("ledger", ledger), ("position", state.position), ("chain", state.chain)))
    if wrong:
        show_table(
            ("table", "key", "rule", "field", "message"),
            (
                (each.table, " ".join(each.key), each.rule, each.field, each.message)
                for each in wrong
            ),
        )
