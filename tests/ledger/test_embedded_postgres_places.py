"""Where the embedded server keeps its socket and its files, and as whom it runs."""

import os
import signal
import stat
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ledger.errors import ConfigurationError
from ledger.postgres import server_user
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.postgres.server_user import ServerUser, existing_user, grant_search, make_public
from ledger.postgres.socket_directory import SOCKET_DIR_BYTES_MAX, socket_directory
from tests.support.embedded_clusters import (
    PutCluster,
    another_process,
    as_root,
    finish,
    is_alive,
    query,
    small,
    wait_ready,
)
from tests.support.embedded_clusters import data_dir as data_dir
from tests.support.embedded_clusters import empty_dir as empty_dir
from tests.support.embedded_clusters import put_cluster as put_cluster
from tests.support.waiting import wait_until

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
