"""Pictures of POCs, at rest."""

from uuid import UUID

from core.model import Model


class PocFacts(Model):
    """What the catalogue's view ``catalog_poc_facts`` tells of a POC, as far as its picture shows it."""

    revision: int
    name: str
    languages: tuple[str, ...]
    authors: tuple[str, ...]
    excerpt_name: str
    excerpt: str


class Cover(Model):
    """The picture of a POC as it was at ``revision``; ``key`` says where its bytes lie."""

    poc_id: UUID
    revision: int
    key: str
    bytes: int
    width: int
    height: int


class RenderCover(Model):
    """Job: draw the POC as it is now and keep the picture."""

    poc_id: UUID
    revision: int
    """What it had when the job was asked for."""
