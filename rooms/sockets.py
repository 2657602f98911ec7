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


async def give(call: SocketCall, command: Command) -> Numbered:
    """What most doors do: give the command to the dojo."""
    return await service.give(call.get(LiveRooms), call.actor, command)


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
        if not await service.enter_room(live, call.actor, payload):
            await call.connection.subscribe(lobby)
            return Entered(status="waiting", server_time=live.now())
        await call.connection.unsubscribe(lobby)
        await call.connection.subscribe(room)  # before the snapshot: an event may repeat, none is lost
        return await service.snapshot(live, call.actor, payload)
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
async def send_chat(call: SocketCall, payload: commands.SendChat) -> Numbered:
    """Say something to all, or to one."""
    return await give(call, payload)


@sockets.on("hand:set", problems=[*LEADING, errors.UnknownPerson])
async def set_hand(call: SocketCall, payload: commands.SetHand) -> Numbered:
    """Raise or lower a hand."""
    return await give(call, payload)


@sockets.on("away:set", problems=INSIDE)
async def set_away(call: SocketCall, payload: commands.SetAway) -> Numbered:
    """Say whether the page is being looked at."""
    return await give(call, payload)


@sockets.on("people:admit", problems=[*LEADING, errors.UnknownPerson, errors.RoomFull])
async def admit_people(call: SocketCall, payload: commands.AdmitPeople) -> Numbered:
    """Let people in who wait."""
    return await give(call, payload)


@sockets.on("person:deny", problems=[*LEADING, errors.UnknownPerson])
async def deny_person(call: SocketCall, payload: commands.DenyPerson) -> Numbered:
    """Do not let someone in."""
    return await give(call, payload)


@sockets.on("person:role", problems=[*LEADING, errors.UnknownPerson, errors.OwnerStays, errors.LastHost])
async def change_role(call: SocketCall, payload: commands.ChangeRole) -> Numbered:
    """Give someone another role."""
    return await give(call, payload)


@sockets.on("person:speech", problems=[*LEADING, errors.UnknownPerson, errors.OwnerStays])
async def set_speech(call: SocketCall, payload: commands.SetSpeech) -> Numbered:
    """Take away, or give back, someone's right to be heard."""
    return await give(call, payload)


@sockets.on("person:remove", problems=[*LEADING, errors.UnknownPerson, errors.OwnerStays])
async def remove_person(call: SocketCall, payload: commands.RemovePerson) -> Numbered:
    """Remove someone, or ban them."""
    return await give(call, payload)


@sockets.on("rotation:start", problems=[*LEADING, errors.RotationRunning, errors.NobodyToRotate])
async def start_rotation(call: SocketCall, payload: commands.StartRotation) -> Numbered:
    """Start the clock that rotates the keyboard."""
    return await give(call, payload)


@sockets.on("rotation:control", problems=[*LEADING, errors.RotationNotRunning])
async def control_rotation(call: SocketCall, payload: commands.ControlRotation) -> Numbered:
    """Pause, resume, stop, skip or shuffle."""
    return await give(call, payload)


@sockets.on("rotation:extend", problems=[*LEADING, errors.RotationNotRunning])
async def extend_turn(call: SocketCall, payload: commands.ExtendTurn) -> Numbered:
    """Make this turn longer or shorter."""
    return await give(call, payload)


@sockets.on("rotation:reorder", problems=[*LEADING, errors.UnknownPerson, errors.NamedTwice, errors.OnlyWatching])
async def reorder_rotation(call: SocketCall, payload: commands.ReorderRotation) -> Numbered:
    """Set the order of driving."""
    return await give(call, payload)


@sockets.on("keyboard:ask", problems=[*INSIDE, errors.RotationNotRunning, errors.OnlyWatching])
async def ask_keyboard(call: SocketCall, payload: commands.AskKeyboard) -> Numbered:
    """Ask the driver for the keyboard."""
    return await give(call, payload)


@sockets.on("light:report", problems=[*DOING, errors.FilesTooLarge])
async def report_light(call: SocketCall, payload: commands.ReportLight) -> Numbered:
    """Say how a test run ended, with the files that it ran."""
    return await service.report_light(call.get(LiveRooms), call.actor, payload)


@sockets.on("file:add", problems=[*DOING, errors.FileNameTaken, errors.TooManyFiles])
async def add_file(call: SocketCall, payload: commands.AddFile) -> Numbered:
    """Add an empty file."""
    return await give(call, payload)


@sockets.on("file:rename", problems=[*DOING, errors.FileNotFound, errors.FileNameTaken])
async def rename_file(call: SocketCall, payload: commands.RenameFile) -> Numbered:
    """Give a file another name."""
    return await give(call, payload)


@sockets.on("file:remove", problems=[*DOING, errors.FileNotFound, errors.LastFile])
async def remove_file(call: SocketCall, payload: commands.RemoveFile) -> Numbered:
    """Take a file out of the dojo."""
    return await give(call, payload)


@sockets.on("phase:set", problems=LEADING)
async def set_phase(call: SocketCall, payload: commands.SetPhase) -> Numbered:
    """Go to another phase."""
    return await give(call, payload)


@sockets.on("session:close", problems=LEADING)
async def close_session(call: SocketCall, payload: commands.CloseSession) -> Numbered:
    """End the session for everybody."""
    return await give(call, payload)


@sockets.on("signal:send", problems=INSIDE)
def send_signal(call: SocketCall, payload: commands.SendSignal) -> Awaitable[None] | None:
    """Send a reaction or a typing mark; it may be lost."""
    return service.send_signal(call.get(LiveRooms), call.get(Bus), call.actor, payload)
