"""What a caller of media can act on."""

from core.errors import NotFound


class CoverNotFound(NotFound):
    """There is no picture of this POC yet, or it is not yours to see."""

    slug = "cover-not-found"
