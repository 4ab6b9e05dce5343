"""A county's month through the API: books that balance, and read models that a rebuild confirms."""

from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from psycopg_pool import ConnectionPool

from api.demo import county_month
from api.demo.books import identities
from api.demo.stack import persons, running_up
from api.schema import MIGRATIONS
from ledger.account_set import parse_ledger
from ledger.money import parse_yuan
from ledger.postgres.database import embedded_database
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.postgres.migrate import migrate
from ledger.sealing.register import note_keys
from projections.core.rebuild import verify
from projections.exchange.exporting import ExportSigner
from projections.exchange.format import LogKey
from tests.support.bookkeeper import fresh_pool
from tests.support.exports import SIGNER, contents, export, ledger_rows, restore


def test_the_month_balances_and_its_rebuild_is_the_same() -> None:
    with TemporaryDirectory(prefix="guoku-test-") as directory:
        data = Path(directory) / "data"
        with running_up(data) as (_, url), persons(data, url) as stack:
            month = county_month.run(stack, lambda _: None)
            assert month.payments == county_month.PAYMENTS
            assert month.failed_lines > 0
            assert month.refunds > 0
            assert month.distributed_fen == parse_yuan(county_month.HELD_AMT)
            for identity in identities(stack.maker, county_month.LEDGER):
                assert identity.holds, str(identity)
        ledger = parse_ledger(county_month.LEDGER.rpartition("/")[2])
        with (
            EmbeddedPostgres(data).join() as server,
            fresh_pool(embedded_database(server).app_conninfo) as pool,
        ):
            report = verify(pool, ledger)
            assert report.equal, [c.difference for c in report.comparisons if c.difference]
            there_and_back(server, pool, ledger, Path(directory))


def there_and_back(
    server: EmbeddedPostgres, pool: ConnectionPool, ledger: int, folder: Path
) -> None:
    """Exported, imported elsewhere, exported again: real vouchers, signatures and checkpoints."""
    first = export(pool, ledger, folder / "first", signer=signer_of(pool))
    other = embedded_database(server, "elsewhere")
    migrate(other.owner_conninfo, MIGRATIONS)
    with fresh_pool(other.app_conninfo) as elsewhere:
        imported = restore(elsewhere, folder / "first")
        assert (imported.position, imported.chain.hex()) == (first.head.position, first.head.chain)
        assert imported.documents > 2 * county_month.PAYMENTS * 0.9  # vouchers and receipts
        assert ledger_rows(elsewhere, ledger) == ledger_rows(pool, ledger)
        again = export(elsewhere, ledger, folder / "again", signer=signer_of(pool))
    assert again.head == first.head
    ones, others = contents(folder / "first"), contents(folder / "again")
    assert ones.pop("checkpoints.txt", None), "the log has sealed the month"
    ones.pop("export.json"), others.pop("export.json")
    assert ones == others


def signer_of(pool: ConnectionPool) -> ExportSigner:
    """The test's own key beside those that have sealed the ledger."""
    with pool.connection() as connection:
        known = tuple(LogKey(k.name, k.public_key.hex()) for k in note_keys(connection))
    return msgspec.structs.replace(SIGNER, log_keys=(*SIGNER.log_keys, *known))
