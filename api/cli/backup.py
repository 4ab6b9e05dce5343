"""Copies of an embedded server's data directory: cluster (pg_basebackup), keys, checkpoint files.

In a backup: ``postgres/`` (a cluster with the log it needs and a manifest of digests), ``keys/``
and ``checkpoints/``. A backup therefore is as secret as the data directory itself.
"""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from api.settings import Settings
from ledger.errors import ConfigurationError
from ledger.postgres.embedded import PORT, SUPERUSER, EmbeddedPostgres
from ledger.postgres.file_lock import open_lock, try_lock
from ledger.postgres.server_user import ServerUser, grant_search, server_user
from ledger.sealing.epoch_mark import ClusterMark, read_mark, write_mark

CLUSTER, KEYS, CHECKPOINTS = "postgres", "keys", "checkpoints"


def back_up(settings: Settings, directory: Path) -> int:
    """Copies the data of ``settings.data`` while its server runs, verifies the copy, and gives its
    size in bytes.

    Raises:
        ConfigurationError: the database is not the embedded one, the directory is not empty or
            cannot be written, or the copy does not verify.
    """
    _require_embedded(settings)
    directory = directory.expanduser().resolve()
    with EmbeddedPostgres(settings.data).join() as server:
        user = server_user(server.cluster)
        copy = _new_cluster_directory(directory, user)
        # Before the cluster: what they remember is then in the copy.
        checkpoints = settings.checkpoints_path.resolve()
        if checkpoints.exists():
            shutil.copytree(checkpoints, directory / CHECKPOINTS)
        server.run(
            "pg_basebackup", "-D", os.fspath(copy), "-h", os.fspath(server.socket_dir),
            "-p", str(PORT), "-U", SUPERUSER, "--wal-method=stream", "--checkpoint=fast",
            "--manifest-checksums=SHA256",
        )  # fmt: skip
        # After the cluster: every certificate in it then finds its key in the copy.
        keys = server.data_dir / KEYS
        if keys.exists():
            shutil.copytree(keys, directory / KEYS, ignore=shutil.ignore_patterns("*.lock"))
            (directory / KEYS).chmod(0o700)
        server.run("pg_verifybackup", "--quiet", os.fspath(copy))
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())


def restore(settings: Settings, directory: Path) -> None:
    """Puts a backup into ``settings.data``, which may not hold a cluster or keys yet, and starts
    the server once, so that it recovers to the end of the backup.

    Raises:
        ConfigurationError: it is no backup, the data directory is in use or not empty, or the
            server does not start from it.
    """
    _require_embedded(settings)
    directory = directory.expanduser().resolve()
    if not (directory / CLUSTER / "backup_manifest").is_file():
        raise ConfigurationError(
            f"{directory} is not a backup: it has no {CLUSTER}/backup_manifest"
        )
    data = settings.data.expanduser().resolve()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open_lock(data / "owner.lock") as owner, open_lock(data / "turn.lock") as turn:
        if not try_lock(owner) or not try_lock(turn):
            raise ConfigurationError(f"the data directory {data} is in use by another process")
        for name in (CLUSTER, KEYS):
            if (data / name).exists():
                raise ConfigurationError(f"{data / name} exists: restore into an empty directory")
        _copy_in(directory, data)
    mark = read_mark(settings.mark_path) or ClusterMark()
    told = f"{directory}, made at {_made_at(directory)}"
    write_mark(settings.mark_path, msgspec.structs.replace(mark, restored=told))
    server = EmbeddedPostgres(data)
    with server.join():
        pass


def _copy_in(directory: Path, data: Path) -> None:
    """Beside the final place, then renames: what an interrupted one left is cleared by the next."""
    user = server_user(data / CLUSTER)
    fresh = data / f"{CLUSTER}.new"
    if fresh.exists():
        shutil.rmtree(fresh)
    shutil.copytree(directory / CLUSTER, fresh, symlinks=True)
    for path in (fresh, *fresh.rglob("*")):
        if user.switch:
            os.chown(path, user.uid, user.gid, follow_symlinks=False)
    fresh.chmod(0o700)
    if (directory / KEYS).exists():
        shutil.copytree(directory / KEYS, data / KEYS)
        (data / KEYS).chmod(0o700)
    _copy_missing(directory / CHECKPOINTS, data / CHECKPOINTS)
    os.sync()  # all of it is on disk before its name says so
    fresh.rename(data / CLUSTER)


def _copy_missing(source: Path, target: Path) -> None:
    """Checkpoint files that are not there; those that are may remember more than the backup."""
    if not source.exists():
        return
    target.mkdir(mode=0o700, exist_ok=True)
    for file in source.iterdir():
        if not (target / file.name).exists():
            shutil.copy2(file, target / file.name)


def _made_at(directory: Path) -> str:
    """When a backup was made, in UTC."""
    made = (directory / CLUSTER / "backup_manifest").stat().st_mtime
    return datetime.fromtimestamp(made, UTC).isoformat(timespec="seconds")


def _new_cluster_directory(directory: Path, user: ServerUser) -> Path:
    """Makes ``directory`` for us and in it the place that the server's user may write to."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise ConfigurationError(f"{directory} is not empty")
        copy = directory / CLUSTER
        copy.mkdir(mode=0o700)
        if user.switch:
            os.chown(copy, user.uid, user.gid)
    except OSError as error:
        raise ConfigurationError(f"{directory} cannot be used: {error.strerror}") from error
    grant_search(user, directory)
    return copy


def _require_embedded(settings: Settings) -> None:
    if settings.dsn is not None:
        raise ConfigurationError(
            "GUOKU_DSN names a server of yours: back it up with its own means (pg_basebackup, "
            "pgBackRest); this command copies the embedded server only"
        )
