"""A county's month through the API: books that balance, and read models that a rebuild confirms."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from api.demo import county_month
from api.demo.books import identities
from api.demo.stack import persons, running_up
from ledger.account_set import parse_ledger
from ledger.store.database import embedded_database
from ledger.store.embedded import EmbeddedPostgres
from projections.rebuild import verify
from tests.bookkeeper import fresh_pool


@pytest.mark.timeout(400)
def test_the_month_balances_and_its_rebuild_is_the_same() -> None:
    with TemporaryDirectory(prefix="guoku-test-") as directory:
        data = Path(directory) / "data"
        with running_up(data) as (_, url), persons(data, url) as stack:
            month = county_month.run(stack, lambda _: None)
            assert month.payments == county_month.PAYMENTS
            assert month.failed_lines > 0
            assert month.refunds > 0
            for identity in identities(stack.maker, county_month.LEDGER):
                assert identity.holds, str(identity)
        ledger = parse_ledger(county_month.LEDGER.rpartition("/")[2])
        with (
            EmbeddedPostgres(data).join() as server,
            fresh_pool(embedded_database(server).app_conninfo) as pool,
        ):
            report = verify(pool, ledger)
            assert report.equal, [c.difference for c in report.comparisons if c.difference]
