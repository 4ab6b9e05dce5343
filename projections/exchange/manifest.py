"""The manifest of an export as it is read: names, signature, and the key behind it."""

import base64
import binascii
import re
from pathlib import Path
from typing import Any

import msgspec

from ledger.errors import GuokuError, IntegrityError
from ledger.gm import Provider, PublicKey
from projections.exchange import files
from projections.exchange.format import (
    CERTIFICATES,
    CHECKPOINTS,
    FORMAT,
    MANIFEST,
    PLAIN,
    SIGNATURE,
    CertificateLine,
    ExportManifest,
)

_COMPANION = re.compile(r"parquet/[a-z_]{1,40}\.parquet|xml/[a-z_]{1,40}\.xml", re.ASCII)


def read_manifest(directory: Path, provider: Provider) -> tuple[ExportManifest, str, PublicKey]:
    """The manifest, the name in its signature and the key that this verifies with.

    The key is the one the export itself names: that it is the operator's, a person has to know
    from elsewhere.

    Raises:
        IntegrityError: no export, one of another format, a name that leads out of the directory,
            or a signature that does not verify.
    """
    content = files.read_small(directory, MANIFEST)
    manifest = decoded(MANIFEST, msgspec.json.Decoder(ExportManifest), content)
    if manifest.format != FORMAT:
        raise IntegrityError(f"{MANIFEST} is of the format {manifest.format[:40]!r}")
    _check_names(manifest)
    name, _, encoded = files.read_small(directory, SIGNATURE, 4096).decode("latin-1").partition(" ")
    try:
        signature = base64.b64decode(encoded.rstrip("\n"), validate=True)
    except (binascii.Error, ValueError):
        raise IntegrityError(f"{SIGNATURE} is no name and signature") from None
    for public_key in _keys_of(directory, manifest, name):
        if provider.verify(public_key, content, signature):
            return manifest, name, public_key
    raise IntegrityError(f"the signature of {name[:80]!r} is not over this {MANIFEST}")


def _check_names(manifest: ExportManifest) -> None:
    """Every name is one that an export has: none leads out of the directory."""
    names = [entry.name for entry in manifest.files]
    for name in names:
        if name not in (*PLAIN, CHECKPOINTS) and not _COMPANION.fullmatch(name):
            raise IntegrityError(f"{MANIFEST} names {name[:80]!r}, which no export has")
    if len(set(names)) < len(names):
        raise IntegrityError(f"{MANIFEST} names a file twice")


def _keys_of(directory: Path, manifest: ExportManifest, name: str) -> list[PublicKey]:
    """The public keys behind the name in ``export.sig``: the log's, which may have changed over
    time, or a certificate's."""
    if log_keys := [k.public_key for k in manifest.log_keys if k.name == name]:
        return [public_key_of(text) for text in log_keys]
    content = files.read_small(directory, CERTIFICATES)
    for line in decoded(CERTIFICATES, msgspec.json.Decoder(list[CertificateLine]), content):
        if line.serial == name:
            return [public_key_of(line.public_key)]
    raise IntegrityError(f"{SIGNATURE} is by {name[:80]!r}, whose key the export does not hold")


def public_key_of(text: str) -> PublicKey:
    """The key of 128 hex digits; raises IntegrityError for what is none."""
    try:
        return PublicKey(bytes.fromhex(text))
    except (ValueError, GuokuError) as error:
        raise IntegrityError(f"{text[:16]!r}… is no SM2 public key") from error


def decoded(name: str, decoder: "msgspec.json.Decoder[Any]", content: bytes) -> Any:
    """What a small file holds; raises IntegrityError, naming it, for another content."""
    try:
        return decoder.decode(content)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise IntegrityError(f"{name}: {error}") from error
