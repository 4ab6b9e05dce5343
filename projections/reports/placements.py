"""国库现金管理: what is placed with which bank, until when, and what is not back in time."""

from collections.abc import Iterator

from ledger.events import decode, types_that
from ledger.money import stored_fen
from payments.orders.placements import PLACEMENT, Placement
from projections.reports.indicators import reached_by
from projections.reports.report import AskedReport, Cells, Report

_EVENTS = """
SELECT type, effective_on, payload FROM events
WHERE ledger_id = %s AND position <= %s AND type = ANY(%s) ORDER BY position"""
_TERMS = ("payee_acct_name", "payee_acct_bank_name", "fund_type_code", "int_rate")


def placements(asked: AskedReport, name: str) -> Report:
    """A row for each; ``is_overdue`` is 1 of one that was due before the moment's day, and is not
    all back. They are the treasury's own: a unit sees none."""
    reached = reached_by(asked)
    amounts = ("amt", "left_amt")
    columns = ("place_no", *_TERMS, "status", "placed_on", "due_on", "is_overdue", *amounts)

    def rows() -> Iterator[Cells]:
        names = [cls.TYPE for cls in types_that(lambda traits: traits.subject == PLACEMENT.name)]
        scope, found = (asked.ledger_id, reached.upto, names), dict[str, Placement]()
        for type_name, day, payload in asked.connection.execute(_EVENTS, scope, binary=True):
            if reached.reach.through is None or day <= reached.reach.through:
                event = decode(type_name, payload)
                number = str(getattr(event, "place_no", ""))
                placement = PLACEMENT.fold(found.get(number), event)
                if placement is not None:
                    found[number] = placement
        for number, each in sorted(found.items()):
            ordered, left_fen = each.ordered, each.left_fen
            is_late = left_fen > 0 and ordered.due_on < reached.day.isoformat()
            terms = (getattr(ordered, term) for term in _TERMS)
            days = each.paid_on, ordered.due_on, "1" if is_late else "2"
            yield number, *terms, each.status, *days, stored_fen(ordered.amt), left_fen

    is_treasurys = not asked.scope.prefixes and asked.scope.agency_code is None
    given = rows() if is_treasurys else iter(())
    return Report(name, "国库现金管理情况表", reached.upto, columns, frozenset(amounts), given)
