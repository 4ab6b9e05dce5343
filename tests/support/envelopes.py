"""Message bodies and envelopes as the standard has them."""

from typing import Any

import pytest

from ledger.errors import Code, RequestError
from payments.messages.envelope import (
    VoucherBody,
    VoucherSignature,
    parse_envelope,
)
from payments.messages.manifest_list import SignedManifest

DECLARATION = '<?xml version="1.0" encoding="GBK"?>'
INNER = (
    f"{DECLARATION}<Voucher><Id>1</Id><AdmDivCode>440000</AdmDivCode><StYear>2026</StYear>"
    "<VtCode>5214</VtCode><VoucherNo>W1</VoucherNo><AgencyName>甲单位</AgencyName>"
    "<DetailList><Detail><VoucherNo>other</VoucherNo></Detail></DetailList></Voucher>"
).encode("gbk")


def body_of(**changes: Any) -> VoucherBody:
    fields: dict[str, Any] = {
        "adm_div_code": "440000",
        "st_year": 2026,
        "vt_code": "5214",
        "voucher_no": "W1",
        "voucher_flag": 0,
        "voucher": INNER,
        "signatures": (VoucherSignature(no="treasury", sn="0A1B", value=b"\x30\x44" * 20),),
    }
    return VoucherBody(**fields | changes)


def by(manifest: SignedManifest, leaf: int, path: bytes = b"", **more: Any) -> VoucherSignature:
    return VoucherSignature(
        no="treasury", sn="0A1B", manifest=manifest, leaf=leaf, path=path, **more
    )


def refused(data: bytes, **options: int) -> RequestError:
    with pytest.raises(RequestError) as caught:
        parse_envelope(data, **options)
    assert caught.value.code is Code.MALFORMED
    return caught.value
