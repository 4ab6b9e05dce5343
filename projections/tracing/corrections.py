"""更正 of an indicator: what was paid is borne by another one now, or was by another one before."""

from typing import NamedTuple

import msgspec
import psycopg

from ledger.money import yuan
from projections.corrections import CORRECTED, CORRECTIONS, RESTORED
from projections.payment_tables import PAYMENTS
from projections.tracing.facts import FACTS_MAX

_SUMS = f"""
SELECT sum(cor_fen) FILTER (WHERE kind = %(corrected)s AND to_bgt_id = %(bgt_id)s),
       sum(cor_fen) FILTER (WHERE kind = %(corrected)s AND from_bgt_id = %(bgt_id)s),
       sum(cor_fen) FILTER (WHERE kind = %(restored)s AND from_bgt_id = %(bgt_id)s)
FROM {CORRECTIONS.name} WHERE ledger_id = %(key)s AND generation = %(generation)s
  AND (from_bgt_id = %(bgt_id)s OR to_bgt_id = %(bgt_id)s)"""  # noqa: S608
_ELSEWHERE = f"""
SELECT sum(c.cor_fen) FROM {CORRECTIONS.name} c JOIN {PAYMENTS.name} p
  USING (ledger_id, generation, pay_app_no)
WHERE ledger_id = %(key)s AND generation = %(generation)s
  AND c.kind = %(restored)s AND p.bgt_id = %(bgt_id)s"""  # noqa: S608
_ROWS = f"""
SELECT position, kind, cor_no, refund_no, pay_app_no, from_bgt_id, to_bgt_id, cor_fen, reason,
       effective_on::text
FROM {CORRECTIONS.name} WHERE ledger_id = %(key)s AND generation = %(generation)s
  AND (from_bgt_id = %(bgt_id)s OR to_bgt_id = %(bgt_id)s)
ORDER BY position LIMIT %(limit)s"""  # noqa: S608


class CorrectionSums(NamedTuple):
    """In fen: to the indicator, from it; what restored it of payments of others, and what of its
    own payments restored others."""

    in_fen: int
    out_fen: int
    restored_fen: int
    elsewhere_fen: int


class TracedCorrection(msgspec.Struct):
    """A correction; of kind ``restored``, what of a refund came back to ``from_bgt_id``."""

    position: int
    kind: str
    cor_no: str
    refund_no: str
    pay_app_no: str
    from_bgt_id: str
    to_bgt_id: str
    amt: str
    reason: str
    effective_on: str


def corrections_of(
    connection: psycopg.Connection, key: int, generation: int, bgt_id: str
) -> CorrectionSums:
    given = {
        "key": key,
        "generation": generation,
        "bgt_id": bgt_id,
        "corrected": CORRECTED,
        "restored": RESTORED,
    }
    own = connection.execute(_SUMS.encode(), given).fetchone() or (0, 0, 0)
    elsewhere = connection.execute(_ELSEWHERE.encode(), given).fetchone() or (0,)
    return CorrectionSums(*(int(fen or 0) for fen in (*own, *elsewhere)))


def traced_corrections(
    connection: psycopg.Connection, key: int, generation: int, bgt_id: str
) -> list[TracedCorrection]:
    """The first thousand, in order."""
    given = {"key": key, "generation": generation, "bgt_id": bgt_id, "limit": FACTS_MAX}
    rows = connection.execute(_ROWS.encode(), given).fetchall()
    names = TracedCorrection.__struct_fields__
    shown = ((*row[:7], yuan(row[7]), *row[8:]) for row in rows)
    return [TracedCorrection(**dict(zip(names, row, strict=True))) for row in shown]
