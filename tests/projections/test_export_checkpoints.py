"""The checkpoints of an export: what was signed while the history was new binds who exports it."""

import base64
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from psycopg_pool import ConnectionPool

from ledger.account_set import parse_ledger
from ledger.books import load_charts
from ledger.errors import IntegrityError
from ledger.gm.keystore import KeyStore
from ledger.integrity.chain import event_digest, extend, genesis, microseconds
from ledger.integrity.note import sign_text
from ledger.postgres.database import Database
from ledger.sealing.sealer import Sealer, SealingPolicy
from projections.exchange.exporting import ExportSigner, export_ledger
from projections.exchange.format import LogKey
from tests.support import exports
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.exports import (
    CREATED_AT,
    PROVIDER,
    entry_of,
    manifest_of,
    reseal,
    restore,
    rewrite,
)

END = "---\n"


class Sealed:
    """A ledger with a checkpoint in its middle and one at its end, exported with the log's key."""

    def __init__(self, keeper: Bookkeeper, folder: Path) -> None:
        self.keeper = keeper
        self.keys = KeyStore(folder / "keystore", "test", iterations=1000)
        policy = SealingPolicy(province_interval_s=0.0)
        self.sealer = Sealer(
            keeper.pool,
            keeper.sequencer,
            self.keys,
            PROVIDER,
            folder / "notes",
            keeper.clock,
            policy,
        )
        keeper.issue("B", "1000.00")
        self.sealer.run_once()
        keeper.pay("P", "B", "10.00")
        self.sealer.run_once()

    @property
    def signer(self) -> ExportSigner:
        key = self.keys.private_key("guoku/log")
        log_key = LogKey("guoku/log", PROVIDER.public_key(key).hex())
        return ExportSigner(
            name="guoku/log", sign=lambda message: PROVIDER.sign(key, message), log_keys=(log_key,)
        )

    def export(self, directory: Path, **period: Any) -> Path:
        with self.keeper.pool.connection() as connection:
            export_ledger(
                connection,
                self.keeper.ledger_id,
                directory,
                signer=self.signer,
                charts=load_charts(),
                created_at=CREATED_AT,
                **period,
            )
        return directory


@pytest.fixture(scope="module")
def sealed(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    with fresh_pool(module_database.app_conninfo) as pool:
        keeper = Bookkeeper(pool)
        keeper.open()
        yield Sealed(keeper, tmp_path_factory.mktemp("log"))
        keeper.close()


def notes(directory: Path) -> list[str]:
    return (directory / "checkpoints.txt").read_text().split(END)[:-1]


def sizes(directory: Path) -> list[int]:
    return [int(note.split("\n")[1]) for note in notes(directory)]


def test_checkpoints_go_with_the_export_and_hold(
    sealed: Sealed, tmp_path: Path, pool: ConnectionPool
) -> None:
    directory = sealed.export(tmp_path / "e")
    head = manifest_of(directory).head
    first, last = sizes(directory)
    assert (first < last, last) == (True, head.position)
    assert restore(pool, directory).position == last
    early = sealed.export(tmp_path / "early", end=first)
    assert sizes(early) == [first]
    later = sealed.export(tmp_path / "later", begin=first + 1)
    assert sizes(later) == [last]


def _forge(kept: list[str]) -> None:
    kept[0] = kept[0].replace("chain ", "chain A", 1)


def _moved(kept: list[str]) -> None:
    head, size, *rest = kept[0].split("\n")
    kept[0] = "\n".join([head, str(int(size) + 1), *rest])


def _stranger(kept: list[str]) -> None:
    text = kept[0].partition("\n\n")[0] + "\n"
    line = sign_text(PROVIDER, "guoku/log", exports.KEY, text)
    kept[0] = f"{text}\n{line}\n"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_forge, "no signature of the log verifies"),
        (_moved, "no signature of the log verifies"),
        (_stranger, "no signature of the log verifies"),
        (lambda kept: kept.reverse(), "the history that was signed is another"),
        (lambda kept: kept.append("no note\n"), "a note is a text"),
    ],
)
def test_a_checkpoint_that_was_changed_is_found(
    sealed: Sealed,
    tmp_path: Path,
    pool: ConnectionPool,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[list[str]], None],
    message: str,
) -> None:
    monkeypatch.setattr(exports, "SIGNER", sealed.signer)
    directory = sealed.export(tmp_path / "e")
    kept = notes(directory)
    change(kept)
    (directory / "checkpoints.txt").write_text("".join(note + END for note in kept))
    reseal(directory)
    with pytest.raises(IntegrityError, match=message):
        restore(pool, directory)


def test_a_history_written_anew_is_caught_by_what_was_signed_before(
    sealed: Sealed, tmp_path: Path, pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator changes a payee, computes every digest and the whole chain anew and signs the
    export with the right key. Only the checkpoints say that it was another history."""
    monkeypatch.setattr(exports, "SIGNER", sealed.signer)
    directory = sealed.export(tmp_path / "e")
    chain = _write_anew(directory)
    manifest = manifest_of(directory)
    head = msgspec.structs.replace(manifest.head, chain=chain.hex())
    reseal(directory, head=head)
    with pytest.raises(IntegrityError, match=r"checkpoints.txt.*the history that was signed is"):
        restore(pool, directory)
    # without the checkpoints nothing is wrong with it: what they are for
    (directory / "checkpoints.txt").unlink()
    kept = [e for e in manifest_of(directory).files if e.name != "checkpoints.txt"]
    reseal(directory, files=tuple(entry_of(directory, e.name) for e in kept), head=head)
    assert restore(pool, directory).chain == chain


def _write_anew(directory: Path) -> bytes:
    ledger_id = parse_ledger(manifest_of(directory).ledger)
    digests: dict[int, bytes] = {}

    def events(kept: list[exports.Line]) -> None:
        for line in kept:
            payload = base64.b64decode(line["payload"])
            payload = payload.replace("样例办公".encode(), "别家公司".encode())
            line["payload"] = base64.b64encode(payload).decode()
            digests[line["position"]] = event_digest(
                ledger_id,
                line["position"],
                UUID(line["stream_id"]).bytes,
                line["stream_version"],
                microseconds(datetime.fromisoformat(line["recorded_at"])),
                (date.fromisoformat(line["effective_on"]) - date(1970, 1, 1)).days,
                line["type"].encode(),
                payload,
            )
            line["digest"] = digests[line["position"]].hex()

    chain = genesis(ledger_id)

    def commits(kept: list[exports.Line]) -> None:
        nonlocal chain
        for line in kept:
            span = range(line["first_position"], line["position"] + 1)
            chain = extend(chain, [digests[position] for position in span])
            line["chain"] = chain.hex()

    rewrite(directory, "events.ndjson.gz", events)
    rewrite(directory, "commits.ndjson.gz", commits)
    return chain
