"""Every setting in one object, read from the environment; ``guoku config`` shows it."""

import os
import secrets
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Literal

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from division.sessions import SessionBounds
from ledger.errors import ConfigurationError


class WitnessSetting(BaseModel, frozen=True):
    """A witness that is asked for its signature under every checkpoint."""

    name: str = Field(pattern=r"^witness/[\w.@-]{1,96}$")
    url: str
    public_key: str = Field(pattern="^[0-9a-fA-F]{128}$")


class Settings(BaseSettings):
    """Settings; each field is the environment variable ``GUOKU_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="GUOKU_", extra="ignore", frozen=True)

    dsn: str | None = Field(None, description="a Postgres >= 16; without it one is embedded")
    data: Path = Field(Path("guoku-data"), description="data directory: Postgres, keys, simulators")
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    tls_cert: Path | None = Field(None, description="certificate chain (PEM): HTTPS is served")
    tls_key: Path | None = Field(None, description="its private key (PEM)")
    lang: Literal["en", "zh"] = Field("en", description="language of the command line")
    bank_port: int = Field(0, ge=0, le=65535, description="of the simulated bank; 0: any free one")
    pboc_port: int = Field(0, ge=0, le=65535, description="of the simulated central bank; likewise")
    pay_bank_code: str = Field("102", description="the agent bank that `guoku up` simulates")
    bank_url: str | None = Field(
        None, description="where vouchers are sent; default: the simulator"
    )
    pboc_url: str | None = Field(None, description="where claims are sent; default: the simulator")

    keystore_passphrase: SecretStr | None = Field(
        None, description="opens the key store; without it a development one is kept in the data"
    )
    charts: tuple[Path, ...] = Field((), description="further charts and rules (TOML)")
    statements: tuple[Path, ...] = Field((), description="further statements 报表 (TOML)")

    clock_tolerance_s: float = Field(
        5.0,
        ge=0.1,
        description="by how much the clocks may differ before nothing is committed",
    )
    sequencer_workers: int = Field(2, ge=1, le=64, description="ledgers that commit at once")
    pool_size_max: int = Field(16, ge=4, le=200, description="database connections of the server")
    request_bytes_max: int = Field(16 * 1024 * 1024, ge=1024, description="of one body")
    body_bytes_max: int = Field(
        64 * 1024 * 1024, ge=1024, description="of all bodies under way; beyond it 429"
    )
    body_timeout_s: float = Field(30.0, gt=0, description="for a body to come in")
    head_timeout_s: float = Field(
        10.0, gt=0, description="for a request's head, and how long a connection may be silent"
    )
    connections_max: int = Field(
        1_000, ge=1, description="connections held at once; beyond it the longest silent one goes"
    )
    caller_requests_max: int = Field(
        256, ge=1, description="requests of one caller under way; beyond it 429"
    )
    strangers_per_s: int = Field(
        60, ge=1, description="calls of an operation without a token that are done for all unknown"
    )
    address_per_s: int = Field(20, ge=1, description="the same for one unknown address")
    known_address_per_s: int = Field(
        100, ge=1, description="the same for an address from which a signature or login has held"
    )
    commands_max: int = Field(
        40_000, ge=1, description="commands waiting for their commit; beyond it 429"
    )
    ledger_commands_max: int = Field(20_000, ge=1, description="the same of one ledger")
    session_idle_s: int = Field(
        1_800, ge=60, description="without a call for so long a session is over"
    )
    session_longest_s: int = Field(
        43_200, ge=60, description="a session is over after so long in any case"
    )
    read_wait_s: float = Field(2.0, description="how long a read waits for its projection")
    projection_poll_ms: int = Field(200, ge=1, description="longest sleep of the projector")
    seal_interval_ms: int = Field(700, ge=1, description="longest wait of a commit to be sealed")
    province_interval_s: float = Field(
        60.0, ge=0, description="shortest time between two province heads"
    )
    log_key: str = Field(
        "guoku/log", description="key that signs checkpoints; a new one rolls over"
    )
    witnesses: tuple[WitnessSetting, ...] = Field(
        (), description='JSON: [{"name": "witness/audit", "url": "http://…", "public_key": "…"}]'
    )
    witness_timeout_s: float = Field(5.0, gt=0, description="for one question to a witness")
    dispatcher_poll_ms: int = Field(100, ge=1, description="longest sleep of the dispatcher")
    send_timeout_s: float = Field(10.0, description="for one message to a bank")
    webhook_private_addresses: bool = Field(
        False, description="webhooks may go to loopback and private addresses, and without TLS"
    )
    webhook_timeout_s: float = Field(10.0, gt=0, description="for a receiver to take one event")
    webhook_attempts_max: int = Field(
        12, ge=1, description="answers that refuse an event before it is a dead letter"
    )
    installation: str = Field(
        "",
        pattern=r"^([0-9]{2,9})?$",
        description="how other installations know this one, the beginning of its divisions' codes;"
        " with it transfers are exchanged with them, signed by installation/<it>",
    )
    exchange_timeout_s: float = Field(
        10.0, gt=0, description="for another installation to answer a message"
    )
    collection_path: Path | None = Field(
        None,
        description="with it rows of the ledgers are sent upward by the program, as files in this"
        " folder, signed by installation/<it>",
    )
    collection_every_s: float = Field(
        3600.0, gt=0, description="between two files of a ledger at least"
    )
    run_resume_s: float = Field(
        5.0,
        ge=0,
        description="between two looks for runs that broke off; 0: they stay so",
    )
    simulated_day: date | Literal["as-asked"] | None = Field(
        None,
        description="the simulated banks' today; as-asked: the date of what they answer;"
        " default: that of their clock",
    )

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_json: bool = False

    @property
    def bank_address(self) -> str:
        return self.bank_url or f"http://127.0.0.1:{self.bank_port}"

    @property
    def pboc_address(self) -> str:
        return self.pboc_url or f"http://127.0.0.1:{self.pboc_port}"

    def require_bank_addresses(self) -> None:
        """That whoever sends is told where to: a simulator of another process is known by its port.

        Raises:
            ConfigurationError: neither the address nor the port of one is set.
        """
        for name, url, port in (
            ("BANK", self.bank_url, self.bank_port),
            ("PBOC", self.pboc_url, self.pboc_port),
        ):
            if url is None and not port:
                raise ConfigurationError(
                    f"where is it to be sent? GUOKU_{name}_URL, or GUOKU_{name}_PORT for a "
                    "simulator on this machine"
                )

    @property
    def session_bounds(self) -> SessionBounds:
        idle, longest = self.session_idle_s, self.session_longest_s
        return SessionBounds(timedelta(seconds=idle), timedelta(seconds=longest))

    @property
    def keystore_path(self) -> Path:
        return self.data / "keys" / "keystore"

    @property
    def checkpoints_path(self) -> Path:
        return self.data / "checkpoints"

    @property
    def mark_path(self) -> Path:
        """Which cluster the data belongs to."""
        return self.data / "cluster.json"

    def passphrase(self) -> str:
        """The key store's passphrase.

        Without ``GUOKU_KEYSTORE_PASSPHRASE`` a random one is made once and kept beside the data,
        readable by its owner alone: fit for development, where the key lies by the lock.
        """
        if self.keystore_passphrase is not None:
            return self.keystore_passphrase.get_secret_value()
        path = self.data / "keys" / "development.passphrase"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with NamedTemporaryFile("w", dir=path.parent, encoding="ascii") as draft:  # is 0600
                draft.write(secrets.token_urlsafe(32))
                draft.flush()
                with suppress(FileExistsError):  # another process was first: its one counts
                    os.link(draft.name, path)
        return path.read_text(encoding="ascii")
