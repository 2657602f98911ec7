"""What a caller of the catalogue can act on."""

from core.errors import Conflict, Invalid, NotFound


class PocNotFound(NotFound):
    """There is no such POC, or it is not yours to see."""

    slug = "poc-not-found"


class PocChangedMeanwhile(Conflict):
    """Someone changed this POC since you opened it; look at it again, then repeat your change."""

    slug = "poc-changed-meanwhile"


class PocKeptAgain(Conflict):
    """You have kept this light again since you deleted this POC; there is no need to restore it."""

    slug = "poc-kept-again"


class FileNamesTwice(Invalid):
    """Two files of a POC cannot have the same name."""

    slug = "file-names-twice"


class ProvenanceRefused(Invalid):
    """We cannot confirm which dojo these files come from; open the light again and keep it from there."""

    slug = "provenance-refused"


class PageGone(Invalid):
    """This page of the list cannot be continued; start the search again."""

    slug = "page-gone"
