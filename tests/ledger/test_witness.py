"""The witness: a real process that cosigns one history and refuses every other."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from api.server import bind, url_of
from api.witness import create_app
from ledger.gm import PublicKey, default_provider
from ledger.gm.keystore import KeyStore
from ledger.integrity.merkle import Tree, leaf_hash
from ledger.integrity.note import Checkpoint, assemble, sign_text
from ledger.integrity.witness import Witness, write_request
from ledger.sealing import register
from ledger.sealing.cosigner import Cosigner, WitnessAddress
from ledger.sealing.proofs import find_note, find_province_head
from ledger.sealing.sealer import Sealer, SealingPolicy
from ledger.sealing.system_record import SystemRecord
from tests.support import asking
from tests.support.bookkeeper import Bookkeeper
from tests.support.command_line import clean_environment
from tests.support.http_server import served
from tests.support.proof_reader import note_fields, signers
from tests.support.waiting import HANG_S

NAME = "witness/audit-office"
ORIGIN = "guoku/440000000-2026"


class Running:
    """``guoku audit witness`` as a process of its own."""

    def __init__(self, data: Path, log_key: PublicKey) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "audit", "witness", "--port=0",
             f"--log-key={log_key.hex()}", "--name=audit-office", f"--data={data}"],
            env=clean_environment(), stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        printed = dict(self.process.stdout.readline().strip().split(": ") for _ in range(3))
        self.url, self.public_key = printed["witness"], printed["public_key"]
        assert printed["name"] == NAME

    @property
    def key(self) -> dict[str, str]:
        return {"name": NAME, "public_key": self.public_key}

    def post(self, old_size: int, proof: list[bytes], note: str) -> httpx.Response:
        body = write_request(old_size, proof, note)
        url = f"{self.url}/add-checkpoint"
        return asking.post(url, content=body)

    def end(self, signum: int) -> None:
        self.process.send_signal(signum)
        ended = self.process.wait(HANG_S)
        assert ended == (0 if signum == signal.SIGTERM else -signum)
        assert self.process.stdout is not None
        self.process.stdout.close()


class InThread:
    """The same service on a socket of this process, for what needs no kill."""

    def __init__(self, url: str, public_key: PublicKey) -> None:
        self.url, self.public_key = url, public_key.hex()

    @property
    def key(self) -> dict[str, str]:
        return {"name": NAME, "public_key": self.public_key}


@pytest.fixture
def served_witness(tmp_path: Path, keys: KeyStore) -> Iterator[InThread]:
    keys.create(NAME)
    trusted = [keys.public_key("guoku/log")]
    memory = tmp_path / "witness.sqlite"
    witness = Witness(memory, default_provider(), NAME, keys.private_key(NAME), trusted)
    with closing(witness), served(create_app(witness)) as url:
        yield InThread(url, witness.public_key)


@pytest.fixture
def keys(tmp_path: Path) -> KeyStore:
    store = KeyStore(tmp_path / "keystore", "test", iterations=1000)
    store.create("guoku/log")
    return store


@pytest.fixture
def witness(tmp_path: Path, keys: KeyStore) -> Iterator[Running]:
    running = Running(tmp_path / "witness", keys.public_key("guoku/log"))
    yield running
    if running.process.poll() is None:
        running.end(signal.SIGTERM)


class Log:
    """An operator who can sign whatever he likes: histories as lists of digests."""

    def __init__(self, keys: KeyStore) -> None:
        self._key = keys.private_key("guoku/log")

    def note(self, digests: list[bytes], *, text: str = "") -> str:
        root = Tree([leaf_hash(digest) for digest in digests]).root
        text = text or Checkpoint(ORIGIN, len(digests), root, ("chain x", "recorded y")).text
        return assemble(text, [sign_text(default_provider(), "guoku/log", self._key, text)])

    def proof(self, digests: list[bytes], old_size: int) -> list[bytes]:
        return Tree([leaf_hash(digest) for digest in digests]).consistency_path(old_size)


def history(size: int, *, changed: int = -1) -> list[bytes]:
    return [bytes([index, index == changed]) * 16 for index in range(size)]


def code(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.json()['code']}"


def test_it_cosigns_what_grows_and_nothing_else(
    witness: Running, keys: KeyStore, tmp_path: Path
) -> None:
    log, true = Log(keys), history(20)
    first = witness.post(0, [], log.note(true[:7]))
    assert first.status_code == 200, first.text
    assert signers(log.note(true[:7]) + first.text, [witness.key]) == {NAME}
    assert witness.post(7, log.proof(true[:13], 7), log.note(true[:13])).status_code == 200
    assert witness.post(13, [], log.note(true[:13])).status_code == 200, "the same once more"

    for _ in range(2):  # also after a kill: it has on disk what it has answered
        stale = witness.post(7, log.proof(true, 7), log.note(true))
        assert code(stale) == "409 checkpoint_stale"
        assert stale.json()["remembered_size"] == 13
        assert code(witness.post(13, [], log.note(true[:12]))) == "422 history_shrunk"
        forked = history(13, changed=5)
        assert code(witness.post(13, [], log.note(forked))) == "422 history_forked"
        forked = history(20, changed=5)
        proof = log.proof(forked, 13)
        assert code(witness.post(13, proof, log.note(forked))) == "422 proof_invalid"
        proof = log.proof(true, 13)
        for wrong in (proof[1:], proof[::-1], [*proof, bytes(32)], [bytes(32), *proof[1:]], []):
            assert code(witness.post(13, wrong, log.note(true))) == "422 proof_invalid"
        witness.end(signal.SIGKILL)
        witness = Running(tmp_path / "witness", keys.public_key("guoku/log"))
    assert witness.post(13, log.proof(true, 13), log.note(true)).status_code == 200
    remembered = asking.get(f"{witness.url}/checkpoint", params={"origin": ORIGIN})
    assert note_fields(remembered.text)[1] == 20
    unknown = asking.get(f"{witness.url}/checkpoint", params={"origin": "x"})
    assert code(unknown) == "404 not_found"
    witness.end(signal.SIGTERM)


def test_it_believes_no_other_key_and_no_nonsense(
    witness: Running, keys: KeyStore, tmp_path: Path
) -> None:
    stranger = KeyStore(tmp_path / "stranger", "test", iterations=1000)
    stranger.create("guoku/log")
    note = Log(keys).note(history(3))
    assert code(witness.post(0, [], Log(stranger).note(history(3)))) == "422 signature_invalid"
    changed = note.replace("\n3\n", "\n4\n", 1)
    assert code(witness.post(0, [], changed)) == "422 signature_invalid"
    for nonsense in (b"", b"old\n\n", b"old 0\n\nno note", b"new 0\n\n" + note.encode(), b"\xff",
                     b"old 0\n" + b"AAAA\n" * 3 + b"\n" + note.encode()):  # fmt: skip
        answer = asking.post(f"{witness.url}/add-checkpoint", content=nonsense)
        assert code(answer) == "400 malformed"
    assert witness.post(0, [], note).status_code == 200


# ---- beside the sealer


class SealedLedger:
    """A ledger with a sealer and a cosigner for one witness."""

    def __init__(self, b: Bookkeeper, keys: KeyStore, folder: Path, witness: InThread) -> None:
        self.b = b
        provider = default_provider()
        policy = SealingPolicy(province_interval_s=0.0)
        self.sealer = Sealer(b.pool, b.sequencer, keys, provider, folder, b.clock, policy)
        key = PublicKey.from_hex(witness.public_key)
        record = SystemRecord(b.pool, b.sequencer, lambda: [(NAME, key)])
        self.cosigner = Cosigner(
            b.pool, record, provider, WitnessAddress(NAME, witness.url, key), timeout_s=HANG_S
        )

    def seal(self) -> str:
        self.sealer.run_once()
        with self.b.pool.connection() as connection:
            return find_note(connection, self.b.ledger_id) or ""

    def cosigned(self) -> str:
        self.cosigner.run_once()
        with self.b.pool.connection() as connection:
            return find_note(connection, self.b.ledger_id) or ""


def test_checkpoints_and_province_heads_are_cosigned(
    bookkeeper: Bookkeeper, keys: KeyStore, tmp_path: Path, served_witness: InThread
) -> None:
    sealing = SealedLedger(bookkeeper, keys, tmp_path / "cp", served_witness)
    other = Bookkeeper(bookkeeper.pool, division="440100000")
    other.open()
    log_key = {"name": "guoku/log", "public_key": keys.public_key("guoku/log").hex()}
    for number in ("B1", "B2", "B3"):
        bookkeeper.issue(number, "1000.00")
        assert signers(sealing.seal(), [log_key, served_witness.key]) == {"guoku/log"}
        assert signers(sealing.cosigned(), [log_key, served_witness.key]) == {"guoku/log", NAME}
        with bookkeeper.pool.connection() as connection:
            head = find_province_head(connection) or ""
            assert signers(head, [log_key, served_witness.key]) == {"guoku/log", NAME}
            assert len(register.note_keys(connection)) == 2
    assert sealing.cosigner.run_once() == 0, "nothing is left to ask for"
    sealing.sealer.run_once()
    assert sealing.cosigner.run_once() == 0, "cosignatures are no reason to seal again"
    # another life of the cosigner knows nothing, and finds out what the witness remembers
    bookkeeper.issue("B4", "1000.00")
    again = SealedLedger(bookkeeper, keys, tmp_path / "cp", served_witness)
    again.seal()
    assert signers(again.cosigned(), [served_witness.key]) == {NAME}
    assert again.cosigner.health().refused == {}
    other.close()


def test_a_witness_that_is_away_stops_nothing(
    bookkeeper: Bookkeeper, keys: KeyStore, tmp_path: Path
) -> None:
    keys.create(NAME)
    with closing(bind("127.0.0.1", 0)) as taken:  # nobody listens there
        away = InThread(url_of(taken), keys.public_key(NAME))
        sealing = SealedLedger(bookkeeper, keys, tmp_path / "cp", away)
        bookkeeper.issue("B1", "1000.00")
        first = sealing.seal()
        with pytest.raises(httpx.HTTPError):
            sealing.cosigner.run_once()
        bookkeeper.issue("B2", "1000.00")
        second = sealing.seal()
        assert note_fields(first)[1] < note_fields(second)[1]
        assert sealing.sealer.health().error == ""


REWRITING = (
    "UPDATE events SET payload = convert_to(replace(convert_from(payload, 'UTF8'), '1000.00',"
    " '9000.00'), 'UTF8'), digest = sha256(digest) WHERE ledger_id = 4400000002026 AND position = 2"
)
FORGETTING = (
    "DELETE FROM merkle_nodes", "DELETE FROM sealed", "DELETE FROM checkpoints",
    "DELETE FROM province_heads", "DELETE FROM cosignatures", "DELETE FROM note_keys",
    "DELETE FROM system_positions", "DELETE FROM events WHERE ledger_id < 10000",
    "DELETE FROM commits WHERE ledger_id < 10000", "DELETE FROM ledgers WHERE ledger_id < 10000",
    "DELETE FROM command_keys WHERE ledger_id < 10000",
)  # fmt: skip


def rewrite_history(b: Bookkeeper, conninfo: str) -> None:
    """What a database administrator can do who knows all of this: another amount, its digest, every
    chain after it, nothing left of what was sealed, and no file either."""
    from ledger.integrity.chain import extend, genesis

    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in (REWRITING, *FORGETTING):
            connection.execute(statement.encode())
        chain, at = genesis(b.ledger_id), 0
        for (position,) in b.sql("SELECT position FROM commits WHERE ledger_id = %s ORDER BY 1"):
            rows = b.sql(
                "SELECT digest FROM events WHERE ledger_id = %s AND position > %s"
                " AND position <= %s ORDER BY position",
                at,
                position,
            )
            chain, at = extend(chain, [row[0] for row in rows]), position
            where = "WHERE ledger_id = %s AND position = %s"
            connection.execute(
                f"UPDATE commits SET chain = %s {where}".encode(), (chain, b.ledger_id, position)
            )
        connection.execute(
            "UPDATE ledgers SET chain = %s WHERE ledger_id = %s", (chain, b.ledger_id)
        )


@pytest.mark.fault
def test_a_history_rewritten_as_a_whole_is_refused_by_the_witness(
    bookkeeper: Bookkeeper,
    keys: KeyStore,
    tmp_path: Path,
    served_witness: InThread,
    owner_conninfo: str,
) -> None:
    sealing = SealedLedger(bookkeeper, keys, tmp_path / "cp", served_witness)
    bookkeeper.issue("B1", "1000.00")
    sealing.seal()
    true = sealing.cosigned()
    rewrite_history(bookkeeper, owner_conninfo)

    fresh = Bookkeeper(bookkeeper.pool)  # every program is started anew, in an empty folder
    again = SealedLedger(fresh, keys, tmp_path / "elsewhere", served_witness)
    forged = again.seal()
    assert note_fields(forged)[1] == note_fields(true)[1]
    assert note_fields(forged)[2] != note_fields(true)[2], "the forgery itself succeeds"
    assert again.sealer.health().stopped == {}
    again.cosigner.run_once()
    assert "history_forked" in again.cosigner.health().refused[ORIGIN]
    fresh.issue("B2", "1.00")
    again.seal()
    later = SealedLedger(fresh, keys, tmp_path / "elsewhere", served_witness)
    later.cosigner.run_once()
    assert "proof_invalid" in later.cosigner.health().refused[ORIGIN]
    assert signers(again.cosigned(), [served_witness.key]) == set()
    fresh.close()


def test_the_settings_name_witnesses() -> None:
    settings: dict[str, Any] = {
        "name": NAME,
        "url": "http://127.0.0.1:8090",
        "public_key": "ab" * 64,
    }
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", "config", "--json"],
        env=clean_environment(GUOKU_WITNESSES=json.dumps([settings])),
        capture_output=True,
        text=True,
        check=True,
        timeout=HANG_S,
    )
    assert json.loads(done.stdout)["witnesses"] == [settings]
