"""Verifying signatures of documents, alone or by their manifest.

A manifest's own signature is verified once and remembered, whatever number of its documents come:
what is left for each is its place among the leaves.
"""

from functools import lru_cache
from typing import NamedTuple

from ledger.errors import Refusal
from ledger.gm import Provider, PublicKey
from ledger.gm.signature import canonical
from ledger.integrity.merkle import ProvenTree, root_of
from payments.manifest import ManifestText, read_text, split_leaves
from payments.messages.envelope import VoucherSignature
from payments.messages.manifest_list import SignedManifest

MANIFESTS_REMEMBERED_MAX = 64


def signed_by(
    provider: Provider, public_key: PublicKey, message: bytes, signature: bytes, by_value: bool
) -> bool:
    """Whether it is the key's signature of the message; a bank's is read by its value, ours in its
    one encoding alone (decision 0018)."""
    read = canonical(signature) if by_value else signature
    return read is not None and provider.verify(public_key, message, read)


class _Proven(NamedTuple):
    """A manifest whose signature is good."""

    text: ManifestText
    leaves: list[bytes]
    tree: ProvenTree


class Verifier:
    """Verifies with one provider; safe between threads."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._proven = lru_cache(MANIFESTS_REMEMBERED_MAX)(self._prove)

    def verifies(
        self,
        public_key: PublicKey,
        document: bytes,
        signature: VoucherSignature,
        *,
        owner: str,
        role: str,
        digest: bytes,
        by_value: bool = False,
    ) -> bool:
        """Whether the key's holder signed these bytes.

        Args:
            public_key: that of the signature's certificate.
            owner, role: what a manifest must say of itself. A document's own signature says
                neither, so nothing is asked of it.
            digest: the document's SM3, which the caller has made.
            by_value: whether a bank made it, so that its encoding may be padded.
        """
        manifest = signature.manifest
        if manifest is None:
            return signed_by(self._provider, public_key, document, signature.value, by_value)
        proven = self._proven(public_key, manifest, by_value)
        if proven is None or (proven.text.owner, proven.text.role) != (owner, role):
            return False
        leaf = proven.text.leaf(document, digest)
        if not proven.leaves:
            return proven.tree.proves(leaf, signature.leaf, signature.path)
        return (
            not signature.path
            and signature.leaf < len(proven.leaves)
            and proven.leaves[signature.leaf] == leaf
        )

    def _prove(
        self, public_key: PublicKey, manifest: SignedManifest, by_value: bool
    ) -> _Proven | None:
        """The manifest, or None if its text, signature or leaves are not sound."""
        text_bytes = manifest.text.encode()
        if not signed_by(self._provider, public_key, text_bytes, manifest.value, by_value):
            return None
        try:
            text = read_text(manifest.text)
        except Refusal:
            return None
        leaves = split_leaves(manifest.leaves)
        if leaves and (len(leaves) != text.leaf_count or root_of(leaves) != text.root):
            return None
        return _Proven(text, leaves, ProvenTree(text.leaf_count, text.root))
