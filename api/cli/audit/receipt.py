"""``guoku audit receipt``: the evidence for one payment, as a file for whoever asks for it."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.session import treasury


def receipt(
    ledger: Annotated[str, typer.Argument(help="e.g. 440000000-2026")],
    pay_app_no: Annotated[str, typer.Argument(help="of the payment")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Default: <pay_app_no>.evidence.json")
    ] = None,
) -> None:
    """Writes the evidence 支付证据 for a payment: its events, proofs, documents, certificates."""
    import msgspec

    from api.evidence import payment_evidence
    from ledger.account_set import parse_ledger
    from projections.core.runner import Runner

    ledger_id = parse_ledger(ledger)
    with treasury() as core:
        while Runner(core.pool).run_once([ledger_id]):  # which clearing holds it is a read model's
            pass
        with core.pool.connection() as opened:
            evidence = payment_evidence(opened, ledger_id, pay_app_no)
    path = output or Path(f"{pay_app_no.replace('/', '_')}.evidence.json")
    draft = path.with_name(f"{path.name}.part")  # a file of the right name is a whole one
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(evidence), indent=1))
    draft.replace(path)
    print(f"evidence: {path}")
    print(f"events: {len(evidence.events)}")
    print(f"documents: {len(evidence.documents)}")
