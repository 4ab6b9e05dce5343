"""The embedded server: its life, and its lives after every kind of death."""

import os
import signal
import stat
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from ledger.errors import ConfigurationError
from ledger.postgres import server_user
from ledger.postgres.embedded import EmbeddedPostgres
from tests.support.embedded_clusters import (
    SMALL,
    another_process,
    assert_ended,
    finish,
    is_alive,
    on_linux,
    query,
    running_pid,
    small,
    wait_ready,
)
from tests.support.embedded_clusters import data_dir as data_dir
from tests.support.embedded_clusters import empty_dir as empty_dir
from tests.support.embedded_clusters import put_cluster as put_cluster
from tests.support.waiting import HANG_S, wait_until

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
