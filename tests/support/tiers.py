"""Tiers for tests: a province with a budget for tiers below, its city, and what runs between."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from budget.received import (
    RECEIVED_AMOUNTS,
    RECEIVED_TRANSFER,
    ReceivedAmounts,
    ReceivedTransfer,
)
from ledger.deciding.command import Outcome, Submission
from ledger.postgres.database import Database
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_objects
from ledger.writing.submitting import submit_to
from projections.transfer_lists import TransferBalance, transfer_balance
from tests.support.bookkeeper import Bookkeeper
from tests.support.budgets import BudgetKeeper
from transfers.delivering import Delivering
from transfers.issuing import IssueTransfer
from transfers.receiving import AcceptTransfer
from transfers.transfer import TRANSFER, Transfer

PROVINCE, CITY, COUNTY = "440000000", "440100000", "440103000"
BELOW = {
    "exp_func_code": "23003",
    "gov_bgt_eco_code": "51301",
    "dep_bgt_eco_code": "",
    "fund_type_code": "111",
}
SOCIAL = {"exp_func_code": "2130122", "gov_bgt_eco_code": "50502", "dep_bgt_eco_code": "30218"}
DOCUMENT = "粤财预〔2026〕8号"


class Tier(Bookkeeper):
    """Keeps the ledger of a division that tiers above send to."""

    def received(self, document: str = DOCUMENT) -> ReceivedTransfer | None:
        with self.pool.connection() as connection:
            found = read_objects(connection, self.ledger_id, RECEIVED_TRANSFER, [document])
        return found.get(document)

    def rest_fen(self, document: str = DOCUMENT) -> int:
        """What of it is not allotted."""
        with self.pool.connection() as connection:
            rows = read_rows(connection, self.ledger_id, RECEIVED_AMOUNTS, [document])
        return rows.get(document, ReceivedAmounts()).rest

    def accept(self, document: str = DOCUMENT, rec_no: str = "JS-1") -> None:
        self.do(AcceptTransfer(sup_bgt_doc_no=document, rec_no=rec_no))


class Tiers:
    """``province`` has a row ``R`` of the budget for tiers below, of 5,000,000.00; ``city`` and
    ``county`` have ledgers, and nothing in them."""

    def __init__(self, database: Database) -> None:
        self.province = BudgetKeeper(database)
        self.province.open()
        self.province.project(amt="9000000.00")
        self.province.approved(("R", "5000000.00"), **BELOW)
        pool = self.province.pool
        self.city, self.county = Tier(pool, division=CITY), Tier(pool, division=COUNTY)
        self.city.open()
        self.county.open()

    def close(self) -> None:
        for tier in (self.city, self.county, self.province):
            tier.close()
        self.province.pool.close()

    def delivering(self) -> Delivering:
        """What brings transfers over, as a program that has just started."""
        return Delivering(self.province.pool, submit_to(self.province.sequencer))

    def delivered(self) -> int:
        return self.delivering().look()

    def delivered_to(self, keeper: Bookkeeper) -> None:
        """By a program that is killed when this ledger has all that is for it, and no other has."""
        submit = submit_to(self.province.sequencer)

        def killed(key: int, asked: Sequence[Submission]) -> list[Outcome]:
            if key != keeper.ledger_id:
                raise TimeoutError("killed")
            return submit(key, asked)

        with suppress(TimeoutError):
            Delivering(self.province.pool, killed).look()

    def transfer(self, number: str = "tp-1", *, of: Bookkeeper | None = None) -> Transfer:
        keeper = of or self.province
        with keeper.pool.connection() as connection:
            found = read_objects(connection, keeper.ledger_id, TRANSFER, [number])
        transfer: Transfer = found[number]
        return transfer

    def balance(
        self, sender: Bookkeeper | None = None, to: Bookkeeper | None = None
    ) -> TransferBalance:
        sender, to = sender or self.province, to or self.city
        with sender.pool.connection() as connection:
            return transfer_balance(connection, sender.ledger_id, to.ledger_id)


def sending(number: str = "tp-1", amt: str = "5000000.00", **more: Any) -> IssueTransfer:
    """Of the province's row to the city, where ``more`` says nothing else."""
    source = {} if "sup_bgt_doc_no" in more else {"bgt_pman_id": "R"}
    return IssueTransfer(
        **{
            "transfer_no": number,
            "rec_div_code": CITY,
            "bgt_doc_no": DOCUMENT,
            "tp_func_code": "23003",
            "fund_type_code": "111",
            "amt": amt,
            **source,
            **more,
        }
    )


@contextmanager
def tiers_on(database: Database) -> Iterator[Tiers]:
    tiers = Tiers(database)
    try:
        yield tiers
    finally:
        tiers.close()
