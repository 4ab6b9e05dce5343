"""The key store: private keys by name, in one file sealed under a passphrase.

The server and the command line may both add keys. Each change reads the newest file, adds to it and
replaces it in one step, all under a lock between processes; so no key is lost, and whoever reads
finds either the old file or the new one, whole.
"""

import fcntl
import json
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.errors import (
    NO_ROOM,
    Code,
    ConfigurationError,
    GuokuError,
    RequestError,
    UnavailableError,
)
from ledger.gm.default import default_provider
from ledger.gm.keys import PrivateKey, PublicKey
from ledger.gm.provider import Provider
from ledger.gm.sealed import ITERATIONS, SALT_BYTES, SealKey, derive, read_salt, seal, unseal

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}/[\w.@-]{1,96}")
_FORMAT = 1
_OWNER_ONLY = 0o600
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_LOCK_POLL_S = 0.01


class KeyMissingError(ConfigurationError, KeyError):
    """The key store has no key of this name."""


class KeyStore:
    """Named SM2 private keys in one sealed file; safe between threads and between processes.

    A name is ``<kind>/<who>``: ``principal/zhang.san``, ``bank/102``. A file that does not exist is
    an empty store and is written with the first key. The slow derivation of the file's key is done
    once per object. Raises ConfigurationError for a wrong passphrase or a damaged file, and
    UnavailableError if another process holds the lock for longer than ``lock_timeout_s``, or a new
    key finds no room on the disk.
    """

    def __init__(
        self,
        path: Path | str,
        passphrase: str,
        *,
        provider: Provider | None = None,
        iterations: int = ITERATIONS,
        lock_timeout_s: float = 10.0,
    ) -> None:
        if not passphrase:
            raise ConfigurationError("the passphrase of a key store may not be empty")
        # Resolved, so that replacing the file does not replace a symbolic link to it.
        self._path = Path(path).resolve()
        self._passphrase = passphrase
        self._provider = provider or default_provider()
        self._iterations = iterations
        self._lock_timeout_s = lock_timeout_s
        self._thread_lock = threading.RLock()
        self._seal_key: SealKey | None = None
        self._seen: tuple[int, ...] | None = None
        self._keys: dict[str, PrivateKey] = {}

    def __repr__(self) -> str:
        return f"<KeyStore {self._path}>"

    def create(self, name: str) -> PublicKey:
        """Makes a key of this name, unless there is one already; answers its public key.

        Raises RequestError (``malformed``) if the name is not of the form above.
        """
        if not _NAME.fullmatch(name):
            raise RequestError(Code.MALFORMED, f"not a key name like principal/zhang.san: {name!r}")
        with self._thread_lock:
            if name not in self._current():
                try:
                    self._add(name)
                except OSError as error:
                    raise self._not_written(error) from error
            return self._provider.public_key(self._keys[name])

    def private_key(self, name: str) -> PrivateKey:
        """The private key of this name. Raises KeyMissingError if there is none."""
        with self._thread_lock:
            try:
                return self._current()[name]
            except KeyError:
                raise KeyMissingError(f"the key store has no key named {name!r}") from None

    def public_key(self, name: str) -> PublicKey:
        """The public key of this name. Raises KeyMissingError if there is none."""
        return self._provider.public_key(self.private_key(name))

    def names(self) -> list[str]:
        """The names of all keys, sorted."""
        with self._thread_lock:
            return sorted(self._current())

    def _add(self, name: str) -> None:
        with self._locked_file():
            keys = self._current()
            if name not in keys:
                self._replace({**keys, name: self._provider.generate_key()})

    def _not_written(self, error: OSError) -> GuokuError:
        detail = f"the key store {self._path} cannot be written: {error.strerror}"
        if error.errno in NO_ROOM:  # passes without anybody changing how this is set up
            return UnavailableError(Code.UNAVAILABLE, detail)
        return ConfigurationError(detail)

    def _current(self) -> dict[str, PrivateKey]:
        """The keys as the file has them now; reads it only if it changed."""
        try:
            with self._path.open("rb") as file:
                seen = _identity(file.fileno())
                if seen != self._seen:
                    self._keys = self._parse(file.read())
                    self._seen = seen
        except FileNotFoundError:
            if self._seen is not None:
                raise ConfigurationError(f"the key store {self._path} has vanished") from None
        except OSError as error:
            raise ConfigurationError(
                f"the key store {self._path} cannot be read: {error.strerror}"
            ) from error
        return self._keys

    def _parse(self, sealed: bytes) -> dict[str, PrivateKey]:
        try:
            salt, iterations = read_salt(sealed)
            plaintext = unseal(self._provider, self._key_for(salt, iterations), sealed)
            document = json.loads(plaintext)
            if document["format"] != _FORMAT:
                raise ConfigurationError("its contents are of an unknown format")
            return {
                name: PrivateKey(bytes.fromhex(secret)) for name, secret in document["keys"].items()
            }
        except ConfigurationError as error:
            raise ConfigurationError(f"key store {self._path}: {error.detail}") from None

    def _key_for(self, salt: bytes, iterations: int) -> SealKey:
        key = self._seal_key
        if key is None or (key.salt, key.iterations) != (salt, iterations):
            key = self._seal_key = derive(self._provider, self._passphrase, salt, iterations)
        return key

    def _replace(self, keys: dict[str, PrivateKey]) -> None:
        """Writes all keys to a new file, then puts it in the place of the old one."""
        seal_key = self._seal_key or self._key_for(
            secrets.token_bytes(SALT_BYTES), self._iterations
        )
        document = {"format": _FORMAT, "keys": {k: v.secret.hex() for k, v in keys.items()}}
        sealed = seal(self._provider, seal_key, json.dumps(document, sort_keys=True).encode())
        # One name for the new file, because the lock lets one writer in: what a killed writer left
        # is cleared away by the next.
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, _NEW_FILE, _OWNER_ONLY), "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
            seen = _identity(file.fileno())
        fresh.replace(self._path)
        _sync_folder(self._path.parent)
        self._keys, self._seen = keys, seen

    @contextmanager
    def _locked_file(self) -> Iterator[None]:
        """Holds the lock between processes: a file beside the store that is never replaced."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        deadline_s = time.monotonic() + self._lock_timeout_s
        beside = self._path.with_name(self._path.name + ".lock")
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
        try:
            while not _try_lock(descriptor):
                if time.monotonic() > deadline_s:
                    raise UnavailableError(
                        Code.UNAVAILABLE, f"another process holds the key store {self._path}"
                    )
                time.sleep(_LOCK_POLL_S)
            yield
        finally:
            # A process forked meanwhile shares the descriptor: closing ours would not unlock.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _identity(descriptor: int) -> tuple[int, ...]:
    """What changes when the file is replaced or written to."""
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _sync_folder(folder: Path) -> None:
    """Makes a rename in the folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
