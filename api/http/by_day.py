"""What stands in a division by days (``division.by_day``): its views, lists, acts, one and many.

A read shows what a thing is on the day that is asked for (``as_of_effective``), else today; the
answer to an act what it is in the end. ``versions`` is all of it.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from msgspec import UNSET, UnsetType
from starlette.responses import Response

from api.http.bodies import ITEMS_MAX
from api.http.dependencies import OF_NUMBER
from api.http.division_bulk import division_batch_route
from api.http.division_lists import DivisionRead, respond_with_object, respond_with_objects
from api.http.division_routes import OF_DIVISION, DivisionRoute, Shown
from api.http.document_views import SubmittedView
from api.http.models.enums import ItemState
from api.http.models.lists import Page
from api.http.moments import AsOf
from api.http.pages import AskedPage
from api.http.parameters import DivisionCode
from api.http.problems import OF_LEDGER_READ, ProblemDocument, refusals
from api.http.routes import DirectRoute, LookFirst
from api.http.views import Committed, CommitView
from division.by_day import ByDay, Registered
from ledger.account_set import ledger_text
from ledger.deciding.command import Command
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import BEIJING
from ledger.errors import Code
from projections.core.moments import Moment

_ITEM = (("index", int), ("status", ItemState))
_NOT_DONE = (
    ("document", SubmittedView | UnsetType, UNSET),
    ("problem", ProblemDocument | UnsetType, UNSET),
)


class Resource:
    """One kind of thing of a division.

    Args:
        kind: of its objects; ``by_day``: how it is told.
        path: of its collection, ``accounts``.
        title: what it is called.
        codes: what its registration may be refused with; a change also with ``not_found``.
        before: what is looked at before the ledger is asked.
    """

    def __init__(
        self,
        kind: AnyKind,
        by_day: ByDay[Any],
        register: type[Command],
        change: type[Command],
        *,
        path: str,
        title: str,
        codes: Sequence[Code] = (Code.ELEMENT_INVALID,),
        before: LookFirst | None = None,
    ) -> None:
        self._kind, self._by_day, self._path, self._title = kind, by_day, path, title
        self._codes, self._before = tuple(codes), before
        self._register, self._change = register, change
        name = f"Registered{kind.name.capitalize()}"  # an account of the books is another thing
        types = {f.name: f.type for f in msgspec.structs.fields(by_day.version)}
        fixed = [(each, types[each]) for each in (by_day.number, *by_day.fixed)]
        changing = [(each, types[each]) for each in by_day.changing]
        start = ("start_date", str | None)
        self._version = _struct(f"{name}VersionView", start, *changing)
        self._view = _struct(
            f"{name}View",
            ("ledger", str),
            *fixed,
            *changing,
            start,
            ("end_date", str | None),
            *((each, str) for each in by_day.more),
            ("versions", list[self._version]),  # type: ignore[name-defined]
            ("commit", Committed, UNSET),
        )
        one = (kind.name, self._view | UnsetType, UNSET)
        self._item = _struct(f"{name}Result", *_ITEM, one, *_NOT_DONE)
        results = ("results", list[self._item])  # type: ignore[name-defined]
        self._items = _struct(f"{name}Results", results, ("commit", CommitView | None))
        self.shows = Shown(self._view, self.view_of)

    # ---- what is shown

    def view_of(self, key: int, thing: Registered[Any], *, day: date | None = None) -> Any:
        begun = [each for each in thing.versions if day is None or each.start_date <= day]
        shown = begun[-1] if begun else thing.versions[0]
        return self._view(
            ledger=ledger_text(key),
            start_date=_text(thing.start_date),
            end_date=_text(thing.end_date),
            versions=[self._version_of(each) for each in thing.versions],
            **{name: getattr(shown, name) for name in self._by_day.all_fields},
            **{name: getattr(thing, name) for name in self._by_day.more},
        )

    def _version_of(self, version: Any) -> Any:
        said = {name: getattr(version, name) for name in self._by_day.changing}
        return self._version(start_date=_text(version.start_date), **said)

    def _as_of(self, moment: Moment) -> Any:
        """The view on the day that a read asks for."""
        return partial(self.view_of, day=moment.effective or datetime.now(BEIJING).date())

    # ---- operations

    def add_reads(self, router: APIRouter) -> None:
        """Its list, and one of it."""
        kind, number, as_of = self._kind, self._by_day.number, self._as_of

        async def list_all(
            call: DivisionRead, mof_div_code: DivisionCode, asked: AskedPage, moment: AsOf
        ) -> Response:
            place = partial(_number, number)
            return await respond_with_objects(call, asked, moment, kind, as_of(moment), place)

        async def show(
            call: DivisionRead,
            mof_div_code: DivisionCode,
            named: Annotated[str, Depends(OF_NUMBER[number])],
            moment: AsOf,
        ) -> Response:
            return await respond_with_object(call, moment, kind, named, as_of(moment))

        every = f"{OF_DIVISION}/{self._path}"
        router.get(
            every,
            operation_id=f"{kind.name}.list",
            name=f"{kind.name}.list",
            summary=f"{self._title} of the division, now or as of a moment",
            response_model=Page[self._view],  # type: ignore[name-defined]
            responses=refusals(*OF_LEDGER_READ),
        )(list_all)
        router.get(
            f"{every}/{{{number}}}",
            operation_id=f"{kind.name}.show",
            name=f"{kind.name}.show",
            summary=f"One of {self._title}; as_of_effective says of which day",
            response_model=self._view,
            responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
        )(show)

    def acts(self) -> tuple[DirectRoute, ...]:
        """Registering one and many, and changes."""
        number = self._by_day.number
        return (
            DivisionRoute(
                self._register,
                self._path,
                self.shows,
                f"Register one of {self._title}",
                *self._codes,
                status=201,
                before=self._before,
                again=False,
            ),
            division_batch_route(
                self._register,
                self._path,
                self.shows,
                self._kind.name,
                item=self._item,
                answer=self._items,
                summary=f"Register up to {ITEMS_MAX} of {self._title}, in their order",
                before=self._before,
            ),
            DivisionRoute(
                self._change,
                f"{self._path}/{{{number}}}/changes",
                self.shows,
                f"Tell what of one of {self._title} is other from a day on, or that it ends",
                *sorted({*self._codes, Code.ELEMENT_INVALID, Code.NOT_FOUND}, key=lambda c: c.text),
                in_path=(number,),
                before=self._before,
                again=False,
            ),
        )


def _struct(name: str, *fields: Any) -> Any:
    return msgspec.defstruct(name, fields, kw_only=True, module=__name__)


def _number(name: str, view: Any) -> str:
    return str(getattr(view, name))


def _text(day: date | None) -> str | None:
    return None if day in (None, date.min) else day.isoformat()
