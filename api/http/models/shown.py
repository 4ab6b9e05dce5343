"""How a field is published where the program holds it as something plainer."""

from typing import Any

from msgspec import Meta
from pydantic import BaseModel, ConfigDict, Field


def shown_as(kind: Any) -> Meta:
    """For ``Annotated[str, shown_as(SomeEnum)]``: text in the program, an enum in the document."""
    return Meta(extra={"published": kind})


def may_be_missing(**about: Any) -> Any:
    """For a field of a model: it may be missing, which says nothing about what it is then.

    A ``default`` in the document would have generated clients take it for one that is always there.
    """
    return Field(default=None, json_schema_extra=_without_default, **about)


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


class ActAnswer(BaseModel):
    """What the route of the act itself answers; its members are those of that route."""

    model_config = ConfigDict(extra="allow")


class ActBody(BaseModel):
    """What the route of the act itself was asked, with what stood in its address."""

    model_config = ConfigDict(extra="allow")
