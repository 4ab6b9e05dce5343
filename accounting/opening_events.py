"""期初余额: what a ledger's books begin the year with."""

from typing import ClassVar

from accounting.entered_rows import EnteredRow, NamedAccount
from ledger.events import LEDGER, Event, Traits, register


class OpeningRow(EnteredRow, frozen=True, kw_only=True, omit_defaults=True):
    """A balance as it is entered."""


class OpeningLoaded(Event, frozen=True, kw_only=True):
    """期初余额装入; ``accounts`` are those of its rows, in their order. Its journal follows."""

    TYPE: ClassVar[str] = "opening.loaded"
    TRAITS: ClassVar[Traits] = Traits(
        subject="opening",
        asked_by="opening.load",
        step="journals",
        title="期初余额",
        of_year="opens",
    )
    opening_no: str
    book: str
    rows: tuple[OpeningRow, ...]
    accounts: tuple[NamedAccount, ...]
    by: str


class BookOpened(Event, frozen=True, kw_only=True):
    """A book has its openings: it gets no others."""

    TYPE: ClassVar[str] = "ledger.book_opened"
    TRAITS: ClassVar[Traits] = Traits(subject=LEDGER, title="账簿启用")
    book: str
    opening_no: str


register(OpeningLoaded, BookOpened)
