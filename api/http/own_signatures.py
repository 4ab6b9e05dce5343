"""Signing with one's own key 自持密钥签章: what is to be signed, and what a device has made of it.

Two ordinary requests; the key never comes here. See docs/signing.md.
"""

import base64
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from fastapi import Body as RequestBody
from msgspec import UNSET, UnsetType
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.bodies import decoded
from api.http.bulk import (
    PaymentResults,
    answer_items,
    check_numbers,
    payment_result,
    preferring,
)
from api.http.call import Call
from api.http.dependencies import ActingOnLedger
from api.http.models.enums import Signatory, Tag
from api.http.problems import OF_LEDGER_ACT, ProblemDocument, problem, refusals
from api.http.published import PublishedAs
from api.http.routes import Operation
from api.http.units import UNIT, require_units
from ledger.elements.code_sets import ElementRegister
from ledger.errors import Code, GuokuError, RequestError
from payments.signature_policy import SIGNING_ROLES
from payments.signing.own_keys import Prepared, PreparedVoucher, Signature
from payments.signing.submitting import submit_signed

PREPARED_MAX = 1_000  # vouchers of an answer: each may have 499 details

router = APIRouter(route_class=Operation, tags=[Tag.PAYMENTS])


class PreparationRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Which vouchers, in which role, with which certificate of the caller."""

    pay_app_nos: list[str]
    role: Signatory
    cert_serial: str


class PreparedItem(msgspec.Struct, kw_only=True):
    """A voucher to sign: its bytes in base64, their SM3, and the digest e (hex) that a device
    signs, which is not there where a manifest is signed; or why it may not be signed."""

    pay_app_no: str
    pay_cert_no: str | UnsetType = UNSET
    voucher: str | UnsetType = UNSET
    voucher_sm3: str | UnsetType = UNSET
    digest: str | UnsetType = UNSET
    problem: ProblemDocument | UnsetType = UNSET


class PreparedManifestView(msgspec.Struct, kw_only=True):
    """The text that is signed for these vouchers, and its e (hex)."""

    text: str
    digest: str
    pay_app_nos: list[str]


class PreparationView(msgspec.Struct, kw_only=True):
    items: list[PreparedItem]
    manifest: PreparedManifestView | None


class ItemSignature(msgspec.Struct, forbid_unknown_fields=True):
    """DER of (r, s) in base64."""

    pay_app_no: str
    signature: str


class ManifestToSign(msgspec.Struct, forbid_unknown_fields=True):
    """A manifest as it was prepared."""

    text: str
    pay_app_nos: list[str]
    digest: str = ""


class SubmissionRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Either signatures of single vouchers, or a manifest with its one signature."""

    items: list[ItemSignature] | UnsetType = UNSET
    manifest: ManifestToSign | UnsetType = UNSET
    signature: str = ""


_decode_preparation = msgspec.json.Decoder(PreparationRequest).decode
_decode_submission = msgspec.json.Decoder(SubmissionRequest).decode


@router.post(
    "/v1/ledgers/{ledger}/payments:prepare-signature",
    operation_id="voucher.sign.prepare",
    summary="What a person's own device signs 待签数据",
    response_model=PreparationView,
    responses=refusals(*OF_LEDGER_ACT, Code.CERTIFICATE_INVALID),
)
async def prepare_signature(
    call: Annotated[Call, Depends(ActingOnLedger(Right.SIGN))],
    data: Annotated[bytes, PublishedAs(PreparationRequest), RequestBody()],
) -> Response:
    """Changes nothing; the same request gives the same bytes until something is signed, or a code
    set changes."""
    asked: PreparationRequest = decoded(_decode_preparation, data)
    _check(asked.pay_app_nos)
    if asked.role not in SIGNING_ROLES:
        detail = f"signing roles are {', '.join(SIGNING_ROLES)}"
        raise RequestError(Code.MALFORMED, detail, pointer="/role")
    ElementRegister.check_shape("cert_serial", asked.cert_serial, "/cert_serial")
    key = await admit(call, role=asked.role)
    if asked.role in UNIT:
        await require_units(call, key, pay_app_nos=asked.pay_app_nos)
    prepared = await call.in_thread(
        call.treasury.own_keys.prepare,
        key,
        asked.pay_app_nos,
        asked.role,
        call.caller.principal,
        asked.cert_serial,
    )
    return call.respond(_view(asked.pay_app_nos, prepared))


@router.post(
    "/v1/ledgers/{ledger}/payments:submit-signature",
    operation_id="voucher.sign.submit",
    summary="What a person's own device has signed 提交签章",
    response_model=PaymentResults,
    responses=refusals(*OF_LEDGER_ACT, Code.CERTIFICATE_INVALID, Code.SIGNATURE_INVALID),
    dependencies=[Depends(preferring)],
)
async def submit_signature(
    call: Annotated[Call, Depends(ActingOnLedger(Right.SIGN))],
    data: Annotated[bytes, PublishedAs(SubmissionRequest), RequestBody()],
) -> Response:
    """Each voucher has its result; a manifest is taken as a whole or not at all."""
    asked: SubmissionRequest = decoded(_decode_submission, data)
    numbers = _numbers(asked)
    key = await admit(call)
    await require_units(call, key, pay_app_nos=numbers)
    caller = call.caller
    roles = [role for role in SIGNING_ROLES if role in caller.roles]
    own_keys = call.treasury.own_keys
    if isinstance(asked.manifest, ManifestToSign):
        signing = partial(
            own_keys.signed_together, key, asked.manifest.text, numbers, asked.signature
        )
    else:
        assert isinstance(asked.items, list)
        signatures = [Signature(item.pay_app_no, item.signature) for item in asked.items]
        signing = partial(own_keys.signed_each, key, signatures)
    signed = await call.in_thread(signing, caller.principal, roles)
    submit = partial(
        submit_signed,
        key,
        numbers,
        signed,
        caller.principal,
        call.submit_and_wait,
        dry_run=call.dry_run,
    )
    return await answer_items(call, key, await call.in_thread(submit), payment_result)


def _numbers(asked: SubmissionRequest) -> list[str]:
    """The payments that are signed; raises ``malformed``, ``too_many_items``."""
    if isinstance(asked.manifest, ManifestToSign) == isinstance(asked.items, list):
        raise RequestError(Code.MALFORMED, "it has either items or a manifest", pointer="/items")
    if isinstance(asked.manifest, ManifestToSign):
        numbers = asked.manifest.pay_app_nos
    else:
        numbers = [item.pay_app_no for item in asked.items or ()]
    _check(numbers)
    if len(set(numbers)) < len(numbers):
        raise RequestError(Code.MALFORMED, "a payment stands there twice", pointer="/pay_app_nos")
    return numbers


def _check(numbers: list[str]) -> None:
    check_numbers(numbers, "pay_app_no")
    if len(numbers) > PREPARED_MAX:
        detail = f"{len(numbers)} vouchers; one request holds at most {PREPARED_MAX}"
        raise RequestError(Code.TOO_MANY_ITEMS, detail)


def _view(numbers: list[str], prepared: Prepared) -> PreparationView:
    items = [_item(number, item) for number, item in zip(numbers, prepared.items, strict=True)]
    manifest = prepared.manifest and PreparedManifestView(
        text=prepared.manifest.text,
        digest=prepared.manifest.digest.hex(),
        pay_app_nos=list(prepared.manifest.pay_app_nos),
    )
    return PreparationView(items=items, manifest=manifest)


def _item(number: str, item: PreparedVoucher | GuokuError) -> PreparedItem:
    if isinstance(item, GuokuError):
        told: dict[str, Any] = problem(item)
        return PreparedItem(pay_app_no=number, problem=told)
    return PreparedItem(
        pay_app_no=number,
        pay_cert_no=item.pay_cert_no,
        voucher=base64.b64encode(item.document).decode("ascii"),
        voucher_sm3=item.voucher_sm3.hex(),
        digest=item.digest.hex() if item.digest else UNSET,
    )
