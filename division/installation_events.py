"""What happens to installations 异地系统: programs elsewhere that keep other ledgers."""

from typing import ClassVar

from ledger.events import Event, Traits, register


class InstallationRegistered(Event, frozen=True, kw_only=True):
    """The ledgers of the divisions whose codes begin so are kept elsewhere, and reached there."""

    TYPE: ClassVar[str] = "installation.registered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="installation", asked_by="installation.register", title="异地系统登记"
    )
    division: str
    name: str
    url: str
    by: str


class InstallationChanged(Event, frozen=True, kw_only=True):
    """It is reached otherwise from now on; one that had ended is heard again."""

    TYPE: ClassVar[str] = "installation.changed"
    TRAITS: ClassVar[Traits] = Traits(
        subject="installation", asked_by="installation.change", title="异地系统变更"
    )
    division: str
    change_no: str
    name: str
    url: str
    by: str


class InstallationEnded(Event, frozen=True, kw_only=True):
    """Nothing is brought there any more, and nothing that comes from there is heard."""

    TYPE: ClassVar[str] = "installation.ended"
    TRAITS: ClassVar[Traits] = Traits(
        subject="installation", asked_by="installation.end", title="异地系统终止"
    )
    division: str
    change_no: str
    by: str


register(InstallationRegistered, InstallationChanged, InstallationEnded)
