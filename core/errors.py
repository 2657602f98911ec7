"""The tree of errors that a caller can act on (RFC 9457 problem details).

A docstring's first line is the public title: write it for the person who reads it on the screen.
Anything raised that is not a ``Problem`` is logged and leaves the process as a bare ``internal``.
"""

from typing import ClassVar

from core.model import Model

PROBLEM_BASE = "/problems/"


class ProblemBody(Model):
    """RFC 9457 problem details, the same over HTTP and in Socket.IO acknowledgements."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    retry_after: float | None = None
    errors: tuple[dict[str, str], ...] = ()


class Problem(Exception):
    """Something went wrong on our side."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"

    def __init__(
        self, detail: str = "", *, retry_after: float | None = None, errors: tuple[dict[str, str], ...] = ()
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after
        self.errors = errors

    @classmethod
    def title(cls) -> str:
        """The public title: the first line of the docstring."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    def body(self) -> ProblemBody:
        """The wire form."""
        return ProblemBody(
            type=PROBLEM_BASE + self.slug,
            title=self.title(),
            status=self.status,
            code=self.slug,
            detail=self.detail,
            retry_after=self.retry_after,
            errors=self.errors,
        )


class Invalid(Problem):
    """Some of what you sent cannot be accepted."""

    status = 422
    slug = "invalid"


class Unauthenticated(Problem):
    """Sign in to go on."""

    status = 401
    slug = "unauthenticated"


class Forbidden(Problem):
    """You may not do this here."""

    status = 403
    slug = "forbidden"


class NotFound(Problem):
    """There is nothing here, or it is not yours to see."""

    status = 404
    slug = "not-found"


class Conflict(Problem):
    """This does not fit what is there now."""

    status = 409
    slug = "conflict"


class Gone(Problem):
    """This was here and is not any more."""

    status = 410
    slug = "gone"


class TooLarge(Problem):
    """This is larger than we take."""

    status = 413
    slug = "too-large"


class TooSlow(Problem):
    """This took too long to come; look at the connection and try again."""

    status = 408
    slug = "too-slow"


class TooMany(Problem):
    """Too many requests; wait a little."""

    status = 429
    slug = "too-many"


class Unavailable(Problem):
    """A part that this needs is not answering; try again in a moment."""

    status = 503
    slug = "unavailable"
