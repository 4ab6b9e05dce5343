"""The mark of a cluster, beside its data: which one it was, and in which epoch of its history.

Checkpoints do not show everything: a backup that was put back, a standby that was promoted, another
cluster in the place of the one that was there. The mark is made when a data directory first meets
its database, and again when a loss is accepted.
"""

from pathlib import Path
from typing import LiteralString

import msgspec
import psycopg

from ledger.deciding.losses import Losses

_CLUSTER: LiteralString = (
    "SELECT (pg_control_system()).system_identifier::text,"
    " ('x' || lpad(substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), 8, '0'))::bit(32)::int"
)


class ClusterMark(msgspec.Struct, frozen=True, omit_defaults=True):
    """A cluster and an epoch.

    Attributes:
        system_identifier, timeline: as Postgres has them; a promotion begins another timeline.
        epoch, epoch_name: the last loss that was accepted, 0 and "" before the first.
        restored: from which backup the data was put back, where nobody has said since what that
            has cost.
    """

    system_identifier: str = ""
    timeline: int = 0
    epoch: int = 0
    epoch_name: str = ""
    restored: str = ""


def cluster_of(connection: psycopg.Connection, losses: Losses) -> ClusterMark:
    """The mark that the connected database would have."""
    row = connection.execute(_CLUSTER).fetchone()
    assert row is not None
    return ClusterMark(row[0], row[1], losses.epoch, losses.epoch_name)


def read_mark(path: Path) -> ClusterMark | None:
    """The mark beside the data; None before the first."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=ClusterMark)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError:
        return ClusterMark(restored=f"an unreadable {path.name}")


def write_mark(path: Path, mark: ClusterMark) -> None:
    """At once: a kill leaves the former one or this."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".draft")
    draft.write_bytes(msgspec.json.encode(mark))
    draft.replace(path)


def mark_fault(mark: ClusterMark, cluster: ClusterMark) -> str:
    """Why a history may have lost its tail, by its mark; "" where it has not."""
    if mark.restored:
        return f"the data was restored from {mark.restored}"
    if mark.epoch > cluster.epoch or (
        mark.epoch == cluster.epoch and mark.epoch_name != cluster.epoch_name
    ):
        return f"the database is of epoch {cluster.epoch}, and the data of {mark.epoch}"
    if cluster.epoch > mark.epoch:
        return ""  # somebody else has accepted what there was
    if mark.system_identifier != cluster.system_identifier:
        return "it is another database cluster than the one that was here"
    if cluster.timeline != mark.timeline:
        return (
            f"the cluster is on timeline {cluster.timeline}, and was on {mark.timeline}: a standby"
            " was promoted, or it was recovered to a point in time"
        )
    return ""
