"""对账单 as an object: its packages, what their comparison found, whether it is confirmed."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from accounting.reconciliation.events import (
    DifferencesFound,
    PackageCounted,
    PackageReceived,
    ReconciliationCompared,
    ReconciliationConfirmed,
    ReconciliationOpened,
    Unmatched,
)
from ledger.deciding.objects import Kind
from ledger.events import Event
from ledger.money import stored_fen

INCOMPLETE: Final = "incomplete"  # packages are missing
WHOLE: Final = "received"  # all are there, and were not compared yet
AGREES: Final = "agrees"
DIFFERS: Final = "differs"
CONFIRMED: Final = "confirmed"
RECONCILIATION_STATES = (INCOMPLETE, WHOLE, AGREES, DIFFERS, CONFIRMED)

_OF_ALL_PACKAGES = (
    "vt_code",
    "sender",
    "e_voucher_type",
    "begin_date",
    "end_date",
    "pack_num",
    "all_num",
    "all_amt",
)


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """A reconciliation; its packages by their place in the order."""

    opened: ReconciliationOpened
    packages: dict[int, PackageCounted] = {}
    compared: ReconciliationCompared | None = None
    differences: tuple[Unmatched, ...] = ()
    confirmed: ReconciliationConfirmed | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all packages are there."""
        return len(self.packages) == self.opened.pack_num

    @property
    def sums(self) -> tuple[int, int]:
        """Lines and fen of the packages that are there."""
        told = self.packages.values()
        return sum(p.line_num for p in told), sum(stored_fen(p.line_amt) for p in told)

    @property
    def package_sm3s(self) -> tuple[str, ...]:
        """Of the packages that are there, in order."""
        return tuple(self.packages[number].notice_sm3 for number in sorted(self.packages))

    @property
    def state(self) -> str:
        if self.confirmed is not None:
            return CONFIRMED
        if self.compared is not None:
            return DIFFERS if self.compared.diff_num else AGREES
        return WHOLE if self.is_whole else INCOMPLETE


def opened_by(package: PackageReceived) -> ReconciliationOpened:
    """What a reconciliation is, by any of its packages."""
    return ReconciliationOpened(recon_no=package.recon_no, **_common(package))


def says_otherwise(opened: ReconciliationOpened, package: PackageReceived) -> str:
    """The first field in which a package is another reconciliation's, "" where it is of this."""
    theirs = _common(package)
    return next((name for name in _OF_ALL_PACKAGES if getattr(opened, name) != theirs[name]), "")


def _common(package: PackageReceived) -> dict[str, Any]:
    return {name: getattr(package, name) for name in _OF_ALL_PACKAGES}


def counted(found: Reconciliation, package: PackageCounted) -> Reconciliation:
    """The reconciliation with one package more."""
    return replace(found, packages={**found.packages, package.pack_no: package})


def _fold(found: Reconciliation | None, event: Event) -> Reconciliation | None:
    if isinstance(event, ReconciliationOpened):
        return Reconciliation(opened=event)
    if found is None:
        return None
    match event:
        case PackageCounted():
            return counted(found, event)
        case ReconciliationCompared():
            return replace(found, compared=event, differences=())
        case DifferencesFound():
            return replace(found, differences=(*found.differences, *event.differences))
        case ReconciliationConfirmed():
            return replace(found, confirmed=event)
    return found


def _package(before: PackageReceived | None, event: Event) -> PackageReceived | None:
    return event if isinstance(event, PackageReceived) else before


RECONCILIATION: Kind[Reconciliation] = Kind(
    name="reconciliation",
    opened_by="reconciliation.open",
    fold=_fold,
    cost=lambda found: 1 + len(found.packages) + len(found.differences),
)
PACKAGE: Kind[PackageReceived] = Kind(
    name="reconciliation_package", opened_by="reconciliation.receive", fold=_package
)


def package_number(recon_no: str, pack_no: int) -> str:
    """Of the command that brings a package."""
    return f"{recon_no}/{pack_no}"


def package_numbers(found: Reconciliation) -> Sequence[str]:
    """Of the packages that are there, in order."""
    recon_no = found.opened.recon_no
    return [package_number(recon_no, number) for number in sorted(found.packages)]
