"""Reading what a year's ledger is to know of its division."""

from collections.abc import Mapping

import psycopg

from division.bank import BANK, AppointedBank
from division.folded import folded_objects
from division.knowledge import Knowledge


def read_knowledge(connection: psycopg.Connection, positions: Mapping[int, int]) -> Knowledge:
    """What these standing ledgers say as of these positions, from that of all divisions down."""
    banks: dict[str, AppointedBank] = {}
    for ledger_id, upto in sorted(positions.items()):
        for found in folded_objects(connection, ledger_id, (BANK,), upto):
            banks[found.obj.pay_bank_code] = found.obj
    return Knowledge(banks)
