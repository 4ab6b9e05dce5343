"""Files of an export: written whole or not at all, hashed while they are written and read."""

import fcntl
import hashlib
import os
import shutil
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from ledger.errors import ConfigurationError, IntegrityError
from projections.exchange.format import FileEntry

CHUNK_BYTES = 1 << 20
LINE_BYTES_MAX = 64 << 20  # far beyond any event or document: no line fills the memory
_GZIP = 31  # zlib's window of 32 KiB, with the frame of gzip; its header holds no time and no name
_LEVEL = 1  # level 6 saves an eighth of the bytes and takes twice as long
_PARTIAL = ".partial"


class HashedFile:
    """A file to write to; knows SM3 and length of what went in."""

    def __init__(self, directory: Path, name: str) -> None:
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        self._name = name
        self._file = path.open("xb")
        self._digest = hashlib.new("sm3")
        self._bytes = 0
        self.closed = False

    def write(self, data: Any) -> int:
        size = self._file.write(data)
        self._digest.update(data)
        self._bytes += size
        return size

    def tell(self) -> int:
        return self._bytes

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        """Leaves the file durable on disk."""
        if not self.closed:
            self.closed = True
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def entry(self) -> FileEntry:
        """What the manifest says of the closed file."""
        return FileEntry(self._name, self._digest.hexdigest(), self._bytes)


class GzipLines:
    """Lines to a gzip file; the same lines always give the same bytes."""

    def __init__(self, directory: Path, name: str) -> None:
        self._file = HashedFile(directory, name)
        self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0

    def write(self, line: bytes) -> None:
        """Adds a line; ``line`` is without its end."""
        self._waiting.append(line)
        self._waiting_bytes += len(line)
        if self._waiting_bytes >= CHUNK_BYTES:
            self._drain()

    def close(self) -> FileEntry:
        self._drain()
        self._file.write(self._deflate.flush())
        self._file.close()
        return self._file.entry()

    def _drain(self) -> None:
        if self._waiting:
            self._waiting.append(b"")
            self._file.write(self._deflate.compress(b"\n".join(self._waiting)))
            self._waiting, self._waiting_bytes = [], 0


# ---- a directory that appears whole


@contextmanager
def whole_directory(directory: Path) -> Iterator[Path]:
    """A folder beside ``directory`` to fill; it takes that name when the block ends well.

    Whatever else happens leaves nothing under the final name. What a killed process left beside it
    is cleared by the next one; the lock on the folder tells which are still being filled.

    Raises:
        ConfigurationError: ``directory`` exists and is not empty, or cannot be written.
    """
    directory = Path(os.path.abspath(directory.expanduser()))  # noqa: PTH100 - keeps a link a link
    try:
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise ConfigurationError(f"{directory} exists and is not an empty directory")
        directory.parent.mkdir(parents=True, exist_ok=True)
        _clear_partial(directory)
        prefix = f".{directory.name}."
        partial = Path(mkdtemp(prefix=prefix, suffix=_PARTIAL, dir=directory.parent))
    except OSError as error:
        raise ConfigurationError(f"{directory} cannot be written: {error.strerror}") from error
    lock = os.open(partial, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield partial
            partial.chmod(0o755)
            for folder in (partial, *(path for path in partial.iterdir() if path.is_dir())):
                _sync(folder)
        except OSError as error:  # a full disk
            raise ConfigurationError(f"{directory} cannot be written: {error.strerror}") from error
        try:
            partial.rename(directory)
        except OSError as error:
            raise ConfigurationError(f"{directory} was made by somebody else meanwhile") from error
        _sync(directory.parent)
    finally:
        os.close(lock)
        shutil.rmtree(partial, ignore_errors=True)


def _clear_partial(directory: Path) -> None:
    for left in directory.parent.glob(f".{directory.name}.*{_PARTIAL}"):
        with suppress(OSError):
            lock = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(lock)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---- reading what others have written


def read_small(directory: Path, name: str, bytes_max: int = 16 << 20) -> bytes:
    """A small file of the directory as a whole."""
    with _opened(directory, name) as descriptor, os.fdopen(descriptor, "rb") as file:
        content = file.read(bytes_max + 1)
    if len(content) > bytes_max:
        raise IntegrityError(f"{name} is longer than {bytes_max} bytes")
    return content


def check_file(directory: Path, entry: FileEntry) -> None:
    """Raises IntegrityError unless the file has the manifest's length and SM3."""
    for _ in _chunks(directory, entry):
        pass


def lines(directory: Path, entry: FileEntry) -> Iterator[bytes]:
    """The lines of a gzip file, one after the other, in bounded memory.

    Raises:
        IntegrityError: it is damaged. What was hashed is known at the end only, so that is when
            length and SM3 are compared: nothing read here holds before the last line has come.
    """
    return _parted(entry.name, _inflated(entry.name, _chunks(directory, entry)), b"\n")


def records(directory: Path, entry: FileEntry, end: bytes) -> Iterator[bytes]:
    """As :func:`lines`, of a plain file whose records end so."""
    return _parted(entry.name, _chunks(directory, entry), end)


def _parted(name: str, pieces: Iterator[bytes], end: bytes) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(end)
        if len(rest) > LINE_BYTES_MAX:
            raise IntegrityError(f"{name} has a line longer than {LINE_BYTES_MAX} bytes")
        yield from whole
    if rest:
        raise IntegrityError(f"{name} ends in the middle of a line")


def _inflated(name: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    inflate = zlib.decompressobj(_GZIP)
    damaged: zlib.error | None = None
    for chunk in chunks:
        waiting = chunk
        while waiting and damaged is None and not inflate.eof:
            try:
                yield inflate.decompress(waiting, CHUNK_BYTES)
            except zlib.error as error:
                damaged = error  # the digest of the whole file is told first
            waiting = inflate.unconsumed_tail
        if inflate.eof and (inflate.unused_data or waiting):
            damaged = zlib.error("bytes behind its end")
    if damaged is not None or not inflate.eof:
        raise IntegrityError(f"{name} is no whole gzip file: {damaged or 'its end is missing'}")


def _chunks(directory: Path, entry: FileEntry) -> Iterator[bytes]:
    digest, size = hashlib.new("sm3"), 0
    with _opened(directory, entry.name) as descriptor, os.fdopen(descriptor, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            yield chunk
    if (digest.hexdigest(), size) != (entry.sm3, entry.bytes):
        raise IntegrityError(
            f"{entry.name} is not the file of the manifest: SM3 {digest.hexdigest()}, "
            f"{size} bytes, where {entry.sm3}, {entry.bytes} bytes are due"
        )


@contextmanager
def _opened(directory: Path, name: str) -> Iterator[int]:
    """The descriptor of a plain file, which its user closes; a link to elsewhere is refused."""
    path = directory / name
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise IntegrityError(f"{name} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise IntegrityError(f"{name} is no plain file")
    yield descriptor
