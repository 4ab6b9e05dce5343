"""What `guoku up` adds for development: a token with every role, and simulated banks."""

from contextlib import closing
from datetime import UTC, datetime
from typing import NamedTuple

import psycopg
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from api.cli.children import Child
from api.server import bind
from api.settings import Settings
from api.tokens import create_token
from api.treasury import Treasury
from division import certificates
from division.appointing import appoint
from division.bank import Channel
from division.credentials import end_tokens_of
from division.roles import ROLES
from ledger.deciding.state import BEIJING
from ledger.errors import ConfigurationError, Refusal
from ledger.gm.keystore import KeyStore

DEVELOPER = "dev"
CENTRAL_BANK = "pboc/1"
ORPHAN_ENDS_S = 5.0


class Admission(NamedTuple):
    """What a simulator needs to be believed: a token for posting, a certificate for signing."""

    token: str
    cert_serial: str


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


def developer_token(treasury: Treasury) -> str:
    """A new token that may do everything everywhere; those of former starts end with it."""
    with treasury.pool.connection() as connection:
        end_tokens_of(connection, DEVELOPER)
        return create_token(connection, DEVELOPER, ROLES, "")


def admit(connection: psycopg.Connection, keys: KeyStore, subject: str) -> Admission:
    """Makes sure of a simulator's key and certificate, and makes a new token; the caller commits.

    Raises:
        ConfigurationError: its certificate has expired or was revoked. Renewing is a decision.
    """
    public_key = keys.create(subject)
    try:
        certificate = certificates.enrol(connection, subject, public_key, at=datetime.now(UTC))
    except Refusal as refusal:
        raise ConfigurationError(
            f"{refusal.detail}; `guoku cert issue {subject}` renews it"
        ) from None
    principal = subject.replace("/", "-")
    end_tokens_of(connection, principal)
    return Admission(create_token(connection, principal, ["bank"], ""), certificate.serial)


def appoint_bank(connection: psycopg.Connection, settings: Settings) -> None:
    """Appoints the bank of the settings for all divisions: the simulated one, or the real one whose
    address is set."""
    subject, today = bank_subject(settings), datetime.now(UTC)
    try:
        serial = certificates.current(connection, subject, today).serial
    except Refusal:
        serial = (
            ""  # a real bank's certificate may come later: none of its receipts is taken before
        )
    name = f"代理银行 {settings.pay_bank_code}"
    day = today.astimezone(BEIJING).date()
    appoint(connection, settings.pay_bank_code, Channel(day, name, settings.bank_address, serial))


def simulators(treasury: Treasury, api_url: str) -> list[Child]:
    """The simulators that are wanted, admitted and not yet started.

    A bank or central bank whose address is set by ``GUOKU_BANK_URL`` or ``GUOKU_PBOC_URL`` is a
    real one, and is not simulated.
    """
    settings = treasury.settings
    wanted = []
    if settings.bank_url is None:
        wanted.append(("bank-sim", bank_subject(settings), settings.bank_port))
    if settings.pboc_url is None:
        wanted.append(("pboc-sim", CENTRAL_BANK, settings.pboc_port))
    with treasury.pool.connection() as connection:
        admissions = {
            subject: admit(connection, treasury.keys, subject) for _, subject, _ in wanted
        }
        appoint_bank(connection, settings)
    return [
        Child(
            command,
            port,
            (
                command,
                "--end-with-parent",
                f"--port={port}",
                f"--api={api_url}",
                f"--cert-serial={admissions[subject].cert_serial}",
            ),
            # not as an argument: those are for all to see
            {"GUOKU_BANK_TOKEN": admissions[subject].token},
        )
        for command, subject, port in wanted
    ]
