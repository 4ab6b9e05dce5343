"""The province head: one tree over the latest checkpoints of all ledgers, one signature for all."""

from collections.abc import Sequence
from datetime import datetime

from ledger.account_set import ledger_text
from ledger.gm import sm3
from ledger.integrity.merkle import leaf_hash, root_of
from ledger.integrity.note import (
    PROVINCE_ORIGIN,
    Checkpoint,
    encode_hash,
    moment_text,
    parse_checkpoint,
    parse_note,
)
from ledger.sealing.register import RecordedNote


def province_checkpoint(latest: Sequence[RecordedNote], moment: datetime) -> Checkpoint:
    """The head over these checkpoints, one for each ledger in the order of the ledgers."""
    leaves, lines = [], []
    for recorded in latest:
        text = parse_note(recorded.note).text
        leaves.append(leaf_hash(sm3(text.encode())))
        root = encode_hash(parse_checkpoint(text).root)
        lines.append(f"ledger {ledger_text(recorded.ledger_id)} {recorded.size} {root}")
    lines.append(f"recorded {moment_text(moment)}")
    return Checkpoint(PROVINCE_ORIGIN, len(latest), root_of(leaves), tuple(lines))
