"""待分配明细: indicators that are distributed, with their parts, as far as they go."""

from collections.abc import Iterable, Iterator

from psycopg.sql import SQL, Identifier

from projections.indicators import INDICATORS
from projections.reports.indicators import AMOUNTS, IndicatorOn, indicators_on, reached_by
from projections.reports.report import AskedReport, Cells, Report

_OF_TREES = SQL("""
SELECT bgt_id, distributed_from FROM {indicators}
WHERE ledger_id = %(ledger_id)s AND generation = %(generation)s AND distributed_from <> ''
    AND issued_position <= %(upto)s""")
_OWN = ("agency_code", "agency_name", "pro_code", "pro_name", "fund_type_code")


def distributions(asked: AskedReport, name: str) -> Report:
    """A row for each, a whole before its parts: ``level`` 0 is issued by itself, its parts are 1.
    ``distributed_amt`` is what its parts have now, those of the scope that is asked for."""
    reached = reached_by(asked)
    statement = _OF_TREES.format(indicators=Identifier(INDICATORS.name))
    scope = {
        "ledger_id": asked.ledger_id,
        "generation": reached.model.generation,
        "upto": reached.upto,
    }
    whole_of: dict[str, str] = dict(asked.connection.execute(statement, scope).fetchall())
    members = whole_of.keys() | set(whole_of.values())
    found = [one for one in indicators_on(asked, reached) if one.bgt_id in members]
    columns = ("bgt_id", "distributed_from", "level", *_OWN, "distributed_amt", *AMOUNTS)
    amounts = frozenset(("distributed_amt", *AMOUNTS))
    return Report(name, "待分配明细表", reached.upto, columns, amounts, _trees(found, whole_of))


def _trees(found: Iterable[IndicatorOn], whole_of: dict[str, str]) -> Iterator[Cells]:
    by_whole: dict[str, list[IndicatorOn]] = {}
    there = {one.bgt_id for one in found}
    for one in found:
        whole = whole_of.get(one.bgt_id, "")
        by_whole.setdefault(whole if whole in there else "", []).append(one)
    waiting = by_whole.pop("", [])[::-1]
    while waiting:
        one = waiting.pop()
        parts = by_whole.pop(one.bgt_id, [])
        whole, level = whole_of.get(one.bgt_id, ""), str(_level(one.bgt_id, whole_of))
        of_parts_fen = sum(part.amounts_fen[0] for part in parts)
        codes = (one.codes[code] for code in _OWN)
        yield one.bgt_id, whole, level, *codes, of_parts_fen, *one.amounts_fen
        waiting += parts[::-1]


def _level(bgt_id: str, whole_of: dict[str, str]) -> int:
    """How many indicators stand above it."""
    level = 0
    while bgt_id := whole_of.get(bgt_id, ""):
        level += 1
    return level
