"""The one base of all rows, results and wire bodies, and the identifiers they share."""

import secrets
import time
from datetime import UTC, datetime
from typing import Annotated, Any, NewType, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

TenantId = NewType("TenantId", UUID)
UserId = NewType("UserId", UUID)

NIL = UUID(int=0)
"""RFC 9562 nil UUID: stands for nobody where a null would mean anybody."""

Instant = Annotated[float, Field(ge=0, description="Seconds since the Unix epoch, on the server's clock.")]
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")
]
"""One visible line of text that a person typed: a name, a title."""


class Model(BaseModel):
    """A frozen value that refuses fields it does not know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", from_attributes=True, json_schema_serialization_defaults_required=True
    )

    @classmethod
    def trusted(cls, **fields: Any) -> Self:
        """All fields as they are, which are trusted: ``model_construct`` without its price."""
        made = object.__new__(cls)
        put = object.__setattr__
        put(made, "__dict__", fields)
        put(made, "__pydantic_fields_set__", set(fields))
        put(made, "__pydantic_extra__", None)
        put(made, "__pydantic_private__", None)
        return made

    def replace(self, **changes: Any) -> Self:
        """A copy with other values in some fields, which are trusted: ``model_copy`` without its price.

        A field that had its default still counts as unset, which matters to ``exclude_unset`` alone.
        """
        copied = object.__new__(type(self))
        put = object.__setattr__
        put(copied, "__dict__", {**self.__dict__, **changes})
        put(copied, "__pydantic_fields_set__", self.__pydantic_fields_set__)
        put(copied, "__pydantic_extra__", None)
        put(copied, "__pydantic_private__", None)
        return copied


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562 §5.7): ordered by creation to the millisecond, 74 random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC)
