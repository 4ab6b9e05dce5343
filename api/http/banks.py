"""代理银行 and 证书: which banks are appointed by which channel, and whose key is whose."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends
from fastapi import Body as RequestBody
from msgspec import UNSET
from starlette.responses import Response

from api.access import Right
from api.http.admission import record_denied
from api.http.bodies import decoded
from api.http.call import Call
from api.http.dependencies import Acting, of_division
from api.http.division_lists import DivisionRead, respond_with_objects
from api.http.division_routes import (
    DivisionRoute,
    Shown,
    admit_to_division,
    division_of,
    submit_to_standing,
)
from api.http.models.enums import Tag
from api.http.models.lists import Page
from api.http.moments import AsOf
from api.http.pages import AskedPage
from api.http.parameters import DivisionCode
from api.http.problems import OF_LEDGER_ACT, OF_LEDGER_READ, refusals
from api.http.published import PublishedAs
from api.http.routes import ANSWERS, SUBMITTED, DirectAnswer, Operation, respond_to_act
from api.http.views import Committed
from division import certificates
from division.bank import BANK, AppointBank, AppointedBank, ChangeBank, EndBank
from division.certificate import (
    CERTIFICATE,
    HOME,
    Certificate,
    RegisterCertificate,
    RevokeCertificate,
    check_subject,
)
from division.installation import SUBJECT
from division.persons import PERSON
from division.rights import ends_at
from ledger.account_set import ledger_text, standing_ledger
from ledger.deciding.command import Command
from ledger.deciding.principals import folded
from ledger.deciding.state import BEIJING
from ledger.elements.code_sets import ElementRegister
from ledger.errors import AccessError, Code, Refusal, RequestError
from ledger.gm import PublicKey
from ledger.reading.objects import read_objects

router = APIRouter(route_class=Operation, tags=[Tag.DIVISIONS])


# ---- banks


class ChannelView(msgspec.Struct, kw_only=True):
    """How a bank is reached from a day on."""

    start_date: str
    name: str
    url: str
    cert_serial: str


class BankView(msgspec.Struct, kw_only=True):
    """An appointed bank; ``end_date`` is the first day on which it pays no more."""

    ledger: str
    pay_bank_code: str
    channels: list[ChannelView]
    end_date: str | None
    commit: Committed = UNSET


def _bank(key: int, bank: AppointedBank) -> BankView:
    return BankView(
        ledger=ledger_text(key),
        pay_bank_code=bank.pay_bank_code,
        channels=[
            ChannelView(
                start_date=channel.start_date.isoformat(),
                name=channel.name,
                url=channel.url,
                cert_serial=channel.cert_serial,
            )
            for channel in bank.channels
        ],
        end_date=bank.end_date.isoformat() if bank.end_date else None,
    )


BANKS = Shown(BankView, _bank)


@router.get(
    "/v1/divisions/{mof_div_code}/banks",
    operation_id="bank.list",
    summary="Banks that the division has appointed 代理银行, now or as of a moment",
    response_model=Page[BankView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_banks(
    call: DivisionRead, mof_div_code: DivisionCode, asked: AskedPage, moment: AsOf
) -> Response:
    return await respond_with_objects(
        call, asked, moment, BANK, _bank, lambda view: view.pay_bank_code
    )


async def _require_certificate(call: Call, command: Command) -> None:
    """A bank is appointed with a certificate of its own.

    Raises:
        Refusal: ``certificate_invalid``: it is unknown, another's, or not valid now.
    """
    assert isinstance(command, AppointBank | ChangeBank)
    serial = command.cert_serial
    if not serial:
        return
    found = await call.read(lambda connection: certificates.find(connection, serial))
    if found is None or found.subject != f"bank/{command.pay_bank_code}":
        detail = f"{serial} is no certificate of bank/{command.pay_bank_code}"
        raise Refusal(Code.CERTIFICATE_INVALID, detail, cert_serial=serial)
    certificates.require_valid(found, call.treasury.now())


# ---- certificates


class CertificateRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person's, a bank's or another installation's own public key, X then Y in hex; days are
    whole ones in Beijing. An installation is named by the beginning of its divisions' codes."""

    principal: str = ""
    pay_bank_code: str = ""
    installation: str = ""
    public_key: str
    valid_from: str
    valid_until: str
    usage: str = "sign"


class DivisionCertificateView(msgspec.Struct, kw_only=True):
    ledger: str
    cert_serial: str
    subject: str
    public_key: str
    not_before: str
    not_after: str
    revoked_at: str | None
    commit: Committed = UNSET


def _certificate(key: int, certificate: Certificate) -> DivisionCertificateView:
    revoked_at = certificate.revoked_at
    return DivisionCertificateView(
        ledger=ledger_text(key),
        cert_serial=certificate.serial,
        subject=certificate.subject,
        public_key=certificate.public_key.hex(),
        not_before=certificate.not_before.isoformat(),
        not_after=certificate.not_after.isoformat(),
        revoked_at=revoked_at.isoformat() if revoked_at else None,
    )


CERTIFICATES = Shown(DivisionCertificateView, _certificate)


def _asked(call: Call, data: bytes) -> RegisterCertificate:
    asked: CertificateRequest = decoded(msgspec.json.Decoder(CertificateRequest).decode, data)
    if [bool(asked.principal), bool(asked.pay_bank_code), bool(asked.installation)].count(
        True
    ) != 1:
        raise RequestError(
            Code.MALFORMED,
            "a certificate is a principal's, a bank's or an installation's",
            pointer="/principal",
        )
    if asked.usage != "sign":
        raise RequestError(Code.MALFORMED, "usage is sign", pointer="/usage")
    if asked.pay_bank_code:
        ElementRegister.check_shape("pay_bank_code", asked.pay_bank_code, "/pay_bank_code")
    if asked.installation:
        ElementRegister.check_shape("division", asked.installation, "/installation")
    subject = _subject(asked)
    check_subject(subject)
    begin, end = _begin_of(asked.valid_from), ends_at(asked.valid_until)
    if end is None:
        raise RequestError(Code.MALFORMED, "a certificate has an end", pointer="/valid_until")
    command = RegisterCertificate.of(
        subject,
        PublicKey.from_hex(asked.public_key),
        begin,
        end - timedelta(microseconds=1),
        division_of(call),
    )
    command.check()
    return command


def _subject(asked: CertificateRequest) -> str:
    if asked.installation:
        return SUBJECT + asked.installation
    return f"principal/{asked.principal}" if asked.principal else f"bank/{asked.pay_bank_code}"


def _begin_of(text: str) -> datetime:
    """A day from its beginning on, or a moment."""
    try:
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), BEIJING)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.utcoffset() is None:
        raise RequestError(
            Code.MALFORMED, "valid_from is a day, or a moment with its zone", pointer="/valid_from"
        )
    return moment.astimezone(UTC)


@router.post(
    "/v1/divisions/{mof_div_code}/certificates",
    operation_id="certificate.register",
    summary="Register a person's, a bank's or another installation's own certificate 证书登记",
    status_code=201,
    response_model=DivisionCertificateView,
    responses={
        **SUBMITTED,
        **refusals(*OF_LEDGER_ACT, Code.NOT_FOUND, Code.INVALID_STATE),
    },
    dependencies=[Depends(of_division)],
)
async def register_certificate(
    call: Annotated[Call, Depends(Acting(Right.ADMINISTER))],
    data: Annotated[bytes, PublishedAs(CertificateRequest), RequestBody()],
) -> Response:
    """All certificates are on record in the ledger of all divisions: a signature names its
    certificate by the serial alone."""
    command = _asked(call, data)
    key = await admit_to_division(call, number=command.number)
    await _require_owner(call, key, command.subject)
    await _require_unshared(call, command)
    return respond_to_act(call, HOME, command, await submit_to_standing(call, HOME, command))


async def _require_unshared(call: Call, command: RegisterCertificate) -> None:
    """Raises ``certificate_invalid`` where the key is another's."""
    key = PublicKey.from_hex(command.public_key)
    await call.read(
        lambda connection: certificates.require_unshared(connection, command.subject, key)
    )


async def _require_owner(call: Call, key: int, subject: str) -> None:
    """A division's own person; or a bank that has no certificate yet: another one for a bank that
    is known already speaks for it everywhere, and takes who reaches everywhere.

    Raises:
        Refusal: ``not_found`` for a person who is not registered in the division.
        AccessError: ``forbidden``.
    """
    kind, _, name = subject.partition("/")
    if kind == "principal":
        number = folded(name)
        found = await call.read(lambda connection: read_objects(connection, key, PERSON, [number]))
        if number not in found:
            raise Refusal(Code.NOT_FOUND, f"{name!r} is not registered in {division_of(call)}")
    elif not call.caller.reaches(HOME):
        known = await call.read(lambda connection: certificates.has_any(connection, subject))
        if known:
            error = AccessError(
                Code.FORBIDDEN, f"{subject} has a certificate; another one takes all divisions"
            )
            await record_denied(call, key, subject, error)
            raise error


@router.get(
    "/v1/divisions/{mof_div_code}/certificates",
    operation_id="certificate.list",
    summary="Certificates 证书 of all subjects, now or as of a moment",
    response_model=Page[DivisionCertificateView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_certificates(
    call: DivisionRead, mof_div_code: DivisionCode, asked: AskedPage, moment: AsOf
) -> Response:
    return await respond_with_objects(
        call, asked, moment, CERTIFICATE, _certificate, lambda view: view.cert_serial, key=HOME
    )


@router.post(
    "/v1/divisions/{mof_div_code}/certificates/{cert_serial}/revoke",
    operation_id="certificate.revoke",
    summary="Revoke a certificate from now on 证书吊销",
    response_model=DivisionCertificateView,
    responses={
        **SUBMITTED,
        **refusals(*OF_LEDGER_ACT, Code.NOT_FOUND, Code.INVALID_STATE),
    },
    dependencies=[Depends(of_division)],
)
async def revoke_certificate(
    call: Annotated[Call, Depends(Acting(Right.ADMINISTER))], cert_serial: str
) -> Response:
    """What was signed before stays valid. A person's is revoked by the division where he is
    registered, a bank's by who reaches all divisions."""
    await call.read_body()
    ElementRegister.check_shape("cert_serial", cert_serial, "/cert_serial")
    key = await admit_to_division(call, number=cert_serial)
    found = await call.read(lambda connection: certificates.find(connection, cert_serial))
    if found is None:
        raise Refusal(Code.NOT_FOUND, f"no certificate {cert_serial!r}")
    await _require_owner(call, key, found.subject)
    command = RevokeCertificate(cert_serial=cert_serial, mof_div_code=division_of(call))
    return respond_to_act(call, HOME, command, await submit_to_standing(call, HOME, command))


async def _still_owns(call: Call, command: Command) -> None:
    """As :func:`_require_owner`, of whoever agrees: of two first certificates of a bank, the one
    that is agreed to later is another one."""
    if isinstance(command, RegisterCertificate):
        subject = command.subject
        await _require_unshared(call, command)
    else:
        assert isinstance(command, RevokeCertificate)
        serial = command.cert_serial
        found = await call.read(lambda connection: certificates.find(connection, serial))
        assert found is not None, "what is to be revoked was registered"
        subject = found.subject
    await _require_owner(call, standing_ledger(division_of(call)), subject)


ANSWERS[RegisterCertificate.OPERATION] = DirectAnswer(CERTIFICATES.view, 201, _still_owns)
ANSWERS[RevokeCertificate.OPERATION] = DirectAnswer(CERTIFICATES.view, 200, _still_owns)


DIRECT = (
    DivisionRoute(
        AppointBank,
        "banks",
        BANKS,
        "Appoint a bank with a channel of its own 代理银行委托",
        Code.CERTIFICATE_INVALID,
        status=201,
        before=_require_certificate,
    ),
    DivisionRoute(
        ChangeBank,
        "banks/{pay_bank_code}/changes",
        BANKS,
        "Tell what of a bank is other from a day on 代理银行变更",
        Code.NOT_FOUND,
        Code.CERTIFICATE_INVALID,
        in_path=("pay_bank_code",),
        before=_require_certificate,
    ),
    DivisionRoute(
        EndBank,
        "banks/{pay_bank_code}/end",
        BANKS,
        "End an appointment from a day on 代理银行终止",
        Code.NOT_FOUND,
        in_path=("pay_bank_code",),
    ),
)
