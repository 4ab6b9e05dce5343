"""What the check of payments needs of each type's fields: most of an event is not decoded."""

import msgspec

from payments.events import FailedDetail


class DetailFields(msgspec.Struct, frozen=True, gc=False):
    pay_detail_id: str
    pay_amt: str


class AppliedFields(msgspec.Struct, frozen=True, gc=False):
    """What is needed of a type's fields; a type that has fewer could not be read."""

    pay_app_no: str
    pay_amt: str
    by: str
    details: tuple[DetailFields, ...] = ()


class ApprovedFields(msgspec.Struct, frozen=True, gc=False):
    pay_cert_no: str
    pay_bank_code: str
    roles: tuple[str, ...]
    by: str


class SignedFields(msgspec.Struct, frozen=True, gc=False):
    role: str
    cert_serial: str
    voucher_sm3: str
    by: str
    signature: str = ""
    manifest_no: str = ""
    leaf: int = 0
    final: bool = False


class ReceiptedFields(msgspec.Struct, frozen=True, gc=False):
    pay_cert_no: str
    xpay_amt: str
    receipt_sm3: str
    cert_serial: str
    failed: tuple[FailedDetail, ...] = ()
    signature: str = ""
    manifest_no: str = ""
    leaf: int = 0
    pay_acct_no: str = ""


class VoidedFields(msgspec.Struct, frozen=True, gc=False):
    pay_cert_no: str
    sent_before: bool


class RecallFields(msgspec.Struct, frozen=True, gc=False):
    """Of a recall, and of its refusal, which names no voucher."""

    pay_app_no: str
    recall_no: str
    pay_cert_no: str = ""


class RequestFields(msgspec.Struct, frozen=True, gc=False):
    """Of a refund that is asked for, and of its refusal."""

    refund_no: str


class Nothing(msgspec.Struct, frozen=True, gc=False):
    """That it happened is enough."""
