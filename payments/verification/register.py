"""证书登记: that each certificate is of the key, holder and beginning that its serial says.

An end that was moved, or a revocation that was taken back, shows only against a copy of the
register, such as an older export.
"""

from division.certificate import serial_of
from ledger.gm import PublicKey
from ledger.verification.checks import BROKEN, name_check
from ledger.verification.database import ToVerify, join_database
from ledger.verification.findings import Findings

CERTIFICATES = name_check(
    "certificate", "证书登记 certificates by their serials", "certificates", "certificates"
)
_ALL = "SELECT serial, subject, public_key, not_before FROM certificates ORDER BY serial"


def _check(findings: Findings, asked: ToVerify) -> None:
    for serial, subject, point, not_before in asked.connection.execute(_ALL):
        findings.count(CERTIFICATES, 1)
        try:
            own = serial_of(subject, PublicKey(point), not_before)
        except BROKEN:  # a point that lies on no curve, an infinite time
            own = ""
        if own != serial:
            detail = f"certificate {serial} of {subject} is not what was registered 证书被改"
            findings.add(CERTIFICATES, 0, detail)


join_database(CERTIFICATES, _check)
