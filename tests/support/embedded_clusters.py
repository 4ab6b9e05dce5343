"""Clusters of the embedded server for tests of its life, and processes that own or join them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ledger.postgres.database import connect
from ledger.postgres.embedded import EmbeddedPostgres
from tests.support.waiting import HANG_S, wait_until

SMALL = {"shared_buffers": "16MB", "max_wal_size": "128MB", "min_wal_size": "32MB"}

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """Not below pytest's own directory: another session that starts closes that to other users."""
    with TemporaryDirectory(prefix="guoku-test-") as directory:
        yield Path(directory)


@pytest.fixture
def empty_dir() -> Iterator[Path]:
    with temporary_directory() as directory:
        yield directory


PutCluster = Callable[[Path], None]


@pytest.fixture(scope="module")
def put_cluster() -> Iterator[PutCluster]:
    """Puts a stopped cluster into a data directory: a copy, which is quicker than initdb."""
    with temporary_directory() as original:
        with small(original).own() as server:
            pass

        def put(data_dir: Path) -> None:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", str(server.cluster), str(data_dir)], check=True)

        yield put


@pytest.fixture
def data_dir(empty_dir: Path, put_cluster: PutCluster) -> Path:
    """A data directory with a cluster that is not running."""
    put_cluster(empty_dir)
    return empty_dir


def small(data_dir: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(data_dir, SMALL)


def query(server: EmbeddedPostgres, statement: str) -> list[tuple[object, ...]]:
    with connect(server.conninfo(dbname="postgres"), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody has reaped yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return sys.platform != "linux"


def running_pid(server: EmbeddedPostgres) -> int:
    pid = server.postmaster_pid()
    assert pid is not None
    assert is_alive(pid)
    return pid


def assert_ended(pid: int) -> None:
    """A process gives up its locks a moment before it is gone."""
    wait_until(lambda: not is_alive(pid), f"the end of process {pid}")


PROGRAM = """
import sys
from pathlib import Path
from ledger.postgres.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), {settings!r})
with server.{verb}():
    try:
        print("ready", flush=True)
        sys.stdin.readline()
    except KeyboardInterrupt:
        import psycopg
        with psycopg.connect(server.conninfo(dbname="postgres")) as connection:
            print(connection.execute("SELECT 'still here'").fetchone()[0], flush=True)
"""


@contextmanager
def another_process(data_dir: Path, verb: str) -> Iterator[subprocess.Popen[str]]:
    """A process of its own (and its own process group) that owns or joins the server until it is
    sent a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(settings=SMALL, verb=verb), str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


def finish(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate("\n", timeout=HANG_S)
    assert process.returncode == 0
    return output
