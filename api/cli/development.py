"""What `guoku up` adds for development: persons with tokens, and simulated banks."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import NamedTuple, Self

import psycopg
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from api.cli.children import Child
from api.machine import AtMachine
from api.server import bind
from api.settings import Settings
from api.treasury import Treasury
from division import certificates
from division.appointing import appoint
from division.bank import Channel
from division.credentials import (
    end_tokens_of,
    find_holder,
    give_token,
    new_token,
    token_sm3,
)
from division.rights import Rights
from division.roles import ROLES
from ledger.deciding.state import BEIJING
from ledger.errors import ConfigurationError, Refusal
from ledger.gm import PublicKey
from ledger.gm.keystore import KeyStore

DEVELOPER = "dev"
# whoever tries it out is two persons at least: nobody agrees to what he made himself
DEVELOPERS: dict[str, Sequence[str]] = {
    "dev.maker": ("admin", "treasury_maker", "unit", "accountant"),
    "dev.checker": (
        "treasury_checker",
        "unit_checker",
        "accountant_checker",
        "security_officer",
        "treasury",
    ),
    DEVELOPER: ROLES,
}
CENTRAL_BANK = "pboc/1"
ORPHAN_ENDS_S = 5.0


class Admission(NamedTuple):
    """What a simulator needs to be believed: a token for posting, a certificate for signing."""

    subject: str
    token: str
    cert_serial: str
    public_key: PublicKey
    at: datetime


def bank_subject(settings: Settings) -> str:
    """The name of the simulated bank: of its key and its certificate."""
    return f"bank/{settings.pay_bank_code}"


def with_simulator_ports(settings: Settings) -> Settings:
    """Settings in which the ports of the wanted simulators are free ones: 0 is resolved.

    Raises:
        ConfigurationError: a port is taken, also after the time in which a simulator that has lost
            its parent ends.
    """
    chosen: dict[str, int] = {}
    for name, url in (("bank_port", settings.bank_url), ("pboc_port", settings.pboc_url)):
        if url is None:
            chosen[name] = free_port(getattr(settings, name), f"GUOKU_{name.upper()}")
    return settings.model_copy(update=chosen)


def free_port(port: int, variable: str) -> int:
    for attempt in Retrying(
        retry=retry_if_exception_type(ConfigurationError),
        stop=stop_after_delay(ORPHAN_ENDS_S),
        wait=wait_fixed(0.1),
        reraise=True,
    ):
        with attempt, closing(bind("127.0.0.1", port, variable)) as free:
            port = free.getsockname()[1]
    return port


class Introduction(NamedTuple):
    """Who `guoku up` brings along: simulators with tokens and certificates, and developers.

    Tokens and serials are known before they are on record, so that the simulators run while nothing
    may be written: whoever has lost a part of a history asks the bank what it knows.
    """

    simulators: tuple[Admission, ...]
    developers: dict[str, str]  # tokens by principal

    @classmethod
    def of(cls, treasury: Treasury) -> Self:
        """The simulators that the settings want.

        Raises:
            ConfigurationError: a simulator's certificate has expired or was revoked.
        """
        settings = treasury.settings
        wanted = [
            subject
            for subject, url in (
                (bank_subject(settings), settings.bank_url),
                (CENTRAL_BANK, settings.pboc_url),
            )
            if url is None
        ]
        with treasury.pool.connection() as connection:
            admissions = [prepare(connection, treasury.keys, subject) for subject in wanted]
        return cls(tuple(admissions), {name: new_token() for name in DEVELOPERS})

    def record(self, treasury: Treasury) -> None:
        """Puts all of it on record, and the bank's appointment; a part that is there is passed by.

        Raises:
            UnavailableError: nothing may be written now.
        """
        with treasury.pool.connection() as connection:
            machine = AtMachine(connection, treasury.sequencer.conditions)
            for admission in self.simulators:
                introduce(machine, admission)
            appoint_bank(machine, treasury.settings)
            for name, token in self.developers.items():
                _renew_token(machine, token, name, DEVELOPERS[name])

    def children(self, treasury: Treasury, api_url: str) -> list[Child]:
        """The simulators as programs that are not yet started.

        A bank or central bank whose address is set by ``GUOKU_BANK_URL`` or ``GUOKU_PBOC_URL`` is a
        real one, and is not simulated.
        """
        settings = treasury.settings
        programs = {
            bank_subject(settings): ("bank-sim", settings.bank_port),
            CENTRAL_BANK: ("pboc-sim", settings.pboc_port),
        }
        return [
            _child(*programs[admission.subject], admission, api_url)
            for admission in self.simulators
        ]


def _child(command: str, port: int, admission: Admission, api_url: str) -> Child:
    return Child(
        command,
        port,
        (
            command,
            "--end-with-parent",
            f"--port={port}",
            f"--api={api_url}",
            f"--cert-serial={admission.cert_serial}",
        ),
        # not as an argument: those are for all to see
        {"GUOKU_BANK_TOKEN": admission.token},
    )


def prepare(connection: psycopg.Connection, keys: KeyStore, subject: str) -> Admission:
    """What admits a simulator, with nothing on record yet: its key is made if need be.

    Raises:
        ConfigurationError: its certificate has expired or was revoked. Renewing is a decision.
    """
    at = datetime.now(UTC)
    public_key = keys.create(subject)
    if certificates.has_any(connection, subject):
        try:
            serial = certificates.current(connection, subject, at).serial
        except Refusal as refusal:
            raise ConfigurationError(
                f"{refusal.detail}; `guoku cert issue {subject}` renews it"
            ) from None
    else:
        serial = certificates.first_serial(subject, public_key, at)
    return Admission(subject, new_token(), serial, public_key, at)


def introduce(machine: AtMachine, admission: Admission) -> None:
    """Puts a simulator's certificate and token on record; its former tokens end.

    Raises:
        ConfigurationError: another certificate was made out to it meanwhile.
        UnavailableError: nothing may be written now.
    """
    connection, conditions = machine
    subject = admission.subject
    enrolled = certificates.enrol(
        connection, subject, admission.public_key, conditions, at=admission.at
    )
    if enrolled.serial != admission.cert_serial:
        raise ConfigurationError(f"{subject} has had a certificate made elsewhere: start again")
    _renew_token(machine, admission.token, subject.replace("/", "-"), ("bank",))


def _renew_token(machine: AtMachine, token: str, principal: str, roles: Sequence[str]) -> None:
    """Gives a token that is not on record yet; the principal's former ones end with it."""
    connection, conditions = machine
    if find_holder(connection, token_sm3(token)) is None:
        end_tokens_of(connection, principal, conditions)
        give_token(connection, token, principal, Rights("", tuple(roles)), conditions)


def appoint_bank(machine: AtMachine, settings: Settings) -> None:
    """Appoints the bank of the settings for all divisions: the simulated one, or the real one whose
    address is set."""
    connection, conditions = machine
    subject, today = bank_subject(settings), datetime.now(UTC)
    try:
        serial = certificates.current(connection, subject, today).serial
    except Refusal:
        serial = (
            ""  # a real bank's certificate may come later: none of its receipts is taken before
        )
    name = f"代理银行 {settings.pay_bank_code}"
    day = today.astimezone(BEIJING).date()
    channel = Channel(day, name, settings.bank_address, serial)
    appoint(connection, settings.pay_bank_code, channel, conditions)
