"""POCs: small pieces of code that someone is proud of."""

from datetime import datetime
from typing import Annotated, Literal, NewType
from uuid import UUID

from pydantic import Field, StringConstraints

from core.model import Line, Model, UserId

PocId = NewType("PocId", UUID)
Tag = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9+#.-]{0,31}$")
]
Tags = Annotated[tuple[Tag, ...], Field(max_length=20)]
Visibility = Literal["private", "tenant"]


class PocFile(Model):
    """A file of a POC."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]
    text: Annotated[str, StringConstraints(max_length=100_000, pattern=r"^[^\x00]*$")]


class Origin(Model):
    """The dojo light that a POC was kept from, as rooms vouched for it."""

    room_id: UUID
    session_id: UUID
    light_id: UUID
    dojo: str
    kata: str
    colour: str


class NewPoc(Model):
    """A POC to store. With ``provenance`` (from ``GET …/lights/{id}``) its origin and authors are the dojo's."""

    name: Line
    description: Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")] = ""
    languages: Tags = ()
    tags: Tags = ()
    files: Annotated[tuple[PocFile, ...], Field(min_length=1, max_length=50)]
    visibility: Visibility = "tenant"
    provenance: str | None = None


class PocChange(Model):
    """What the owner changes; what is absent stays. ``revision`` is the one they saw."""

    revision: int
    name: Line | None = None
    description: Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")] | None = None
    languages: Tags | None = None
    tags: Tags | None = None
    visibility: Visibility | None = None


class PocSummary(Model):
    """A POC in a list."""

    id: PocId
    name: str
    description: str
    languages: tuple[str, ...]
    tags: tuple[str, ...]
    authors: tuple[str, ...]
    owner_id: UserId
    visibility: Visibility
    favourite: bool
    created_at: datetime
    revision: int


class Poc(PocSummary):
    """A POC, whole."""

    files: tuple[PocFile, ...]
    origin: Origin | None


class PocQuery(Model):
    """What to find: words anywhere, a language, tags (all of them), only favourites or own."""

    q: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] = ""
    language: Tag | None = None
    tag: tuple[Tag, ...] = ()
    only: Literal["all", "favourites", "mine"] = "all"
    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 30


class Facet(Model):
    """A value and how many of the POCs found have it."""

    value: str
    count: int


class PocPage(Model):
    """POCs found, best first (newest first without words), with facets over all found."""

    items: tuple[PocSummary, ...]
    total: int
    languages: tuple[Facet, ...]
    tags: tuple[Facet, ...]
    cursor: str | None
