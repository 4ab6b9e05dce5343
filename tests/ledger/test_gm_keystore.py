"""The key store: what it keeps, what it refuses, and what it shows to nobody."""

# ruff: noqa: F401, F811  (pytest finds the fixture `path` by its import)

import json
import logging
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.errors import Code, ConfigurationError, RequestError
from ledger.gm import default_provider, keystore, sealed
from ledger.gm.gmssl_provider import GmsslProvider
from ledger.gm.keystore import KeyMissingError, KeyStore
from tests.support.key_stores import ITERATIONS, PASSPHRASE, path, reopen


def test_a_key_is_there_after_reopening(reopen: Callable[[], KeyStore]) -> None:
    public_key = reopen().create("principal/zhang.san")
    store = reopen()
    assert store.names() == ["principal/zhang.san"]
    assert store.public_key("principal/zhang.san") == public_key
    private_key = store.private_key("principal/zhang.san")
    provider = default_provider()
    assert provider.public_key(private_key) == public_key
    assert provider.verify(public_key, b"m", provider.sign(private_key, b"m"))


def test_creating_twice_gives_the_same_key(reopen: Callable[[], KeyStore], path: Path) -> None:
    store = reopen()
    first = store.create("bank/102")
    written = path.read_bytes()
    assert store.create("bank/102") == first
    assert reopen().create("bank/102") == first
    assert path.read_bytes() == written
    assert store.create("bank/103") != first


def test_names_are_sorted_and_an_absent_file_is_an_empty_store(
    reopen: Callable[[], KeyStore], path: Path
) -> None:
    store = reopen()
    assert store.names() == []
    assert not path.exists()
    for name in ("bank/103", "audit/省审计厅", "bank/102"):
        store.create(name)
    assert store.names() == ["audit/省审计厅", "bank/102", "bank/103"]


def test_a_missing_key_is_named(reopen: Callable[[], KeyStore]) -> None:
    store = reopen()
    for lookup in (store.private_key, store.public_key):
        with pytest.raises(KeyMissingError, match="bank/999") as error:
            lookup("bank/999")
        assert isinstance(error.value, KeyError)
        assert isinstance(error.value, ConfigurationError)


@pytest.mark.parametrize(
    "name", ["", "bank", "/102", "bank/", "Bank/102", "bank/1/2", "bank/a b", "bank/1\n", "../x/y"]
)
def test_other_names_are_refused(reopen: Callable[[], KeyStore], path: Path, name: str) -> None:
    with pytest.raises(RequestError) as error:
        reopen().create(name)
    assert error.value.code is Code.MALFORMED
    assert not path.exists()


def test_a_store_sees_what_another_one_added(reopen: Callable[[], KeyStore]) -> None:
    server, command_line = reopen(), reopen()
    server.create("bank/102")
    added = command_line.create("principal/li.si")
    assert server.public_key("principal/li.si") == added
    assert server.names() == ["bank/102", "principal/li.si"]


def test_the_slow_derivation_is_done_once(
    reopen: Callable[[], KeyStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    reopen().create("bank/0")
    calls: list[bytes] = []
    derive = sealed.derive

    def counted(*args: object) -> sealed.SealKey:
        calls.append(b"")
        return derive(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(keystore, "derive", counted)
    store, other = reopen(), reopen()
    for index in range(1, 4):
        other.create(f"bank/{index}")
        assert store.names()[-1] == f"bank/{index}"
    assert len(calls) == 2


def test_a_store_replaced_by_one_with_another_salt_is_read(
    tmp_path: Path, reopen: Callable[[], KeyStore], path: Path
) -> None:
    store = reopen()
    store.create("bank/102")
    restored = KeyStore(tmp_path / "backup", PASSPHRASE, iterations=ITERATIONS + 1)
    restored.create("bank/103")
    (tmp_path / "backup").replace(path)
    assert store.names() == ["bank/103"]
    store.create("bank/104")
    assert reopen().names() == ["bank/103", "bank/104"]


def test_the_gmssl_provider_reads_what_the_native_one_wrote(
    reopen: Callable[[], KeyStore], path: Path
) -> None:
    public_key = reopen().create("bank/102")
    other = KeyStore(path, PASSPHRASE, provider=GmsslProvider())
    assert other.public_key("bank/102") == public_key
    other.create("bank/103")
    assert reopen().names() == ["bank/102", "bank/103"]


# Refusals


def test_a_wrong_passphrase_is_refused_for_reading_and_adding(
    reopen: Callable[[], KeyStore], path: Path
) -> None:
    reopen().create("bank/102")
    before = path.read_bytes()
    wrong = KeyStore(path, PASSPHRASE + "!")
    for attempt in (wrong.names, lambda: wrong.create("bank/666")):
        with pytest.raises(ConfigurationError, match="passphrase is wrong or the file is damaged"):
            attempt()
    assert path.read_bytes() == before


def test_an_empty_passphrase_is_refused(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="empty"):
        KeyStore(path, "")


def test_the_same_passphrase_in_another_unicode_form_opens_it(path: Path) -> None:
    KeyStore(path, "caf\u00e9", iterations=ITERATIONS).create("bank/102")
    assert KeyStore(path, "cafe\u0301").names() == ["bank/102"]


def test_any_flipped_bit_is_noticed(reopen: Callable[[], KeyStore], path: Path) -> None:
    reopen().create("bank/102")
    whole = path.read_bytes()
    for index in range(len(whole)):
        damaged = bytearray(whole)
        damaged[index] ^= 0x80 if index < 12 else 1 << index % 8
        path.write_bytes(damaged)
        with pytest.raises(ConfigurationError) as error:
            reopen().names()
        assert "bank/102" not in str(error.value), index
    path.write_bytes(whole)
    assert reopen().names() == ["bank/102"]


@pytest.mark.parametrize("keep", [0, 5, 43, 60, -1, -16, -32])
def test_a_file_cut_short_is_noticed(reopen: Callable[[], KeyStore], path: Path, keep: int) -> None:
    reopen().create("bank/102")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ConfigurationError):
        reopen().names()


def test_a_header_cannot_ask_for_endless_work(reopen: Callable[[], KeyStore], path: Path) -> None:
    reopen().create("bank/102")
    damaged = bytearray(path.read_bytes())
    damaged[8:12] = (sealed.ITERATIONS_MAX + 1).to_bytes(4)
    path.write_bytes(damaged)
    with pytest.raises(ConfigurationError, match="damaged"):
        reopen().names()


def test_a_newer_version_is_not_taken_for_damage(
    reopen: Callable[[], KeyStore], path: Path
) -> None:
    reopen().create("bank/102")
    damaged = bytearray(path.read_bytes())
    damaged[6:8] = (2).to_bytes(2)
    path.write_bytes(damaged)
    with pytest.raises(ConfigurationError, match="version 2"):
        reopen().names()


def test_a_store_that_vanishes_is_not_begun_anew(
    reopen: Callable[[], KeyStore], path: Path
) -> None:
    store = reopen()
    store.create("bank/102")
    path.unlink()
    for attempt in (store.names, lambda: store.create("bank/103")):
        with pytest.raises(ConfigurationError, match="vanished"):
            attempt()
    assert not path.exists()


def test_what_cannot_be_read_or_written_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        KeyStore(tmp_path, PASSPHRASE).names()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match=r"cannot be (read|written)"):
        KeyStore(tmp_path / "file" / "store", PASSPHRASE).create("bank/102")


# Secrecy


def test_the_file_shows_neither_names_nor_keys_and_only_to_its_owner(
    reopen: Callable[[], KeyStore], path: Path
) -> None:
    store = reopen()
    store.create("principal/zhang.san")
    secret = store.private_key("principal/zhang.san").secret
    written = path.read_bytes()
    assert b"zhang" not in written
    assert secret not in written
    assert secret.hex().encode() not in written
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_each_write_has_its_own_iv(reopen: Callable[[], KeyStore], path: Path) -> None:
    store = reopen()
    ivs = set()
    for index in range(5):
        store.create(f"bank/{index}")
        ivs.add(path.read_bytes()[28:44])
    assert len(ivs) == 5


def test_nothing_secret_in_reprs_errors_or_logs(
    reopen: Callable[[], KeyStore], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        store = reopen()
        store.create("bank/102")
        assert store._seal_key is not None
        shown = [repr(store), repr(store._seal_key), repr(store.private_key("bank/102"))]
        with pytest.raises(ConfigurationError) as error:
            KeyStore(path, "another").names()
    shown += [caplog.text, repr(error.value), str(error.value)]
    secret = store.private_key("bank/102").secret.hex()
    for text in shown:
        assert PASSPHRASE not in text
        assert secret not in text
        assert store._seal_key.cipher_key.hex() not in text


# Its file


def test_a_symbolic_link_to_the_store_stays_one(
    tmp_path: Path, reopen: Callable[[], KeyStore], path: Path
) -> None:
    reopen().create("bank/102")
    link = tmp_path / "link"
    link.symlink_to(path)
    KeyStore(link, PASSPHRASE).create("bank/103")
    assert link.is_symlink()
    assert reopen().names() == ["bank/102", "bank/103"]


def test_the_layout_is_the_documented_one(reopen: Callable[[], KeyStore], path: Path) -> None:
    """Reads a file with nothing but its documentation and the standard library's primitives."""
    import hashlib
    import hmac

    store = reopen()
    store.create("bank/102")
    data = path.read_bytes()
    assert data[:6] == b"GKSEAL"
    assert data[6:12] == (1).to_bytes(2) + ITERATIONS.to_bytes(4)
    root = hashlib.pbkdf2_hmac("sm3", PASSPHRASE.encode(), data[12:28], ITERATIONS)
    mac_key = hmac.digest(root, b"guoku seal 1 mac", "sm3")
    assert hmac.digest(mac_key, data[:-32], "sm3") == data[-32:]
    cipher_key = hmac.digest(root, b"guoku seal 1 cipher", "sm3")[:16]
    plain = default_provider().sm4_cbc_decrypt(cipher_key, data[28:44], data[44:-32])
    secret = store.private_key("bank/102").secret.hex()
    assert json.loads(plain) == {"format": 1, "keys": {"bank/102": secret}}


def test_the_default_number_of_iterations_is_written(path: Path) -> None:
    KeyStore(path, PASSPHRASE).create("bank/102")
    assert int.from_bytes(path.read_bytes()[8:12]) == sealed.ITERATIONS >= 600_000
    assert path.stat().st_size < 300
