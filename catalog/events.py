"""What the catalogue announces to other packages."""

from catalog.models import PocId
from core.model import Model


class PocChanged(Model):
    """A POC was stored, changed or restored; ``revision`` is what it has now."""

    poc_id: PocId
    revision: int


class PocDeleted(Model):
    """A POC was deleted; it may be restored, with a ``PocChanged``."""

    poc_id: PocId
    revision: int
