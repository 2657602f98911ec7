"""The gateway's own door, and what it sends by itself."""

from core.errors import Forbidden, Unauthenticated
from core.sockets import SocketCall, Sockets
from core.tokens import Tokens
from realtime.models import Drain, Expelled, NodeStatus, Nothing, RenewSession

sockets = Sockets("realtime")
sockets.sends("node:drain", Drain, "This gateway stops; connect again, to another of those that it names.")
sockets.sends("node:status", NodeStatus, "The gateways lost each other, or met again; also to who comes meanwhile.")
sockets.sends("session:ended", Nothing, "You were signed out; the connection closes.")
sockets.sends("room:expelled", Expelled, "You do not hear this room any more: a host removed you, or you left.")


@sockets.on("session:renew", problems=[Forbidden, Unauthenticated])
async def renew_session(call: SocketCall, payload: RenewSession) -> None:
    """Go on with a new access token; a connection ends when its token expires."""
    call.connection.renew(call.get(Tokens).principal(payload.token))
