"""The embedded server: its life, and its lives after every kind of death."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from ledger.errors import ConfigurationError
from ledger.postgres import server_user
from ledger.postgres.database import connect
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.postgres.server_user import ServerUser, existing_user, grant_search, make_public
from ledger.postgres.socket_directory import SOCKET_DIR_BYTES_MAX, socket_directory
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


# Start, stop, settings


def test_data_outlives_a_restart_and_no_process_does(data_dir: Path) -> None:
    with small(data_dir).own() as server:
        query(server, "CREATE TABLE kept AS SELECT 7 AS n")
        first = running_pid(server)
    assert_ended(first)
    assert server.postmaster_pid() is None
    with small(data_dir).own() as server:
        assert query(server, "SELECT n FROM kept") == [(7,)]
        assert running_pid(server) != first


def test_the_cluster_is_durable_private_and_independent_of_the_system(data_dir: Path) -> None:
    """Settings that durability rests on are not for a caller to change."""
    asked = {**SMALL, "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    with EmbeddedPostgres(data_dir, asked).own() as server:
        setting = dict(query(server, "SELECT name, setting FROM pg_settings"))
        assert query(
            server,
            "SELECT pg_encoding_to_char(encoding), datlocprovider::text, datlocale "
            "FROM pg_database WHERE datname = 'template1'",
        ) == [("UTF8", "b", "C.UTF-8")]
        mode = stat.S_IMODE(server.socket_dir.stat().st_mode)
    assert {name: setting[name] for name in asked if name not in SMALL} == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
    }
    assert setting["data_checksums"] == "on"
    assert setting["wal_level"] == "replica"
    assert setting["TimeZone"] == "UTC"
    assert setting["listen_addresses"] == ""
    assert mode == 0o700


@on_linux
def test_the_server_gets_nothing_of_our_environment(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUOKU_SOMETHING_SECRET", "opens the vault")
    monkeypatch.setenv("PGPORT", "1")
    with small(data_dir).own() as server:
        environment = Path(f"/proc/{running_pid(server)}/environ").read_bytes()
    assert b"vault" not in environment


def test_a_start_that_fails_says_why(data_dir: Path) -> None:
    broken = EmbeddedPostgres(data_dir, {"shared_buffers": "plenty"})
    with pytest.raises(ConfigurationError, match="shared_buffers"), broken.own():
        pass
    with small(data_dir).own() as server:  # and is mended by mending the setting
        assert query(server, "SELECT 1") == [(1,)]


def test_a_cluster_of_another_version_is_refused(data_dir: Path) -> None:
    with small(data_dir).own() as server:
        pass
    (server.cluster / "PG_VERSION").write_text("17\n")
    with pytest.raises(ConfigurationError, match="made by Postgres 17"), server.own():
        pass


def test_a_directory_of_something_else_is_not_overwritten(empty_dir: Path) -> None:
    server = small(empty_dir)
    server.cluster.mkdir()
    if os.geteuid() == 0:
        os.chown(server.cluster, 65534, 65534)
    (server.cluster / "accounts.xls").touch()
    refusal = pytest.raises(ConfigurationError, match="not empty and not a Postgres cluster")
    with refusal, server.own():
        pass
    assert (server.cluster / "accounts.xls").exists()


def test_tools_run_as_the_servers_user(data_dir: Path) -> None:
    with small(data_dir).own() as server:
        control = server.run("pg_controldata", "-D", str(server.cluster))
        assert "Data page checksum version:           1" in control
        with pytest.raises(ConfigurationError, match="pg_dump failed"):
            server.run("pg_dump", "--no-such-option")


# Who runs it


def test_a_second_owner_is_refused_and_told_who_the_first_is(data_dir: Path) -> None:
    with small(data_dir).own():
        refusal = pytest.raises(ConfigurationError, match=rf"\(pid {os.getpid()}\)")
        with refusal, small(data_dir).own():
            pass
        with small(data_dir).join() as server:
            assert query(server, "SELECT 1") == [(1,)]


def test_a_joiner_starts_and_stops_the_server_only_when_nobody_else_uses_it(
    data_dir: Path,
) -> None:
    with small(data_dir).join() as server, another_process(data_dir, "join") as other:
        pid = running_pid(server)
        wait_ready(other)
        finish(other)
        assert running_pid(server) == pid
    assert_ended(pid)

    with another_process(data_dir, "own") as owner:
        wait_ready(owner)
        with small(data_dir).join() as server:
            pid = running_pid(server)
        assert running_pid(server) == pid
        finish(owner)
    assert_ended(pid)


def test_starters_at_once_make_one_cluster_and_one_server(empty_dir: Path) -> None:
    with (
        another_process(empty_dir, "join") as a,
        another_process(empty_dir, "own") as b,
        another_process(empty_dir, "join") as c,
    ):
        for process in (a, b, c):
            wait_ready(process)
        with small(empty_dir).join() as server:
            pid = running_pid(server)
            starts = (server.cluster / "startup.log").read_text().count("redirecting log output")
            assert starts == 1
        for process in (a, c, b):
            finish(process)
    assert_ended(pid)


def test_ctrl_c_reaches_the_program_and_not_the_server(data_dir: Path) -> None:
    with another_process(data_dir, "own") as owner:
        wait_ready(owner)
        pid = running_pid(small(data_dir))
        os.killpg(owner.pid, signal.SIGINT)
        output, _ = owner.communicate(timeout=HANG_S)
    assert output == "still here\n"
    assert_ended(pid)


# Deaths


@pytest.mark.fault
def test_a_killed_owner_leaves_a_server_that_the_next_one_takes_over(data_dir: Path) -> None:
    with another_process(data_dir, "own") as owner:
        wait_ready(owner)
        pid = running_pid(small(data_dir))
        owner.kill()
        owner.wait()
    with small(data_dir).own() as server:
        assert running_pid(server) == pid
        assert query(server, "SELECT 1") == [(1,)]
    assert_ended(pid)


@pytest.mark.fault
def test_a_killed_postmaster_is_recovered_from_with_its_orphans_still_at_work(
    data_dir: Path,
) -> None:
    with small(data_dir).own() as server:
        query(server, "CREATE TABLE paid AS SELECT 1 AS n")
        busy = psycopg.connect(server.conninfo(dbname="postgres"))
        busy.execute("INSERT INTO paid VALUES (2)")  # never committed
        orphan = busy.info.backend_pid
        # Stopped, the backend cannot notice that its postmaster died: it outlives it for sure.
        os.kill(orphan, signal.SIGSTOP)
        pid = running_pid(server)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid), "the postmaster's end")
        assert server.postmaster_pid() == pid, "a stale file is part of this test"
        with another_process(data_dir, "join") as next_one:
            time.sleep(0.5)
            assert next_one.poll() is None
            assert is_alive(orphan)
            os.kill(orphan, signal.SIGCONT)
            wait_ready(next_one)
            assert query(server, "SELECT n FROM paid") == [(1,)]
            assert running_pid(server) != pid
            finish(next_one)
        busy.close()


@pytest.mark.fault
def test_a_stale_pid_file_is_seen_through_even_if_the_pid_is_somebody_elses_now(
    data_dir: Path,
) -> None:
    with small(data_dir).own() as server:
        running_pid(server)
        contents = (server.cluster / "postmaster.pid").read_text().split("\n", 1)[1]
    user = server_user.server_user(server.cluster)
    # A process of the server's own user: Postgres by itself would take it for a live postmaster.
    with subprocess.Popen(["sleep", "1000"], cwd="/", **user.popen_arguments()) as bystander:
        (server.cluster / "postmaster.pid").write_text(f"{bystander.pid}\n{contents}")
        with server.own():
            assert running_pid(server) != bystander.pid
        assert bystander.poll() is None, "nobody else's process is touched"
        bystander.kill()


@pytest.mark.fault
def test_an_interrupted_initdb_heals(empty_dir: Path) -> None:
    server = small(empty_dir)
    fresh = empty_dir / "postgres.new"
    with another_process(empty_dir, "own") as starter:
        wait_until((fresh / "PG_VERSION").exists, "initdb to be at work")
        starter.kill()
        starter.wait()
    # Either there is no cluster, or initdb was faster than the kill and there is a whole one.
    with server.own():
        assert query(server, "SELECT 1") == [(1,)]
    assert not fresh.exists()


# The socket


def test_a_long_path_has_its_socket_elsewhere_and_every_process_finds_it(
    empty_dir: Path, put_cluster: PutCluster
) -> None:
    data_dir = empty_dir / ("国" * 30)
    put_cluster(data_dir)
    assert len(os.fsencode(data_dir)) > SOCKET_DIR_BYTES_MAX
    with small(data_dir).own() as server, another_process(data_dir, "join") as other:
        assert server.socket_dir == socket_directory(data_dir)
        assert server.socket_dir.parent == Path("/tmp")
        assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
        wait_ready(other)
        finish(other)
    assert not server.socket_dir.exists()


def test_a_socket_directory_that_others_may_enter_is_refused(empty_dir: Path) -> None:
    server = small(empty_dir / ("x" * 100))
    server.socket_dir.mkdir()
    try:
        server.socket_dir.chmod(0o777)
        with pytest.raises(ConfigurationError, match="mode 0700"), server.own():
            pass
    finally:
        server.socket_dir.rmdir()


@pytest.mark.parametrize("name", ["it's a $HOME", 'a \\ "b"', "a, b"])
def test_a_path_with_signs_that_mean_something_elsewhere(empty_dir: Path, name: str) -> None:
    with small(empty_dir / name).own() as server:
        assert query(server, "SELECT 1") == [(1,)]


# As root


@as_root
def test_as_root_below_a_directory_that_only_root_may_enter(empty_dir: Path) -> None:
    private = empty_dir / "private"
    private.mkdir(mode=0o700)
    (private / "secret.txt").write_text("known only to root")
    with small(private / "data").own() as server:
        owner_uid = server.cluster.stat().st_uid
        assert owner_uid != 0
        assert query(server, "SELECT 1") == [(1,)]
    assert not private.stat().st_mode & 0o007, "others have gained nothing"
    user = server_user.server_user(server.cluster)
    assert user.uid == owner_uid, "an existing cluster keeps its user"
    assert user.may_enter(private)
    assert _run_as(user, "ls", str(private)) != 0, "the server's user may pass, not look around"
    assert not existing_user(("nobody",)).may_enter(private)


@as_root
def test_a_way_that_is_closed_meanwhile_is_opened_again(data_dir: Path) -> None:
    """Every checkpoint needs it: even the last one."""
    with small(data_dir).own() as server:
        user = server_user.server_user(server.cluster)
        data_dir.chmod(0o700)
        assert not user.may_enter(data_dir)
        with small(data_dir).join():
            assert user.may_enter(data_dir)
        query(server, "CREATE TABLE kept AS SELECT 1 AS n")
        data_dir.chmod(0o700)
    control = server.run("pg_controldata", "-D", str(server.cluster))
    assert "Database cluster state:               shut down\n" in control


@as_root
def test_without_access_lists_others_may_pass_and_not_look_around(
    empty_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_user, "_grant_search_by_acl", lambda directory, uid: False)
    inner = empty_dir / "outer" / "inner"
    inner.mkdir(parents=True)
    empty_dir.chmod(0o700)
    inner.parent.chmod(0o700)
    nobody = existing_user(("nobody",))
    changed = grant_search(nobody, inner)
    assert changed[-1] == inner.parent
    assert stat.S_IMODE(inner.parent.stat().st_mode) == 0o701
    assert _run_as(nobody, "ls", str(inner.parent)) != 0
    assert grant_search(nobody, inner) == [], "what is there is not granted again"


@as_root
def test_an_access_list_that_is_there_is_added_to(empty_dir: Path) -> None:
    first, second = existing_user(("nobody",)), existing_user(("daemon", "bin", "sys"))
    empty_dir.chmod(0o750)
    for user in (first, second):
        assert empty_dir in grant_search(user, empty_dir)
    assert first.may_enter(empty_dir)
    assert second.may_enter(empty_dir)
    assert stat.S_IMODE(empty_dir.stat().st_mode) == 0o750


@as_root
def test_the_user_to_run_as() -> None:
    assert existing_user(("no-such-user", "root", "nobody")).name == "nobody"
    with pytest.raises(ConfigurationError, match="no-such-user"):
        existing_user(("no-such-user", "root"))


@as_root
def test_a_cluster_of_root_is_refused_with_advice(empty_dir: Path) -> None:
    server = small(empty_dir)
    server.cluster.mkdir()
    with pytest.raises(ConfigurationError, match="chown"), server.own():
        pass


def test_programs_installed_under_a_strict_umask_are_opened(empty_dir: Path) -> None:
    program, text = empty_dir / "bin" / "postgres", empty_dir / "share.txt"
    program.parent.mkdir(mode=0o700)
    program.touch(0o700)
    text.touch(0o600)
    make_public(empty_dir)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (program.parent, program, text)]
    assert modes == [0o755, 0o755, 0o644]


def _run_as(user: ServerUser, *command: str) -> int:
    done = subprocess.run(
        command, cwd="/", capture_output=True, check=False, **user.popen_arguments()
    )
    return done.returncode


def test_an_owner_starts_a_server_again_that_died_alone() -> None:
    """The postmaster killed under a running owner: nobody else would bring it back."""
    with (
        TemporaryDirectory(prefix="guoku-test-") as directory,
        EmbeddedPostgres(Path(directory) / "data").own() as server,
    ):
        first = server.postmaster_pid()
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not is_alive(first), "the postmaster's end")

        def answers() -> bool:
            try:
                return query(server, "SELECT 1") == [(1,)]
            except ConfigurationError:
                return False

        wait_until(answers, "the server to be started again")
        assert server.postmaster_pid() not in (None, first)
