"""The system user that the embedded server runs as, when the program itself runs as root.

Postgres refuses to run as root, rightly. Started by root (a container, a small server), it runs as
an unprivileged user instead, and that user must be able to reach its files: the way to them may
lead through directories that only root may enter. Why it is done thus: docs/decisions/0002.
"""

import logging
import os
import pwd
import shutil
import stat
import struct
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.errors import ConfigurationError

_log = logging.getLogger(__name__)

DEDICATED_USER = "embedded_postgres"
FALLBACK_USERS = ("postgres", "nobody")
USERADD_TIMEOUT_S = 30

_ACL_XATTR = "system.posix_acl_access"
_ACL_VERSION = 2
_ACL_HEADER, _ACL_ENTRY = struct.Struct("<I"), struct.Struct("<HHI")
_USER_OBJ, _USER, _GROUP_OBJ, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NO_ID = 0xFFFFFFFF
_SEARCH = 1


@dataclass(frozen=True, slots=True)
class ServerUser:
    """Whom the server's processes run as. ``switch`` is false when that is ourselves."""

    name: str
    uid: int
    gid: int
    switch: bool

    def popen_arguments(self) -> dict[str, Any]:
        """Keyword arguments that make ``subprocess`` start a program as this user, with no group
        of the caller's kept."""
        if not self.switch:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def may_enter(self, directory: Path) -> bool:
        """Whether this user can reach and search ``directory``; asked of the kernel, as that user,
        because mode bits alone do not tell (access lists, mount options)."""
        asked = subprocess.run(
            ["/bin/sh", "-c", 'cd -- "$1"', "sh", os.fspath(directory)],
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            **self.popen_arguments(),
        )
        return asked.returncode == 0


def server_user(cluster: Path) -> ServerUser:
    """The user for the server of ``cluster`` (a directory, existing or to be made).

    An existing cluster keeps its owner, so that a restart, a copy, or a first start by another
    user never changes hands.

    Raises:
        ConfigurationError: the cluster belongs to somebody whom we cannot become, or no
            unprivileged user can be had.
    """
    owner_uid = cluster.stat().st_uid if cluster.exists() else None
    if os.geteuid() != 0:
        return _current_user(cluster, owner_uid)
    if owner_uid is None:
        return _dedicated_user() or existing_user((DEDICATED_USER, *FALLBACK_USERS))
    if owner_uid == 0:
        raise ConfigurationError(
            f"{cluster} belongs to root, and Postgres does not run as root: "
            "give it to an unprivileged user with chown -R"
        )
    try:
        owner = pwd.getpwuid(owner_uid)
    except KeyError:
        raise ConfigurationError(
            f"{cluster} belongs to user id {owner_uid}, which this system does not know"
        ) from None
    return ServerUser(owner.pw_name, owner.pw_uid, owner.pw_gid, switch=True)


def existing_user(names: Iterable[str]) -> ServerUser:
    """The first of ``names`` that the system knows and that is not root.

    Raises:
        ConfigurationError: there is none.
    """
    tried = []
    for name in names:
        tried.append(name)
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return ServerUser(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)
    raise ConfigurationError(
        "started by root, Postgres needs an unprivileged user to run as; none of "
        f"{', '.join(tried)} exists and useradd made none"
    )


def grant_search(user: ServerUser, directory: Path) -> list[Path]:
    """Lets ``user`` search every directory on the way to ``directory``, itself included.

    Only what is missing is granted, and only the search right: nobody gains a listing. Returns the
    directories that were changed, outermost first.

    Raises:
        ConfigurationError: it cannot be had (a read-only or foreign file system).
    """
    changed: list[Path] = []
    if not user.switch or user.may_enter(directory):
        return changed
    for step in (*reversed(directory.parents), directory):
        if user.may_enter(step):
            continue
        try:
            if not _grant_search_by_acl(step, user.uid):
                step.chmod(stat.S_IMODE(step.stat().st_mode) | stat.S_IXOTH)
        except OSError as error:
            raise ConfigurationError(
                f"user {user.name}, whom Postgres runs as, may not enter {step}: {error.strerror}"
            ) from error
        _log.info("gave user %s the right to search %s", user.name, step)
        changed.append(step)
    if not user.may_enter(directory):
        raise ConfigurationError(
            f"user {user.name}, whom Postgres runs as, cannot reach {directory}"
        )
    return changed


def make_public(tree: Path) -> None:
    """Gives everybody the reading of a tree of programs (installed under a strict umask); nothing
    if there is no such tree."""
    for path in (tree, *tree.rglob("*")):
        if path.is_symlink() or not path.exists():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = mode | 0o444 | (0o111 if mode & stat.S_IXUSR else 0)
        if wanted != mode:
            path.chmod(wanted)


def private_directory(directory: Path, user: ServerUser) -> None:
    """Makes a directory that only ``user`` (and root) may enter, or checks that it is one.

    The server trusts whoever reaches its socket, so this directory is its only lock.

    Raises:
        ConfigurationError: something else is there.
    """
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        if user.switch:
            os.chown(directory, user.uid, user.gid)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != user.uid or found.st_mode & 0o077:
        raise ConfigurationError(
            f"{directory} must be a directory of user {user.name} with mode 0700: remove it"
        )


def _current_user(cluster: Path, owner_uid: int | None) -> ServerUser:
    uid = os.geteuid()
    if owner_uid not in (None, uid):
        raise ConfigurationError(
            f"{cluster} belongs to another user (id {owner_uid}): run as that user or as root"
        )
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        raise ConfigurationError(
            f"user id {uid} has no entry in the system's user list, which Postgres needs"
        ) from None
    return ServerUser(name, uid, os.getegid(), switch=False)


def _dedicated_user() -> ServerUser | None:
    """A user for this purpose alone, made if need be; None where that cannot be done."""
    try:
        pwd.getpwnam(DEDICATED_USER)
    except KeyError:
        program = shutil.which("useradd")
        if program is None:
            return None
        # A system account: systemd removes the shared memory of others when they log out.
        made = subprocess.run(
            [program, "--system", "--user-group", "--no-create-home", "--shell", "/bin/false",
             DEDICATED_USER],
            stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=USERADD_TIMEOUT_S,
        )  # fmt: skip
        if made.returncode != 0:
            # Another process may have made it in between; if not, the caller falls back.
            _log.info(
                "useradd made no %s: %s", DEDICATED_USER, made.stderr.decode(errors="replace")
            )
            return None
    return existing_user((DEDICATED_USER,))


def _grant_search_by_acl(directory: Path, uid: int) -> bool:
    """Adds ``user:uid:x`` to the directory's POSIX access list; False where there are none.

    The binary form is that of the Linux kernel (``posix_acl_xattr.h``): a version, then entries
    (tag, permissions, id) in order of tag and id.
    """
    if sys.platform != "linux":
        return False
    mode = directory.stat().st_mode
    entries = {
        (_USER_OBJ, _NO_ID): mode >> 6 & 7,
        (_GROUP_OBJ, _NO_ID): mode >> 3 & 7,
        (_OTHER, _NO_ID): mode & 7,
    }
    try:
        raw = os.getxattr(directory, _ACL_XATTR)
    except OSError:
        raw = b""  # no list yet, or none possible: the write below tells
    if raw:
        body = _ACL_ENTRY.iter_unpack(raw[_ACL_HEADER.size :])
        entries = {(tag, who): permissions for tag, permissions, who in body}
    entries[_USER, uid] = entries.get((_USER, uid), 0) | _SEARCH
    # The mask bounds every named entry. Without one yet it must not widen what the group has.
    mask = entries.get((_MASK, _NO_ID), entries[_GROUP_OBJ, _NO_ID])
    entries[_MASK, _NO_ID] = mask | _SEARCH
    packed = b"".join(_ACL_ENTRY.pack(tag, entries[tag, who], who) for tag, who in sorted(entries))
    try:
        os.setxattr(directory, _ACL_XATTR, _ACL_HEADER.pack(_ACL_VERSION) + packed)
    except OSError:
        return False
    return True
