"""Envelopes read by patterns and read whole: both say the same; manifests are written once."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import RequestError
from payments.messages import fixed_envelope, voucher_5214
from payments.messages.envelope import (
    VoucherSignature,
    build_envelope,
    parse_envelope,
)
from payments.messages.manifest_list import SignedManifest
from tests.support.envelopes import body_of, by, refused
from tests.support.vouchers_5214 import voucher_of as _voucher

# ---- by patterns, and whole

MANIFESTS = [SignedManifest("a text", b"value"), SignedManifest("another\n", b"v", bytes(64))]
TOGETHER = [
    body_of(signatures=(by(MANIFESTS[0], 0, bytes(64)), by(MANIFESTS[1], 17))),
    body_of(return_reason="户名不符", voucher_flag=1),
    body_of(
        signatures=(by(MANIFESTS[1], 1, b"x"), VoucherSignature(no="unit", sn="1", value=b"v"))
    ),
    body_of(signatures=()),
]
MESSAGE = build_envelope(TOGETHER)
PIECES = (
    *(b"<Manifest>", b"</Manifest>", b"</ManifestList>", b"<Signature ", b"<VoucherBody "),
    *(b"</VoucherBody>", b"<Leaves></Leaves>", b"<Attach/>", b'Manifest="1"', b' Leaf="0"'),
    *(b"<![CDATA[", b"]]>", b"<!-- -->", b"<?x?>", b"&#65;", b"A", b"=", b" ", b"\n", b'"', b"1"),
    *(b"\x81", b"\x80", b"\x00", b"9"),
)


def read_whole(data: bytes) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fixed_envelope, "read_message", lambda _data: None)
        patch.setattr(fixed_envelope, "names_of", lambda _voucher: None)
        return read(data)


def read(data: bytes) -> Any:
    """The vouchers, or the refusal as a sender sees it."""
    try:
        return parse_envelope(data)
    except RequestError as error:
        return error.code, error.detail, error.extra


@st.composite
def damaged(draw: st.DrawFn, message: bytes) -> bytes:
    """The message with a piece cut out, put in, or put in another's place."""
    start = draw(st.integers(0, len(message)))
    end = min(len(message), start + draw(st.sampled_from([0, 0, 1, 2, 7, 60])))
    inserted = draw(st.lists(st.sampled_from(PIECES), max_size=2))
    return message[:start] + b"".join(inserted) + message[end:]


@settings(max_examples=400, deadline=None)
@given(data=damaged(MESSAGE) | damaged(MESSAGE).flatmap(damaged))
def test_a_message_says_the_same_both_ways(data: bytes) -> None:
    assert read(data) == read_whole(data)


def test_the_patterns_are_what_reads_our_own_messages() -> None:
    """Else the test above would compare one way with itself."""
    message = fixed_envelope.read_message(MESSAGE)
    assert message is not None
    assert [m.text for m in message[0]] == ["a text", "another\n"]
    assert len(message[1]) == len(TOGETHER)
    assert fixed_envelope.names_of(voucher_5214.build(_voucher())) is not None
    assert parse_envelope(MESSAGE) == read_whole(MESSAGE) == TOGETHER


def test_a_manifest_that_many_vouchers_name_is_written_once() -> None:
    assert MESSAGE.count(b"<Manifest>") == 2
    assert [body.signatures[0].manifest for body in parse_envelope(MESSAGE)[:1]] == MANIFESTS[:1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'Manifest="1"', b'Manifest="2"'),
        (b'Manifest="1"', b'Manifest="-1"'),
        (b'Manifest="1"', b'Manifest="01"'),
        (b' Leaf="17"', b""),
        (b' Leaf="17"', b' Leaf="x"'),
        (b"<Text>", b"<Text>="),
        (b"<Text>", b"<Text>/w=="),
        (b"</SignatureValue>", b"</SignatureValue><Id>1</Id>"),
        (b"<ManifestList>", b"<ManifestList/><ManifestList>"),
        (b"<ManifestList>", b"<ManifestList><Id>1</Id>"),
    ],
)
def test_a_misshapen_manifest_is_malformed(old: bytes, new: bytes) -> None:
    assert old in MESSAGE
    refused(MESSAGE.replace(old, new, 1))


def test_a_signature_has_a_value_or_a_manifest() -> None:
    for wrong in (by(MANIFESTS[0], 0, value=b"v"), VoucherSignature(no="unit", sn="1")):
        with pytest.raises(RequestError):
            build_envelope([body_of(signatures=(wrong,))])
