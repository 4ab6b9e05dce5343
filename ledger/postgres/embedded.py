"""A real Postgres from a wheel, run in the user's data directory, so that one command runs all.

In the data directory::

    postgres/        the cluster (PGDATA), with its log/
    postgres.conf    our settings, written at each start; the cluster's postgresql.conf includes it
    socket/          the unix socket (under /tmp where the path would be too long); there is no TCP
    turn.lock        held for the short time in which a process starts or stops the server
    users.lock       shared by every process that uses the server; the last one out stops it
    owner.lock       held by the owner (`guoku up`)
    postgres.lock    held by the server's processes themselves

The locks are ``flock`` locks: the kernel releases them however a process ends. ``postgres.lock``
is inherited by the postmaster and its backends (and by initdb), so it tells whether any of them
lives without trusting a process id in a file, which may be stale or belong to somebody else by now.
See docs/decisions/0002.
"""

import logging
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Self

from psycopg import pq
from psycopg.conninfo import make_conninfo

from ledger.errors import ConfigurationError
from ledger.postgres import wheel
from ledger.postgres.file_lock import (
    open_lock,
    polls,
    release_lock,
    share_lock,
    try_lock,
    wait_for_lock,
)
from ledger.postgres.server_user import ServerUser, grant_search, private_directory, server_user
from ledger.postgres.socket_directory import socket_directory
from ledger.postgres.supervision import supervised
from ledger.postgres.vanished import refuse_where_one_was, told_of

_log = logging.getLogger(__name__)

SUPERUSER = "postgres"
DATABASE = "guoku"
PORT = 5432  # only a part of the socket's name
MAJOR_VERSION = "18"

INITDB_TIMEOUT_S = 300
START_TIMEOUT_S = 900  # crash recovery replays up to max_wal_size of log, and then some
STOP_TIMEOUT_S = 300  # a fast shutdown writes all dirty pages first
TURN_TIMEOUT_S = INITDB_TIMEOUT_S + START_TIMEOUT_S + STOP_TIMEOUT_S
LOCK_RELEASE_TIMEOUT_S = 30

LOG_TAIL_LINES = 20

_SETTINGS = {
    "shared_buffers": "256MB",
    "max_connections": "100",
    "max_wal_size": "4GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "track_io_timing": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "datestyle": "ISO, YMD",
    # Messages without their DETAIL and CONTEXT: those show row values, here payees' accounts.
    "log_error_verbosity": "terse",
    "log_line_prefix": "%m [%p] %q%u@%d/%a ",
    # One file a weekday, each begun anew after a week: the log is bounded.
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgres-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
}
# What an acknowledgement stands on. Written last: no caller's setting overrides it.
_DURABILITY = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "replica",
}


class EmbeddedPostgres:
    """The server of one data directory.

    Args:
        data_dir: the directory; made (0700) when missing.
        settings: Postgres settings that replace ours, for the case that this process starts the
            server. Those that durability rests on cannot be replaced.
    """

    def __init__(self, data_dir: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir.expanduser().resolve()
        self.cluster = self.data_dir / "postgres"
        self.socket_dir = socket_directory(self.data_dir)
        self._settings = {**_SETTINGS, **(settings or {})}
        self._user: ServerUser | None = None
        self._has_run = False
        self.trouble = ""  # why it is not started again, for a person to resolve

    def __repr__(self) -> str:
        return f"<EmbeddedPostgres {self.data_dir}>"

    @contextmanager
    def own(self) -> Iterator[Self]:
        """Runs the server for the length of the block: starts it, or takes over the one that a
        killed owner left running, starts it again if it dies alone, and stops it at the end.

        Raises:
            ConfigurationError: another process owns it, or it cannot be started.
        """
        with self._lock("owner") as lock:
            if not try_lock(lock):
                pid = os.pread(lock, 32, 0).decode(errors="replace").strip()
                raise ConfigurationError(
                    f"the data directory {self.data_dir} is in use by another process (pid {pid})"
                )
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
            with self._using(stop_at_end=True), supervised(self._is_alive, self._restart):
                yield self

    def _is_alive(self) -> bool:
        """Whether the postmaster listens.

        Asked every second beside the work, so not by ``_ping``: libpq's holds the interpreter until
        the server has answered, and everybody in this process waits with it.
        """
        with socket.socket(socket.AF_UNIX) as asking:
            try:
                asking.connect(str(self.socket_dir / f".s.PGSQL.{PORT}"))
            except BlockingIOError:  # its queue is full: it is busy, not gone
                return True
            except OSError:
                return False
        return True

    def _restart(self) -> None:
        self.trouble = ""
        with self._turn(), told_of(self):
            self._ensure_running()

    @contextmanager
    def join(self) -> Iterator[Self]:
        """Uses the server for the length of the block: the running one, or one started for it.
        At the end it is stopped unless an owner or another process uses it.

        Raises:
            ConfigurationError: it cannot be started.
        """
        with self._using(stop_at_end=False):
            yield self

    def conninfo(self, *, user: str = SUPERUSER, dbname: str = DATABASE) -> str:
        """The libpq connection string of a database of this server."""
        return make_conninfo(host=str(self.socket_dir), port=PORT, user=user, dbname=dbname)

    def postmaster_pid(self) -> int | None:
        """The process id in ``postmaster.pid``; None when there is no such file."""
        try:
            return int((self.cluster / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None

    def run(self, program: str, *arguments: str, timeout_s: int | None = None) -> str:
        """Runs one of the wheel's programs (``pg_basebackup``, ``pg_dump``, …) as the server's
        system user and gives what it printed. Valid inside ``own`` and ``join``.

        Raises:
            ConfigurationError: it failed or took longer than ``timeout_s``; with its last words.
        """
        return self._run([wheel.program(program), *arguments], timeout_s)

    @contextmanager
    def _using(self, *, stop_at_end: bool) -> Iterator[None]:
        with self._lock("users") as users:
            share_lock(users)
            try:
                with self._turn():
                    self._ensure_running()
                yield
            finally:
                with self._turn():
                    release_lock(users)
                    if stop_at_end or try_lock(users):
                        self._stop()

    def _lock(self, name: str) -> AbstractContextManager[int]:
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"the data directory {self.data_dir} cannot be used: {error.strerror}"
            ) from error
        return open_lock(self.data_dir / f"{name}.lock")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._lock("turn") as lock:
            if not wait_for_lock(lock, TURN_TIMEOUT_S):
                raise ConfigurationError(
                    f"another process has been starting or stopping the server in {self.data_dir} "
                    f"for more than {TURN_TIMEOUT_S} s"
                )
            yield

    def _ensure_running(self) -> None:
        self._user = server_user(self.cluster)
        grant_search(self._user, self.data_dir)
        launched = False
        for _ in polls(START_TIMEOUT_S):
            match self._ping():
                case pq.Ping.OK:
                    self._has_run = True
                    return
                case pq.Ping.NO_RESPONSE:
                    with self._lock("postgres") as lock:
                        # Held: it is about to listen, or backends of a killed postmaster still end.
                        if not try_lock(lock):
                            continue
                        if launched:
                            raise ConfigurationError(f"Postgres did not start\n{self._log_tail()}")
                        self._launch(lock)
                        launched = True
                case pq.Ping.REJECT:  # it recovers from a crash, or shuts down
                    continue
                case refused:
                    raise ConfigurationError(f"the socket {self.socket_dir} is unusable: {refused}")
        raise ConfigurationError(
            f"Postgres was not ready within {START_TIMEOUT_S} s\n{self._log_tail()}"
        )

    def _ping(self) -> pq.Ping:
        return pq.Ping(pq.PGconn.ping(self.conninfo(dbname=SUPERUSER).encode()))

    def _launch(self, lock: int) -> None:
        """Starts the postmaster and hands it ``lock``, which we hold: nothing of it is alive."""
        self._prepare()
        if not (self.cluster / "PG_VERSION").exists():
            refuse_where_one_was(self.data_dir, self.cluster, has_run=self._has_run)
            self._create_cluster(lock)
        version = (self.cluster / "PG_VERSION").read_text().strip()
        if version != MAJOR_VERSION:
            raise ConfigurationError(
                f"{self.cluster} was made by Postgres {version}, this program has {MAJOR_VERSION}: "
                "move the data with pg_dump and pg_restore"
            )
        # Nobody of this cluster lives (we hold the lock), so what the dead left is stale, even if
        # their process ids live on (as somebody else's, or as zombies) and would mislead Postgres.
        for stale in (self.cluster / "postmaster.pid", *self.socket_dir.iterdir()):
            stale.unlink(missing_ok=True)
        # In the background of a shell that ends at once, so that the server is nobody's child here;
        # pg_ctl does the same, but its shell trips over a quote or a dollar in the path.
        log, postgres = os.fspath(self.cluster / "startup.log"), wheel.program("postgres")
        in_background = ["/bin/sh", "-c", '"$@" >> "$0" 2>&1 &', log, postgres]
        self._run([*in_background, "-D", os.fspath(self.cluster)], START_TIMEOUT_S, inherit=lock)

    def _prepare(self) -> None:
        """Everything around the cluster that a start needs and that may have changed since the
        last one: rights to the programs, the socket's directory, our settings."""
        assert self._user is not None
        wheel.make_programs_usable_by(self._user)
        private_directory(self.socket_dir, self._user)
        settings = {
            **self._settings,
            **_DURABILITY,
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": '"' + str(self.socket_dir).replace('"', '""') + '"',
            "unix_socket_permissions": "0700",
            "wal_compression": "lz4" if self._has_lz4() else "off",
        }
        lines = ["# Written by guoku at each start; changes here are lost."]
        lines += [f"{name} = {_quoted(value)}" for name, value in settings.items()]
        # Beside the one in use, which a full disk would leave cut short.
        draft = self.data_dir / "postgres.conf.new"
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
        draft.chmod(0o644)
        draft.replace(self.data_dir / "postgres.conf")

    def _has_lz4(self) -> bool:
        return "--with-lz4" in self.run("pg_config", "--configure")

    def _create_cluster(self, lock: int) -> None:
        """initdb beside the final place, then a rename: an interrupted one leaves no half cluster.
        initdb holds ``lock`` too, so one orphaned by a kill is waited for before the next."""
        assert self._user is not None
        if self.cluster.exists() and any(self.cluster.iterdir()):
            raise ConfigurationError(f"{self.cluster} is not empty and not a Postgres cluster")
        fresh = self.data_dir / "postgres.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        private_directory(fresh, self._user)
        # Postgres's own collation: an upgrade of the C library cannot change the order of an index.
        self._run(
            [
                wheel.program("initdb"), "-D", os.fspath(fresh),
                f"--username={SUPERUSER}", "--auth=trust", "--encoding=UTF8", "--locale=C",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--data-checksums",
            ],
            INITDB_TIMEOUT_S,
            inherit=lock,
        )  # fmt: skip
        # Written as the server's user: root must not write where another user may plant links.
        include = "printf '%s\\n' \"include_if_exists = '../postgres.conf'\" >> \"$1\""
        self._run(["/bin/sh", "-c", include, "sh", os.fspath(fresh / "postgresql.conf")], 60)
        _sync(fresh / "postgresql.conf")  # the rest initdb has synced
        fresh.rename(self.cluster)
        _sync(self.data_dir)

    def _stop(self) -> None:
        """Fast shutdown: ends all sessions and writes a checkpoint."""
        for _ in polls(LOCK_RELEASE_TIMEOUT_S):
            if self._ping() is not pq.Ping.NO_RESPONSE:
                break
            if self._wait_for_end(0):
                return
        else:
            return  # orphans of a killed postmaster: nobody is there to be told
        if self._user is not None and self.data_dir.exists():
            # Closed since the start (a chmod), the way would fail the server's last checkpoint.
            grant_search(self._user, self.data_dir)
        self._signal_postmaster(signal.SIGINT)
        if not self._wait_for_end(STOP_TIMEOUT_S):
            # Immediate: as after a power cut. The next start recovers; nothing committed is lost.
            _log.warning("Postgres did not stop within %d s: stopping it at once", STOP_TIMEOUT_S)
            self._signal_postmaster(signal.SIGQUIT)
            self._wait_for_end(LOCK_RELEASE_TIMEOUT_S)
        if self.socket_dir.parent != self.data_dir:
            shutil.rmtree(self.socket_dir, ignore_errors=True)

    def _signal_postmaster(self, number: signal.Signals) -> None:
        pid = self.postmaster_pid()  # it has just answered, so the file is its own
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _wait_for_end(self, timeout_s: float) -> bool:
        """Whether every process of the server has ended within the time."""
        with self._lock("postgres") as lock:
            return wait_for_lock(lock, timeout_s)

    def _run(self, command: list[str], timeout_s: int | None, inherit: int | None = None) -> str:
        assert self._user is not None, "only inside own() or join()"
        try:
            done: subprocess.CompletedProcess[bytes] = subprocess.run(
                command,
                cwd="/",
                # Nothing of our environment: it may hold secrets, or PG* variables that mislead.
                env={"PATH": os.defpath, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=timeout_s,
                pass_fds=() if inherit is None else (inherit,),
                # Ctrl-C in a terminal is for us; we stop the server in our own order.
                start_new_session=True,
                **self._user.popen_arguments(),
            )
        except subprocess.TimeoutExpired:
            raise ConfigurationError(f"{command[0]} took more than {timeout_s} s") from None
        if done.returncode != 0:
            last_words = done.stderr.decode(errors="replace").strip()
            raise ConfigurationError(
                f"{Path(command[0]).name} failed: {last_words}\n{self._log_tail()}"
            )
        return done.stdout.decode()

    def _log_tail(self) -> str:
        """The end of what the server wrote before its log was open, and of its newest log."""
        logs = sorted((self.cluster / "log").glob("*.log"), key=lambda log: log.stat().st_mtime)
        tail: list[str] = []
        for log in (self.cluster / "startup.log", *logs[-1:]):
            if log.exists():
                tail += log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        return "\n".join(tail)


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
