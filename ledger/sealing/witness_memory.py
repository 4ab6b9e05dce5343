"""What a witness remembers of our ledgers, asked before anything is written."""

from collections.abc import Iterable

import httpx
import structlog

from ledger.account_set import ledger_text, parse_ledger
from ledger.errors import GuokuError
from ledger.integrity.note import PROVINCE_ORIGIN, ledger_origin, parse_checkpoint, parse_note
from ledger.integrity.witness import ledger_lines
from ledger.sealing.cosigner import WitnessAddress
from ledger.sealing.memory import RememberedHistory, remembered_by

log = structlog.get_logger(__name__)


def asked_of(
    witness: WitnessAddress, ledger_ids: Iterable[int], timeout_s: float
) -> list[RememberedHistory]:
    """What the witness remembers of these ledgers, and of those that the last province head names.

    One that is away remembers nothing for now: it holds up no start, and objects when it is back.
    """
    found: dict[int, RememberedHistory] = {}
    try:
        with httpx.Client(base_url=witness.url, timeout=timeout_s, trust_env=False) as http:
            if head := _note(http, PROVINCE_ORIGIN):
                lines = ledger_lines(parse_checkpoint(parse_note(head).text))
                for origin, (size, root) in lines.items():
                    key = parse_ledger(origin.removeprefix("guoku/"))
                    found[key] = RememberedHistory(key, size, b"", root, witness.name)
            for key in {*ledger_ids, *found}:
                note = _note(http, ledger_origin(key))
                remembered = remembered_by(note, witness.name) if note else None
                if remembered is not None:
                    found[key] = remembered
    except (httpx.HTTPError, GuokuError) as error:
        log.warning("a witness could not be asked", witness=witness.name, reason=str(error))
    return [found[key] for key in sorted(found, key=ledger_text)]


def _note(http: httpx.Client, origin: str) -> str:
    answer = http.get("/checkpoint", params={"origin": origin})
    if answer.status_code == httpx.codes.NOT_FOUND:
        return ""
    return answer.raise_for_status().text
