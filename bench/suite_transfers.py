"""transfers: what tiers send to tiers below, from the first command until the sender knows of it.

Ten cities with four counties each, every one with a ledger of its own. A city sends to its counties
of what has come to it by one document of the province's; persons of the counties accept all of it.
Decided as everywhere, brought over by the program's own ``Delivering``.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import count, islice
from time import perf_counter

from psycopg import Connection

from api.domains import DOMAINS as DOMAINS  # charts are held against all of them
from bench.bookkeeping import MAKER, YEAR
from bench.measure import BenchError, Record, Scale, SuiteResult, Tell
from bench.server import checkpoint, new_database
from budget.transfer_events import EventPlace, TransferTerms
from ledger.account_set import ledger_id, ledger_text
from ledger.books import load_charts
from ledger.deciding.approvals import NOBODY_ELSE
from ledger.deciding.command import Command, Submission
from ledger.deciding.opening import OpenLedger
from ledger.deciding.principals import PROGRAM
from ledger.elements import stored_code_sets
from ledger.postgres.database import make_pool
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.writing.sequencer import Sequencer
from ledger.writing.submitting import submit_to
from projections.transfer_lists import transfer_balance
from transfers.delivering import Delivering
from transfers.issuing import IssueTransfer
from transfers.receiving import AcceptTransfer, ReceiveTransfer
from transfers.tiers import is_below, tier_code

PROVINCE, CITIES, COUNTIES = "440000000", 10, 4  # counties of each city
TRANSFERS = 100_000
BATCH = 5_000
TIMED = {
    "transfers sent": "IssueTransfer by all senders, batches of 5,000",
    "transfers received": "Delivering.look: every receiver has what is sent",
    "transfers accepted": "AcceptTransfer by all receivers, batches of 5,000",
    "acceptances noted": "Delivering.look: every sender has on record what was accepted",
    "all of it": "the four together",
}
_SENT_FEN = "10.00"
_SOURCE = "99999999999.00"


class Tiers:
    """The ledgers, and who sends to whom."""

    def __init__(self, sequencer: Sequencer) -> None:
        self.sequencer = sequencer
        own = [
            row.code
            for row in stored_code_sets.shipped().rows()
            if row.element == "mof_div_code" and is_below(PROVINCE, row.code)
        ]
        cities = [code for code in own if tier_code(code) == "3"]
        below = {city: [code for code in own if is_below(city, code)] for city in cities}
        enough = [city for city in cities if len(below[city]) >= COUNTIES][:CITIES]
        self.receivers = {city: below[city][:COUNTIES] for city in enough}
        self.divisions = [*enough, *(code for each in self.receivers.values() for code in each)]

    def do(self, division: str, commands: Iterable[Command], by: str = MAKER) -> None:
        """Raises BenchError where one is refused."""
        left, at_machine = iter(commands), by == PROGRAM
        while some := list(islice(left, BATCH)):
            asked = [Submission(command=each, by=by, at_machine=at_machine) for each in some]
            for outcome in self.sequencer.submit(ledger_id(division, YEAR), asked).result():
                if outcome.problem is not None:
                    raise BenchError(f"{division}: {outcome.problem}")

    def open(self) -> None:
        """Each ledger; to each city a document of the province, whose own is not kept here."""
        for division in self.divisions:
            opening = OpenLedger(
                mof_div_code=division, fiscal_year=YEAR, name="bench", approval_policy=NOBODY_ELSE
            )
            self.do(division, [opening])
        place = EventPlace(f"{PROVINCE}-{YEAR}", 1, "ab" * 32, "cd" * 32)
        terms = TransferTerms(tp_func_code="23003", fund_type_code="111", amt=_SOURCE)
        for division in self.receivers:
            came = ReceiveTransfer(sup_bgt_doc_no="S", transfer_no="S", terms=terms, issued=place)
            self.do(division, [came], PROGRAM)
            self.do(division, [AcceptTransfer(sup_bgt_doc_no="S", rec_no="S")])

    def sent_by(self, sender: str, transfers: int) -> Iterator[IssueTransfer]:
        """So many, to one receiver after the other."""
        receivers, numbers = self.receivers[sender], count(1)
        for number in islice(numbers, transfers):
            yield IssueTransfer(
                transfer_no=f"tp-{number}",
                rec_div_code=receivers[number % len(receivers)],
                bgt_doc_no=document(sender, number),
                tp_func_code="23003",
                fund_type_code="111",
                amt=_SENT_FEN,
                sup_bgt_doc_no="S",
            )

    def accepted_from(self, sender: str, receiver: str, transfers: int) -> Iterator[AcceptTransfer]:
        receivers = self.receivers[sender]
        for number in range(1, transfers + 1):
            if receivers[number % len(receivers)] == receiver:
                yield AcceptTransfer(
                    sup_bgt_doc_no=document(sender, number), rec_no=f"{sender}-{number}"
                )


def document(sender: str, number: int) -> str:
    return f"{sender}-{number}"


def run(server: EmbeddedPostgres, scale: Scale, tell: Tell) -> SuiteResult:
    """Measures; see the module.

    Raises:
        BenchError: something was refused, or is under way in the end.
    """
    record = Record(tell)
    record.timed.update(TIMED)
    database = new_database(server, "transfers")
    with make_pool(database.app_conninfo, 2, 16, "bench") as pool:
        sequencer = Sequencer(
            pool,
            load_charts(),
            stored_code_sets.shipped,
            lambda: datetime.now(UTC),
            writer_conninfo=database.app_conninfo,
        )
        tiers = Tiers(sequencer)
        try:
            tell(f"{len(tiers.divisions)} ledgers")
            tiers.open()
            checkpoint(server)
            each = max(1, scale.count(TRANSFERS) // len(tiers.receivers))
            _measure(record, tiers, each, Delivering(pool, submit_to(sequencer)))
            with pool.connection() as connection:
                _require_nothing_under_way(connection, tiers)
        finally:
            sequencer.close()
    return record.result()


def _require_nothing_under_way(connection: Connection, tiers: Tiers) -> None:
    for sender, receivers in tiers.receivers.items():
        for receiver in receivers:
            keys = ledger_id(sender, YEAR), ledger_id(receiver, YEAR)
            if transfer_balance(connection, *keys).in_transit_fen:
                raise BenchError(f"in transit from {ledger_text(keys[0])}")


def _measure(record: Record, tiers: Tiers, each: int, delivering: Delivering) -> None:
    transfers, began = each * len(tiers.receivers), perf_counter()
    delivering.look()  # as a program that runs already: it follows from here

    def send() -> None:
        for sender in tiers.receivers:
            tiers.do(sender, tiers.sent_by(sender, each))

    def accept() -> None:
        for sender, receivers in tiers.receivers.items():
            for receiver in receivers:
                tiers.do(receiver, tiers.accepted_from(sender, receiver, each))

    began = perf_counter()
    steps = (
        ("transfers sent", send),
        ("transfers received", delivering.look),
        ("transfers accepted", accept),
        ("acceptances noted", delivering.look),
    )
    for name, step in steps:
        record.tell(name)
        at = perf_counter()
        step()
        record.rate(name, perf_counter() - at, transfers=transfers)
    record.rate("all of it", perf_counter() - began, transfers=transfers)
    record.value("all of it", "s", perf_counter() - began)
