"""Signatures as they travel: with what a document of a manifest needs to verify alone."""

import base64
import threading
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import psycopg

from ledger.errors import IntegrityError
from ledger.integrity.merkle import Tree
from ledger.reading.documents import open_document
from ledger.reading.objects import read_bodies, read_objects
from payments.events import VoucherReceipted, VoucherSigned
from payments.manifest import MANIFEST, Manifest, split_leaves
from payments.messages.envelope import VoucherSignature
from payments.messages.manifest_list import SignedManifest

PROOFS_KEPT_MAX = 16  # of 5,000 leaves each they are 40 MB


class Proofs(NamedTuple):
    """A manifest of the books, and the path of every leaf."""

    manifest: SignedManifest
    paths: list[bytes]


def read_proofs(
    connection: psycopg.Connection, ledger_id: int, manifest_nos: Iterable[str]
) -> dict[str, Proofs]:
    """The proofs of these manifests by number, "" left out.

    Raises:
        IntegrityError: an event names a manifest, or a manifest names leaves, that are not stored
            as they were signed.
    """
    wanted = {number for number in manifest_nos if number}
    if not wanted:
        return {}
    manifests: dict[str, Manifest] = read_objects(connection, ledger_id, MANIFEST, wanted)
    if missing := wanted - manifests.keys():
        raise IntegrityError(f"manifest {missing.pop()} is named by an event and not in the books")
    digests = {bytes.fromhex(manifest.signed.leaves_sm3) for manifest in manifests.values()}
    bodies = read_bodies(connection, ledger_id, digests)
    return {number: _proofs(manifest, bodies) for number, manifest in manifests.items()}


def _proofs(manifest: Manifest, bodies: Mapping[bytes, bytes]) -> Proofs:
    signed, digest = manifest.signed, bytes.fromhex(manifest.signed.leaves_sm3)
    if digest not in bodies:
        raise IntegrityError(f"the leaves of manifest {signed.manifest_no} are not in the store")
    tree = Tree(split_leaves(open_document(digest, bodies[digest])))
    if tree.root != manifest.text.root or len(tree) != manifest.text.leaf_count:
        raise IntegrityError(f"manifest {signed.manifest_no} is not over its leaves")
    value = base64.b64decode(signed.signature)
    return Proofs(SignedManifest(text=signed.text, value=value), tree.inclusion_paths())


def travelling_signature(
    signed: VoucherSigned | VoucherReceipted, no: str, proofs: Mapping[str, Proofs]
) -> VoucherSignature:
    """A signature of the books as it stands in an envelope.

    Args:
        no: the role, as the envelope says it.
        proofs: of the manifest that the event names, if it names one.
    """
    if not signed.manifest_no:
        value = base64.b64decode(signed.signature)
        return VoucherSignature(no=no, sn=signed.cert_serial, value=value)
    manifest, paths = proofs[signed.manifest_no]
    return VoucherSignature(
        no=no,
        sn=signed.cert_serial,
        manifest=manifest,
        leaf=signed.leaf,
        path=paths[signed.leaf],
    )


class ProofReader:
    """Reads proofs and keeps the last ones: the vouchers of a manifest go out in many messages.

    Safe between threads. What is kept cannot change, for manifests are signed.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str], Proofs] = {}
        self._lock = threading.Lock()

    def read(
        self, connection: psycopg.Connection, ledger_id: int, manifest_nos: Iterable[str]
    ) -> dict[str, Proofs]:
        """As :func:`read_proofs`."""
        wanted = {number for number in manifest_nos if number}
        with self._lock:
            found = {n: self._kept[ledger_id, n] for n in wanted if (ledger_id, n) in self._kept}
        found |= read_proofs(connection, ledger_id, wanted - found.keys())
        with self._lock:
            for number in wanted:
                self._kept.pop((ledger_id, number), None)  # it goes to the end
                self._kept[ledger_id, number] = found[number]
            while len(self._kept) > PROOFS_KEPT_MAX:
                del self._kept[next(iter(self._kept))]
        return found
