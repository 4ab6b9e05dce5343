"""What of the standing ledgers is shown in tables: the kinds of objects that have some."""

from division.persons import PERSON
from division.tokens import TOKEN
from ledger.deciding.objects import AnyKind

SHOWN: tuple[AnyKind, ...] = (PERSON, TOKEN)
