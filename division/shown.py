"""What of the standing ledgers is shown in tables: the kinds of objects that have some."""

from typing import TypeVar

from division.certificate import CERTIFICATE
from division.code_set_load import CODE_SET_LOAD
from division.persons import PERSON
from division.tokens import TOKEN
from division.webhook import WEBHOOK
from ledger.deciding.objects import AnyKind, Kind

T = TypeVar("T")

SHOWN: tuple[AnyKind, ...] = (PERSON, TOKEN, CERTIFICATE, CODE_SET_LOAD, WEBHOOK)
_of_other_domains: list[AnyKind] = []


def shown_in_tables(kind: Kind[T]) -> Kind[T]:
    """Declares that objects of another domain stand in standing ledgers and are shown; its own
    check holds their rows against the events."""
    _of_other_domains.append(kind)
    return kind


def all_shown() -> tuple[AnyKind, ...]:
    """Those of every domain that is loaded."""
    return (*SHOWN, *_of_other_domains)
