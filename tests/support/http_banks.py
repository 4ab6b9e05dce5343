"""Simulated banks beside a treasury that is served over HTTP."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from division import certificates
from tests.support.at_machine import FREELY
from tests.support.http_server import HttpTreasury
from tests.support.ports import free_port


def config_of(http: HttpTreasury, folder: Path, subject: str) -> dict[str, Any]:
    treasury = http.treasury
    with treasury.pool.connection() as connection:
        certificate = certificates.enrol(
            connection,
            subject,
            treasury.keys.create(subject),
            FREELY,
            at=datetime.now(UTC) - timedelta(minutes=1),
        )
    return {
        "port": free_port(),
        "data": folder / subject,
        "guoku_url": http.url,
        "token": http.token(subject.replace("/", "-"), "bank", division=""),
        "keystore": treasury.settings.keystore_path,
        "passphrase": treasury.settings.passphrase(),
        "cert_serial": certificate.serial,
    }
