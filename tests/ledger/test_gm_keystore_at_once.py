"""The key store: what survives a kill, a full disk, and several who add keys at once."""

# ruff: noqa: F401, F811  (pytest finds the fixture `path` by its import)

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.errors import ConfigurationError, GuokuError, UnavailableError
from ledger.gm.keystore import KeyStore
from tests.support.key_stores import ITERATIONS, PASSPHRASE, path, reopen
from tests.support.waiting import HANG_S

#: Adds keys <prefix>0, <prefix>1, … and says so after each; argv: path, prefix, count.
ADDER = f"""
import sys
from ledger.gm.keystore import KeyStore
store = KeyStore(
    sys.argv[1], {PASSPHRASE!r}, iterations={ITERATIONS}, lock_timeout_s={HANG_S}
)
for index in range(int(sys.argv[3])):
    name = sys.argv[2] + str(index)
    print(name, store.create(name).hex(), flush=True)
"""


def adder(path: Path, prefix: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", ADDER, str(path), prefix, str(count)],
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("fault", "told"),
    [(errno.ENOSPC, UnavailableError), (errno.EROFS, ConfigurationError)],
    ids=["no room for now", "a disk that takes nothing"],
)
def test_a_writer_that_fails_before_the_rename_changes_nothing(
    reopen: Callable[[], KeyStore],
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: int,
    told: type[GuokuError],
) -> None:
    """A person's first signature makes his key; on a full disk it was answered as `internal`."""
    store = reopen()
    store.create("bank/102")
    before = path.read_bytes()

    def fails(_: int) -> None:
        raise OSError(fault, os.strerror(fault))

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fails)
        with pytest.raises(told, match=os.strerror(fault)):
            store.create("bank/103")
    assert path.read_bytes() == before
    assert store.names() == ["bank/102"]
    store.create("bank/103")
    assert reopen().names() == ["bank/102", "bank/103"]


def test_what_a_killed_writer_left_is_cleared_away(
    reopen: Callable[[], KeyStore], path: Path
) -> None:
    store = reopen()
    store.create("bank/102")
    leftover = path.with_name(path.name + ".new")
    leftover.write_bytes(b"half a file")
    leftover.chmod(0o644)
    store.create("bank/103")
    assert not leftover.exists()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.fault
def test_what_was_acknowledged_survives_kill(reopen: Callable[[], KeyStore], path: Path) -> None:
    for round_number, acknowledged in enumerate((1, 4, 9)):
        process = adder(path, f"round/{round_number}.", 100_000)
        assert process.stdout is not None
        told = dict(process.stdout.readline().split() for _ in range(acknowledged))
        process.send_signal(signal.SIGKILL)
        told |= dict(line.split() for line in process.stdout if line.endswith("\n"))
        process.wait()
        process.stdout.close()
        store = reopen()
        for name, public_key in told.items():
            assert store.public_key(name).hex() == public_key
        assert len(store.names()) >= len(told)


def test_two_processes_adding_at_once_lose_nothing(
    reopen: Callable[[], KeyStore], path: Path
) -> None:
    count = 40
    # Both also race for the same names, of which each must end with one key.
    processes = [adder(path, prefix, count) for prefix in ("a/", "b/", "shared/", "shared/")]
    told = [
        dict(line.split() for line in process.communicate(timeout=HANG_S)[0].splitlines())
        for process in processes
    ]
    assert [process.returncode for process in processes] == [0] * 4
    assert told[2] == told[3]
    store = reopen()
    assert len(store.names()) == 3 * count
    for name, public_key in (told[0] | told[1] | told[2]).items():
        assert store.public_key(name).hex() == public_key


def test_threads_adding_at_once_lose_nothing(reopen: Callable[[], KeyStore]) -> None:
    store, other = reopen(), reopen()
    threads = [
        threading.Thread(target=lambda s=s, n=n: [s.create(f"t/{n}.{i}") for i in range(10)])
        for n, s in enumerate((store, store, other))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reopen().names()) == 30


def test_a_lock_that_is_never_given_back_is_reported(path: Path) -> None:
    store = KeyStore(path, PASSPHRASE, iterations=ITERATIONS, lock_timeout_s=0.05)
    other = KeyStore(path, PASSPHRASE, iterations=ITERATIONS)
    with other._locked_file(), pytest.raises(UnavailableError, match="holds the key store"):
        store.create("bank/102")
    store.create("bank/102")
