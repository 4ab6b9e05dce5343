"""What of the standing ledgers is shown in tables: the kinds of objects that have some."""

from division.certificate import CERTIFICATE
from division.code_set_load import CODE_SET_LOAD
from division.persons import PERSON
from division.tokens import TOKEN
from ledger.deciding.objects import AnyKind

SHOWN: tuple[AnyKind, ...] = (PERSON, TOKEN, CERTIFICATE, CODE_SET_LOAD)
