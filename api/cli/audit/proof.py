"""``guoku audit proof``: that an event is in history, that history was only ever added to."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.session import connection

if TYPE_CHECKING:
    from ledger.sealing.proofs import ConsistencyProof, InclusionProof

app = typer.Typer(no_args_is_help=True, help="Merkle proofs 证明, as JSON on standard output.")

Ledger = Annotated[str, typer.Argument(help="e.g. 440000000-2026")]


@app.command()
def inclusion(
    ledger: Ledger,
    position: Annotated[int, typer.Argument(min=1, help="of the event")],
    size: Annotated[int, typer.Option(min=0, help="of the tree; 0: the last checkpoint's.")] = 0,
) -> None:
    """Proves that an event is in the tree that a checkpoint signs."""
    from ledger.account_set import parse_ledger
    from ledger.sealing.proofs import prove_inclusion

    ledger_id = parse_ledger(ledger)
    with connection() as opened:
        _print(prove_inclusion(opened, ledger_id, position, size or None))


@app.command()
def consistency(
    ledger: Ledger,
    older: Annotated[int, typer.Argument(metavar="FROM", min=1, help="size of the older tree")],
    newer: Annotated[
        int, typer.Argument(metavar="[TO]", min=0, help="of the newer; 0: the last checkpoint's")
    ] = 0,
) -> None:
    """Proves that an older tree is the beginning of a newer one."""
    from ledger.account_set import parse_ledger
    from ledger.sealing.proofs import prove_consistency

    ledger_id = parse_ledger(ledger)
    with connection() as opened:
        _print(prove_consistency(opened, ledger_id, older, newer or None))


def _print(proof: "InclusionProof | ConsistencyProof") -> None:
    import msgspec

    shown = msgspec.json.format(msgspec.json.encode(proof), indent=2)
    sys.stdout.write(f"{shown.decode()}\n")
