"""Sealers: several at once, one after another that was killed, and one with another key."""

# ruff: noqa: F401, F811  (pytest finds the fixture `sealer` by its import)

from datetime import date
from pathlib import Path
from threading import Thread

from ledger.gm import default_provider
from ledger.gm.keystore import KeyStore
from ledger.integrity import note as notes
from ledger.sealing import register
from ledger.sealing.sealer import Sealer
from ledger.sealing.trees import Trees
from tests.support.bookkeeper import Bookkeeper
from tests.support.proof_reader import naive_root
from tests.support.sealed_ledgers import all_sealed, digests, keys, lines_of, sealer, sealer_on


def test_two_sealers_and_four_writers_leave_one_history(
    bookkeeper: Bookkeeper, keys: KeyStore, tmp_path: Path
) -> None:
    bookkeeper.issue("B1", "1000000.00")
    folder = tmp_path / "checkpoints"
    sealers = [sealer_on(bookkeeper, keys, folder, interval_s=0.01) for _ in range(2)]
    for each in sealers:
        each.start()

    def write(writer: int) -> None:
        number = 0
        while number < 12 or len(all_sealed(bookkeeper, bookkeeper.ledger_id)) <= 3:
            number += 1
            bookkeeper.pay(f"P{writer}-{number}", "B1", "1.00", effective_on=date(2026, 3, 2))

    writers = [Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    for each in sealers:
        each.close()
    while sealers[0].run_once():
        pass
    assert not sealers[0].health().stopped
    assert not sealers[1].health().stopped
    sealed = all_sealed(bookkeeper, bookkeeper.ledger_id)
    leaves = digests(bookkeeper)
    assert sealed[-1].size == len(leaves)
    assert len({s.size for s in sealed}) == len(sealed) > 3
    for s in sealed:
        assert lines_of(s.note)[2] == notes.encode_hash(naive_root(leaves[: s.size]))
    kept = (folder / "guoku_440000000-2026.txt").read_text(encoding="utf-8")
    assert kept == "".join(f"{s.note}---\n" for s in sealed)


def test_what_a_kill_left_half_written_is_mended(
    bookkeeper: Bookkeeper, sealer: Sealer, keys: KeyStore, tmp_path: Path
) -> None:
    """Torn in the file, absent from the file, grown and not signed: the next life makes it good."""
    bookkeeper.issue("B1", "1000.00")
    sealer.run_once()
    path = tmp_path / "checkpoints" / "guoku_440000000-2026.txt"
    whole = path.read_text(encoding="utf-8")
    with path.open("a", encoding="utf-8") as file:
        file.write("guoku/440000000-2026\n77\nhalf a li")
    bookkeeper.issue("B2", "1000.00")
    with bookkeeper.pool.connection() as connection:  # grown, and then killed
        assert Trees().grow(connection, bookkeeper.ledger_id, 1000) == 2
    sealer_on(bookkeeper, keys, tmp_path / "checkpoints").run_once()
    sealed = all_sealed(bookkeeper, bookkeeper.ledger_id)
    assert [s.size for s in sealed] == [3, 5]
    assert path.read_text(encoding="utf-8") == f"{whole}{sealed[1].note}---\n"
    path.unlink()  # another machine takes over, with a folder of its own
    sealer_on(bookkeeper, keys, tmp_path / "checkpoints").run_once()
    assert path.read_text(encoding="utf-8") == "".join(f"{s.note}---\n" for s in sealed)


def test_a_new_log_key_is_put_on_record_and_signs_from_then_on(
    bookkeeper: Bookkeeper, sealer: Sealer, keys: KeyStore, tmp_path: Path
) -> None:
    bookkeeper.issue("B1", "1000.00")
    sealer.run_once()
    bookkeeper.issue("B2", "1000.00")
    sealer_on(bookkeeper, keys, tmp_path / "checkpoints", log_key="guoku/log-2").run_once()
    with bookkeeper.pool.connection() as connection:
        registered = register.note_keys(connection)
    names = ["guoku/log", "guoku/log-2"]
    assert [k.public_key for k in registered] == [keys.public_key(name) for name in names]
    assert {k.name for k in registered} == {"guoku/log"}
    provider = default_provider()
    for sealed, name in zip(all_sealed(bookkeeper, bookkeeper.ledger_id), names, strict=True):
        read = notes.parse_note(sealed.note)
        assert notes.verified_by(provider, read, {"guoku/log": [keys.public_key(name)]})
        other = {"guoku/log": [keys.public_key(n) for n in names if n != name]}
        assert not notes.verified_by(provider, read, other)
