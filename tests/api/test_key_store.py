"""What the passphrase of an installation's key store is worth, and how long it is stretched."""

from pathlib import Path
from typing import Any

import pytest

from api.key_store import key_store_of
from api.settings import Settings
from ledger.gm.keystore import KeyStore
from ledger.gm.sealed import ITERATIONS, ITERATIONS_MIN, read_salt


@pytest.mark.parametrize(
    ("given", "iterations"),
    [({}, ITERATIONS_MIN), ({"keystore_passphrase": "correct horse"}, ITERATIONS)],
    ids=["made of random bits", "thought of"],
)
def test_what_a_person_has_thought_of_is_stretched(
    tmp_path: Path, given: dict[str, Any], iterations: int
) -> None:
    settings = Settings(data=tmp_path, **given)
    made = key_store_of(settings).create("bank/102")
    assert read_salt(settings.keystore_path.read_bytes())[1] == iterations
    assert key_store_of(settings).public_key("bank/102") == made


def test_a_store_of_before_is_opened_and_keeps_its_form(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    before = KeyStore(settings.keystore_path, settings.passphrase(), iterations=2_000)
    made = before.create("bank/102")
    now = key_store_of(settings)
    now.create("bank/103")
    assert now.public_key("bank/102") == made
    assert read_salt(settings.keystore_path.read_bytes())[1] == 2_000
