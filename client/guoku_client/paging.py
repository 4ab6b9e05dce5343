"""Lists as iterators: page by page, as far as somebody goes on."""

from typing import TypeVar

import msgspec

from guoku_client.call import Answer, Call, Many, Part, Query, asking, reader
from guoku_client.shown import LedgerEvent, Page

T = TypeVar("T")
PAGE_ITEMS, EVENTS_AT_ONCE = 500, 1000

_event = msgspec.json.Decoder(LedgerEvent)


def listed(path: str, kind: type[T], query: Query, page_size: int = PAGE_ITEMS) -> Many[T]:
    """A list; the cursor carries the filter, which is sent with it all the same."""
    read_page = reader(Page[kind])  # type: ignore[valid-type]

    def page_at(cursor: str | None) -> Call[Part[T]]:
        def read(answer: Answer) -> Part[T]:
            page = read_page(answer)
            further = page.next_cursor
            return Part(page.items, lambda: page_at(further) if further is not None else None)

        return asking(path, read, **{**query, "page_size": page_size, "cursor": cursor})

    return Many(lambda: page_at(None))


def events_after(path: str, position: int) -> Many[LedgerEvent]:
    """The events of a ledger in their order, without gaps, up to where it stands at the end."""

    def portion_after(position: int) -> Call[Part[LedgerEvent]]:
        def read(answer: Answer) -> Part[LedgerEvent]:
            events = [_event.decode(line) for line in answer.content.splitlines() if line]
            return Part(events, lambda: portion_after(events[-1].position) if events else None)

        return asking(path, read, after=position, limit=EVENTS_AT_ONCE)

    return Many(lambda: portion_after(position))
