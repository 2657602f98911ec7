"""Ids where there are thousands a second."""

from uuid import UUID

from asyncpg.pgproto import pgproto


def light_id(value: int) -> UUID:
    """A UUID as the database driver has them: equal to any other, made and written at a third of the price."""
    return pgproto.UUID(value.to_bytes(16, "big"))
