"""用户和岗位: rights are given, bound to units, and ended; a token lives no longer than they do."""

from ledger.gm import sm3
from tests.support.exports import PROVIDER
from tests.support.flows import County

FLOWS = (11,)


def scenario(county: County) -> None:
    county.open()
    person = {"principal": f"zhao.{county.code}", "name": "赵样例", "roles": ["unit"]}
    county.act("~/persons", {**person, "agency_prefixes": ["101"]}, "admin")
    for name in ("zhao", "zhao's other", "zhao's third"):
        secret = f"{name} of {county.code}"
        token = {"token_sm3": sm3(secret.encode()).hex(), "roles": ["unit"]}
        county.act(f"~/persons/{person['principal']}/tokens", token, "admin")
        county.http.tokens[name] = secret
    own, other = county.beside("100.00"), county.beside("100.00", agency_code="102001")
    county.act("…/payments", county.payment(own, "1.00"), "zhao")
    assert county.refused("…/payments", county.payment(other, "1.00"), "zhao") == "forbidden"
    # 证书发放, 冻结: his certificate is put on record, and revoked for good
    of_key = {"public_key": PROVIDER.public_key(PROVIDER.generate_key()).hex()}
    days = {"valid_from": "2026-01-01T00:00:00+08:00", "valid_until": "2027-01-01T00:00:00+08:00"}
    asked = {"principal": person["principal"], **of_key, **days}
    serial = county.act("~/certificates", asked, "admin")["cert_serial"]
    revoked = county.act(f"~/certificates/{serial}/revoke", {"reason": "丢失"}, "admin")
    assert revoked["cert_serial"] == serial
    # 权限变更: he acts for another department now
    county.act(f"~/persons/{person['principal']}/rights", _rights("102"), "admin")
    county.act("…/payments", county.payment(other, "1.00"), "zhao's third")
    # a token is ended alone
    county.act(f"~/tokens/{sm3(secret.encode()).hex()}/end", None, "admin")
    county.act(f"~/persons/{person['principal']}/end", {"reason": "调离"}, "admin")
    # all that he held ends with him; what is in use is asked about again within seconds
    refused = county.refused("…/payments", county.payment(own, "1.00"), "zhao's other")
    assert refused == "unauthenticated"


def _rights(*prefixes: str) -> dict[str, object]:
    return {"change_no": "QX-1", "roles": ["unit"], "agency_prefixes": list(prefixes)}
