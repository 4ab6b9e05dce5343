"""Two installations for tests: a province's and its city's, each with a database and a key.

What runs between them is a link that a test may cut, double, delay and bring out of order.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

from psycopg_pool import ConnectionPool

from division import certificates
from division.installation import SUBJECT, RegisterInstallation
from division.recording import record
from ledger.account_set import standing_ledger
from ledger.deciding.principals import OPERATOR
from ledger.errors import Code, UnavailableError
from ledger.gm import PrivateKey, default_provider
from ledger.postgres.database import Database
from ledger.writing.submitting import submit_to
from tests.support.at_machine import FREELY
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.budgets import BudgetKeeper
from tests.support.tiers import BELOW, CITY, PROVINCE, Tier
from transfers.exchanging import Exchanging, MessageLink
from transfers.message_intake import MessageIntake
from transfers.messages import InstallationSigner

PROVIDER = default_provider()
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)


class Side:
    """One installation: a keeper of the ledger it has, and the key that it signs with."""

    def __init__(self, keeper: Bookkeeper, division: str) -> None:
        self.keeper, self.division = keeper, division
        self.key: PrivateKey = PROVIDER.generate_key()
        self.url = f"http://{division}.example"

    @property
    def pool(self) -> ConnectionPool:
        return self.keeper.pool

    def signer(self) -> InstallationSigner:
        return InstallationSigner(PROVIDER.public_key(self.key), partial(PROVIDER.sign, self.key))

    def knows(self, other: "Side", until: datetime = END) -> None:
        """Puts the other one on record in the standing ledger of this one's division."""
        division = f"{self.keeper.ledger_id // 10_000:09d}"
        with self.pool.connection() as connection:
            certificates.register(
                connection,
                SUBJECT + other.division,
                PROVIDER.public_key(other.key),
                FREELY,
                not_before=BEGIN,
                not_after=until,
            )
            told = RegisterInstallation(division=other.division, name="异地", url=other.url)
            record(connection, standing_ledger(division), [told], FREELY, by=OPERATOR)

    def intake(self) -> MessageIntake:
        return MessageIntake(self.pool, PROVIDER, self.signer, self.keeper.clock)

    def take_in(self, body: bytes) -> bytes:
        return self.intake().take_in(body, submit_to(self.keeper.sequencer))

    def exchanging(self, link: MessageLink) -> Exchanging:
        """What exchanges, as a program that has just started."""
        submit = submit_to(self.keeper.sequencer)
        return Exchanging(
            self.pool, submit, PROVIDER, self.signer, link, self.keeper.clock, ask_every_s=0
        )


class TestLink:
    """Brings messages straight to whoever takes them in, and keeps what went by."""

    __test__ = False

    def __init__(self, take_in: Callable[[bytes], bytes]) -> None:
        self._take_in = take_in
        self.tried: list[bytes] = []
        self.sent: list[bytes] = []
        self.answers: list[bytes] = []
        self.is_cut = self.loses_answers = False

    def post(self, _url: str, body: bytes) -> bytes:
        self.tried.append(body)
        if self.is_cut:
            raise UnavailableError(Code.UNAVAILABLE, "the link is cut")
        self.sent.append(body)
        answer = self._take_in(body)
        self.answers.append(answer)
        if self.loses_answers:
            raise UnavailableError(Code.UNAVAILABLE, "the answer was lost")
        return answer


class TwoInstallations:
    """``province`` has a row ``R`` for tiers below, of 5,000,000.00; ``city`` has a ledger."""

    def __init__(self, of_province: Database, of_city: Database, acquainted: bool) -> None:
        budget = BudgetKeeper(of_province)
        budget.open()
        budget.project(amt="9000000.00")
        budget.approved(("R", "5000000.00"), **BELOW)
        tier = Tier(fresh_pool(of_city.app_conninfo), division=CITY)
        tier.open()
        self.budget, self.tier = budget, tier
        self.province, self.city = Side(budget, PROVINCE[:2]), Side(tier, CITY[:4])
        if acquainted:
            self.province.knows(self.city)
            self.city.knows(self.province)
        self.link = TestLink(self.city.take_in)

    @staticmethod
    def stranger() -> InstallationSigner:
        """Somebody with a key of his own."""
        key = PROVIDER.generate_key()
        return InstallationSigner(PROVIDER.public_key(key), partial(PROVIDER.sign, key))

    def exchange(self) -> int:
        """By a program of the province's that has just started; gives the words it has taken."""
        return self.province.exchanging(self.link).look()

    def close(self) -> None:
        for keeper in (self.tier, self.budget):
            keeper.close()
            keeper.pool.close()


@contextmanager
def two_installations(
    of_province: Database, of_city: Database, *, acquainted: bool = True
) -> Iterator[TwoInstallations]:
    """``acquainted``: each is on record at the other."""
    opened = TwoInstallations(of_province, of_city, acquainted)
    try:
        yield opened
    finally:
        opened.close()
