"""Code sets over HTTP: a division loads its own rows, all or none."""

from tests.api.test_http_banks import own
from tests.support.http_server import HttpTreasury

__all__ = ["own"]

PATH = "/v1/divisions/440000000/code-sets"
HEADER = "element,code,name,parent,mof_div_code\n"
ROW = "fund_type_code,1111,本级财力安排,111,440000000\n"


def load(own: HttpTreasury, text: str, person: str = "admin", **more: str) -> dict[str, object]:
    answer = own.call("POST", PATH, person, content=text.encode(), **more)
    found: dict[str, object] = answer.json()
    return {**found, "replayed": answer.headers.get("idempotent-replayed", "")}


def test_a_division_loads_its_own_rows(own: HttpTreasury) -> None:
    rehearsed = load(own, HEADER + ROW, params={"dry_run": "true"})  # type: ignore[arg-type]
    assert (rehearsed["added"], rehearsed["commit"]) == (1, None)
    key = {"headers": {"Idempotency-Key": '"DM-1"'}}
    loaded = load(own, HEADER + ROW, **key)  # type: ignore[arg-type]
    assert (loaded["added"], loaded["load_no"], loaded["replayed"]) == (1, "DM-1", "")
    assert load(own, HEADER + ROW, **key)["replayed"] == "true"  # type: ignore[arg-type]
    [listed] = own.ok(own.get(PATH))["items"]
    assert (listed["version"], listed["loaded_by"]) == (loaded["version"], "admin")


def test_rows_of_others_and_bad_files_are_refused(own: HttpTreasury) -> None:
    assert load(own, HEADER + ROW.replace("440000000", "450000000"))["code"] == "forbidden"
    assert load(own, HEADER + ROW.replace("440000000", ""))["code"] == "forbidden"
    assert load(own, HEADER + "fund_type_code,,x,,\n")["code"] == "malformed"
    assert load(own, "")["code"] == "malformed"
    assert load(own, HEADER + ROW, "maker")["code"] == "forbidden"
