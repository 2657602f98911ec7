"""Beside people who do not read: what the others notice of them, and what they cost in memory."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from loadtests.bench import table
from loadtests.bench.generator import Seat
from loadtests.bench.hubs import Bench, Load, Measured, Outcomes, alternated
from loadtests.bench.machine import resident
from loadtests.bench.peers import OURS, Server

DEAF = 8
WINDOW = 4_096
"""Bytes that each of them lets the kernel take."""
PATIENCE = 10.0
LOAD = Load(event="chat:send", rooms=1, people=50, rate=300, seconds=5)
"""Long enough that a megabyte waits behind what the kernel takes, also in a short run."""


def slow(bench: Bench) -> None:
    """One room of 50 who chat, by themselves and beside eight who hear and do not read, until these are cut off."""
    table.heading(f"one room of 50, chat, 300 events/s, alone and beside {DEAF} who do not read")
    server = bench.dojo.server()
    seats = bench.seats(server, LOAD.rooms, LOAD.people)
    deaf = [Seat(server.addresses[0], "", *place) for place in bench.dojo.places([seats[0].group], DEAF)]
    company: dict[str, list[Seat]] = {OURS: [], f"{OURS}, beside them": deaf}
    outcomes: Outcomes = {name: [] for name in company}
    _round(bench, server, seats, [])  # for warmth
    for number in range(bench.rounds):
        for name in alternated(list(company), number):
            bench.quieten()
            outcomes[name].append(_round(bench, server, seats, company[name]))
    table.show(outcomes, [OURS])
    alone, others = (table.delivery(outcomes, name, 0.99) for name in outcomes)
    table.goals([table.Goal("delivery p99 × without them", 1.25, others / alone)])
    bench.keep("slow", outcomes)


def _round(bench: Bench, server: Server, seats: list[Seat], deaf: list[Seat]) -> Measured:
    words = {"event": LOAD.event, "rate": LOAD.rate, "window": LOAD.window, "senders": LOAD.people}
    with bench.generator.people("socketio", seats):
        bench.generator.answer("enter", parallel=32)
        bench.generator.run(seconds=1.0, **words)
        before = resident(server.pids)
        with _listening(deaf) as sockets:
            found = bench.measured(server, seconds=bench.seconds * LOAD.seconds, **words)
            grown = resident(server.pids) - before
            if deaf:
                gone = sum(map(_is_cut_off, sockets))
                print(f"    {gone} of {DEAF} were cut off; the gateway grew by {grown / 1e6:.1f} MB", flush=True)
                bench.faults += [] if gone == DEAF else [f"slow: {DEAF - gone} who do not read were not cut off"]
    bench.left(server, seats)
    bench.note(server, found.run, "slow")
    return found


@contextmanager
def _listening(seats: list[Seat]) -> Iterator[list[socket.socket]]:
    """People who have entered their room, and read nothing from then on."""
    sockets = [_entered(seat) for seat in seats]
    try:
        yield sockets
    finally:
        for each in sockets:
            each.close()


def _entered(seat: Seat) -> socket.socket:
    host, _, port = seat.address.rpartition(":")
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW)
    found.settimeout(PATIENCE)
    found.connect((host, int(port)))
    found.sendall(
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    found.sendall(_frame("40" + json.dumps({"token": seat.token})))
    found.sendall(_frame('420["room:enter",' + json.dumps({"room_id": seat.group, "op_id": str(uuid4())}) + "]"))
    heard = b""
    while b'"status":"in"' not in heard:
        heard += found.recv(65_536)
    return found


def _frame(text: str) -> bytes:
    """A masked text frame with a mask of zeros (RFC 6455 §5.2)."""
    body = text.encode()
    size = bytes((0x80 | len(body),)) if len(body) < 126 else b"\xfe" + len(body).to_bytes(2, "big")
    return b"\x81" + size + bytes(4) + body


def _is_cut_off(found: socket.socket) -> bool:
    """Whether nothing more comes after what the kernel still had."""
    try:
        while found.recv(65_536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True
