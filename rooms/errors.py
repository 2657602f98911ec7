"""What can be wrong with a request to a dojo. Titles are read on the screen and say what is so."""

from core.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge, Unavailable


class RoomNotFound(NotFound):
    """There is no such dojo, or it is not yours to see."""

    slug = "room-not-found"


class SessionNotFound(NotFound):
    """This dojo had no such session."""

    slug = "session-not-found"


class LightNotFound(NotFound):
    """There is no such test run in this dojo."""

    slug = "light-not-found"


class FileNotFound(NotFound):
    """The file is no longer part of the dojo."""

    slug = "file-not-found"


class UnknownKata(NotFound):
    """There is no kata of this name in the library."""

    slug = "unknown-kata"


class UnknownPerson(NotFound):
    """This person is not in the dojo."""

    slug = "unknown-person"


class TrackNotFound(NotFound):
    """This person has no such track."""

    slug = "track-not-found"


class LinkNotFound(NotFound):
    """This link leads nowhere; ask for a new one."""

    slug = "link-not-found"


class RoomFull(Conflict):
    """All seats of the dojo are taken."""

    slug = "room-full"


class LobbyFull(Conflict):
    """Too many people wait at the door; try again in a moment."""

    slug = "lobby-full"


class RoomClosed(Conflict):
    """The dojo is not being held now."""

    slug = "room-closed"


class RoomAlreadyOpen(Conflict):
    """The dojo is being held already."""

    slug = "room-already-open"


class SeatsTaken(Conflict):
    """More people than that are in the dojo."""

    slug = "seats-taken"


class NotAdmitted(Forbidden):
    """You are not in this dojo; come in, or knock, first."""

    slug = "not-admitted"


class NotInvited(Forbidden):
    """This dojo is for members of its organisation."""

    slug = "not-invited"


class Banned(Forbidden):
    """You were removed from this dojo and cannot come back."""

    slug = "banned"


class HostsOnly(Forbidden):
    """Only a host of the dojo can do this."""

    slug = "hosts-only"


class NotYourRoom(Forbidden):
    """Only the dojo's owner, or an administrator, can do this."""

    slug = "not-your-room"


class NotYourTurn(Forbidden):
    """Somebody else has the keyboard; ask for it."""

    slug = "not-your-turn"


class OnlyWatching(Forbidden):
    """Spectators watch; ask a host for another role."""

    slug = "only-watching"


class LastHost(Conflict):
    """Somebody must run the dojo; make another person host first."""

    slug = "last-host"


class OwnerStays(Conflict):
    """The dojo's owner is always its host."""

    slug = "owner-stays"


class RotationRunning(Conflict):
    """The rotation is running already."""

    slug = "rotation-running"


class RotationNotRunning(Conflict):
    """The rotation is not running."""

    slug = "rotation-not-running"


class NobodyToRotate(Conflict):
    """Nobody who could drive is here."""

    slug = "nobody-to-rotate"


class FileNameTaken(Conflict):
    """Another file of the dojo has this name."""

    slug = "file-name-taken"


class TooManyFiles(Conflict):
    """The dojo has as many files as it can."""

    slug = "too-many-files"


class LastFile(Conflict):
    """A dojo needs at least one file."""

    slug = "last-file"


class NamedTwice(Invalid):
    """The order names somebody twice."""

    slug = "named-twice"


class FilesTooLarge(TooLarge):
    """The files are too large to be kept with the test run."""

    slug = "files-too-large"


class NoMedia(Unavailable):
    """Audio and video are not available here; everything else works."""

    slug = "no-media"
