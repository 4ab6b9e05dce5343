"""转移支付分配时限: what was received and is not allotted, and by when it has to be (预算法 §52).

What comes from a tier above is to be given on within thirty days of its receipt, direct funds
within seven. Nothing is refused for it; who is late is told.
"""

from datetime import date, timedelta
from typing import NamedTuple

import psycopg

from budget.received import RECEIVED_AMOUNTS, RECEIVED_TRANSFER, ReceivedTransfer
from ledger.reading.loading import read_rows
from ledger.reading.tails import read_answers
from projections.province.ledgers import ledgers_seen, objects_of
from projections.province.sight import Sight, seen_by
from transfers.receiving import ReceiveTransfer

DAYS, DAYS_OF_DIRECT_FUNDS = 30, 7


class Unallotted(NamedTuple):
    """What of a transfer is not allotted, in fen; it was received on one day and is due by
    another."""

    due_on: date
    ledger_id: int
    received: ReceivedTransfer
    received_on: date
    rest_fen: int


def due_on(received: ReceivedTransfer, day: date) -> date:
    """By when what came on a day is to be allotted."""
    days = DAYS_OF_DIRECT_FUNDS if received.terms.is_dir_code else DAYS
    return day + timedelta(days=days)


def unallotted(connection: psycopg.Connection, sight: Sight, fiscal_year: int) -> list[Unallotted]:
    """Of the ledgers that are seen, what is due first before the others."""
    found: list[Unallotted] = []
    with seen_by(connection, sight):
        for key in ledgers_seen(connection, fiscal_year):
            rows = read_rows(connection, key, RECEIVED_AMOUNTS)
            there = [
                each
                for each in objects_of(connection, key, RECEIVED_TRANSFER)
                if each.sup_bgt_doc_no in rows and rows[each.sup_bgt_doc_no].rest > 0
            ]
            numbers = [each.sup_bgt_doc_no for each in there]
            placed = read_answers(connection, key, ReceiveTransfer.OPERATION, numbers)
            for each in there:
                day = placed[each.sup_bgt_doc_no].effective_on
                rest_fen = rows[each.sup_bgt_doc_no].rest
                found.append(Unallotted(due_on(each, day), key, each, day, rest_fen))
    return sorted(found, key=lambda one: (one.due_on, one.ledger_id, one.received.sup_bgt_doc_no))
