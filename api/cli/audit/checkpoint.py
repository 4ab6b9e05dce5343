"""``guoku audit checkpoint``: the signed note that history is held to."""

from typing import Annotated

import typer

from api.cli.session import connection


def checkpoint(
    ledger: Annotated[str, typer.Argument(help="e.g. 440000000-2026; none: province head")] = "",
    size: Annotated[int, typer.Option(min=0, help="The one of this size; 0: the last.")] = 0,
    keys: Annotated[bool, typer.Option("--keys", help="The keys that have signed notes.")] = False,
) -> None:
    """Prints a checkpoint 检查点 as a signed note, or the keys that sign them."""
    from api.cli.terminal import show_table
    from ledger.account_set import parse_ledger
    from ledger.errors import Code, RequestError
    from ledger.sealing.proofs import find_note, find_province_head
    from ledger.sealing.register import note_keys

    ledger_id = parse_ledger(ledger) if ledger else 0
    with connection() as opened:
        if keys:
            registered = note_keys(opened)
            show_table(("name", "public_key"), ((k.name, k.public_key.hex()) for k in registered))
            return
        note = find_note(opened, ledger_id, size or None) if ledger else find_province_head(opened)
    if note is None:
        raise RequestError(Code.NOT_FOUND, "there is no such checkpoint; a sealer makes them")
    print(note, end="")
