"""The Socket.IO door of rooms."""

from collections.abc import Awaitable

from core.bus import Bus
from core.call import Resources
from core.errors import Conflict, Forbidden, NotFound
from core.model import UserId
from core.sockets import Channel, SocketCall, Sockets
from rooms import commands, errors, service
from rooms.answers import Entered, Numbered
from rooms.channels import lobby_channel, room_channel
from rooms.decide import Command
from rooms.events import LobbyChanged, RoomEntry, RoomSignal
from rooms.live import LiveRooms
from rooms.models import RoomId

sockets = Sockets("rooms")

sockets.sends("room:event", RoomEntry, "Something happened in the dojo; in the order of ``seq``, without gaps.")
sockets.sends("room:signal", RoomSignal, "A reaction or a typing mark; it may be lost.")
sockets.sends("lobby:changed", LobbyChanged, "To who waits: let in (enter again), not let in, or the dojo is over.")

INSIDE = (errors.RoomNotFound, errors.RoomClosed, errors.NotAdmitted)
LEADING = (*INSIDE, errors.HostsOnly)
DOING = (*INSIDE, errors.NotYourTurn, errors.OnlyWatching)


def give(call: SocketCall, command: Command) -> Awaitable[Numbered]:
    """What most doors do: give the command to the dojo."""
    return service.give(call.get(LiveRooms), call.actor, command)


def channels_of(call: SocketCall, room_id: RoomId) -> tuple[Channel, Channel]:
    """The dojo's channel, and that of those who wait."""
    tenant_id = call.actor.tenant_id
    return room_channel(tenant_id, room_id), lobby_channel(tenant_id, room_id)


@sockets.on(
    "room:enter",
    problems=[
        errors.RoomNotFound,
        errors.RoomClosed,
        errors.RoomFull,
        errors.LobbyFull,
        errors.NotInvited,
        errors.Banned,
        errors.NotAdmitted,
    ],
)
async def enter_room(call: SocketCall, payload: commands.EnterRoom) -> Entered:
    """Come in, or knock; a client that comes back says what it has and gets what it missed."""
    live = call.get(LiveRooms)
    room, lobby = channels_of(call, payload.room_id)
    await call.connection.enter(room)  # before the event: a connection that breaks in between is noticed
    try:
        entered = await service.enter_room(live, call.actor, payload)
        if entered is None:
            await call.connection.unsubscribe(room)
            await call.connection.subscribe(lobby)
            return Entered(status="waiting", server_time=live.now())
        await call.connection.unsubscribe(lobby)
        heard = await call.connection.subscribe(room, entered)  # before the snapshot: none is lost
        return await service.snapshot(live, call.actor, payload, heard)
    except (Forbidden, NotFound, Conflict):  # anything else may be stored: presence stays, so that its end is noticed
        await call.connection.unsubscribe(room)
        await call.connection.leave(room)
        raise


@sockets.on("room:leave", problems=[errors.RoomNotFound, errors.RoomClosed])
async def leave_room(call: SocketCall, payload: commands.LeaveRoom) -> Numbered:
    """Leave for good."""
    done = await give(call, payload)
    room, lobby = channels_of(call, payload.room_id)
    await call.connection.unsubscribe(room)
    await call.connection.unsubscribe(lobby)
    await call.connection.leave(room)
    return done


@sockets.gone("room")
async def lose_connection(resources: Resources, channel: Channel, user_id: UserId) -> None:
    """Someone's last connection broke: their seat is kept for a while."""
    await service.lose_connection(resources.get(LiveRooms), channel.tenant_id, RoomId(channel.id), user_id)


@sockets.on("chat:send", problems=[*INSIDE, errors.UnknownPerson])
def send_chat(call: SocketCall, payload: commands.SendChat) -> Awaitable[Numbered]:
    """Say something to all, or to one."""
    return give(call, payload)


@sockets.on("hand:set", problems=[*LEADING, errors.UnknownPerson])
def set_hand(call: SocketCall, payload: commands.SetHand) -> Awaitable[Numbered]:
    """Raise or lower a hand."""
    return give(call, payload)


@sockets.on("away:set", problems=INSIDE)
def set_away(call: SocketCall, payload: commands.SetAway) -> Awaitable[Numbered]:
    """Say whether the page is being looked at."""
    return give(call, payload)


@sockets.on("people:admit", problems=[*LEADING, errors.UnknownPerson, errors.RoomFull])
def admit_people(call: SocketCall, payload: commands.AdmitPeople) -> Awaitable[Numbered]:
    """Let people in who wait."""
    return give(call, payload)


@sockets.on("person:deny", problems=[*LEADING, errors.UnknownPerson])
def deny_person(call: SocketCall, payload: commands.DenyPerson) -> Awaitable[Numbered]:
    """Do not let someone in."""
    return give(call, payload)


@sockets.on("person:role", problems=[*LEADING, errors.UnknownPerson, errors.OwnerStays, errors.LastHost])
def change_role(call: SocketCall, payload: commands.ChangeRole) -> Awaitable[Numbered]:
    """Give someone another role."""
    return give(call, payload)


@sockets.on("person:speech", problems=[*LEADING, errors.UnknownPerson, errors.OwnerStays])
def set_speech(call: SocketCall, payload: commands.SetSpeech) -> Awaitable[Numbered]:
    """Take away, or give back, someone's right to be heard."""
    return give(call, payload)


@sockets.on("person:remove", problems=[*LEADING, errors.UnknownPerson, errors.OwnerStays])
def remove_person(call: SocketCall, payload: commands.RemovePerson) -> Awaitable[Numbered]:
    """Remove someone, or ban them."""
    return give(call, payload)


@sockets.on("rotation:start", problems=[*LEADING, errors.RotationRunning, errors.NobodyToRotate])
def start_rotation(call: SocketCall, payload: commands.StartRotation) -> Awaitable[Numbered]:
    """Start the clock that rotates the keyboard."""
    return give(call, payload)


@sockets.on("rotation:control", problems=[*LEADING, errors.RotationNotRunning])
def control_rotation(call: SocketCall, payload: commands.ControlRotation) -> Awaitable[Numbered]:
    """Pause, resume, stop, skip or shuffle."""
    return give(call, payload)


@sockets.on("rotation:extend", problems=[*LEADING, errors.RotationNotRunning])
def extend_turn(call: SocketCall, payload: commands.ExtendTurn) -> Awaitable[Numbered]:
    """Make this turn longer or shorter."""
    return give(call, payload)


@sockets.on("rotation:reorder", problems=[*LEADING, errors.UnknownPerson, errors.NamedTwice, errors.OnlyWatching])
def reorder_rotation(call: SocketCall, payload: commands.ReorderRotation) -> Awaitable[Numbered]:
    """Set the order of driving."""
    return give(call, payload)


@sockets.on("keyboard:ask", problems=[*INSIDE, errors.RotationNotRunning, errors.OnlyWatching])
def ask_keyboard(call: SocketCall, payload: commands.AskKeyboard) -> Awaitable[Numbered]:
    """Ask the driver for the keyboard."""
    return give(call, payload)


@sockets.on("light:report", problems=[*DOING, errors.FilesTooLarge])
async def report_light(call: SocketCall, payload: commands.ReportLight) -> Numbered:
    """Say how a test run ended, with the files that it ran."""
    return await service.report_light(call.get(LiveRooms), call.actor, payload)


@sockets.on("file:add", problems=[*DOING, errors.FileNameTaken, errors.TooManyFiles])
def add_file(call: SocketCall, payload: commands.AddFile) -> Awaitable[Numbered]:
    """Add an empty file."""
    return give(call, payload)


@sockets.on("file:rename", problems=[*DOING, errors.FileNotFound, errors.FileNameTaken])
def rename_file(call: SocketCall, payload: commands.RenameFile) -> Awaitable[Numbered]:
    """Give a file another name."""
    return give(call, payload)


@sockets.on("file:remove", problems=[*DOING, errors.FileNotFound, errors.LastFile])
def remove_file(call: SocketCall, payload: commands.RemoveFile) -> Awaitable[Numbered]:
    """Take a file out of the dojo."""
    return give(call, payload)


@sockets.on("phase:set", problems=LEADING)
def set_phase(call: SocketCall, payload: commands.SetPhase) -> Awaitable[Numbered]:
    """Go to another phase."""
    return give(call, payload)


@sockets.on("session:close", problems=LEADING)
def close_session(call: SocketCall, payload: commands.CloseSession) -> Awaitable[Numbered]:
    """End the session for everybody."""
    return give(call, payload)


@sockets.on("signal:send", problems=INSIDE)
def send_signal(call: SocketCall, payload: commands.SendSignal) -> Awaitable[None] | None:
    """Send a reaction or a typing mark; it may be lost."""
    return service.send_signal(call.get(LiveRooms), call.get(Bus), call.actor, payload)
