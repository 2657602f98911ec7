"""Socket.IO, version 5 of the protocol: what its text asks of a server, over real sockets."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from realtime import socketio
from realtime.socketio import ACK, CONNECT, CONNECT_ERROR, DISCONNECT, EVENT, RESERVED
from tests.realtime.wire import SOCKET, Polling, Wire, Wires, base64_of

PROTOCOL_ERROR = 1002
LONGEST = 1_000_000

Poll = Callable[..., Awaitable[Polling]]


def spot(number: Any) -> str:
    """Where an attachment belongs."""
    return json.dumps({"_placeholder": True, "num": number}, separators=(",", ":"))


async def enter(wire: Wire, namespace: str = "", payload: str = "") -> str:
    """Connect to a namespace, given as ``/name,``: the connection's id there."""
    wire.say(f"40{namespace}{payload}")
    answer = str(await wire.hear())
    assert answer.startswith(f"40{namespace}" + '{"sid":"')
    assert await wire.hear() == f'42{namespace}["auth",{payload or "{}"}]'
    return str(json.loads(answer.removeprefix(f"40{namespace}"))["sid"])


@pytest.fixture
async def wire(wires: Wires) -> Wire:
    """A connection in the main namespace."""
    found = await wires.open(SOCKET)
    await enter(found)
    return found


@pytest.fixture
async def fresh(wires: Wires) -> Wire:
    """A connection in no namespace."""
    return await wires.open(SOCKET)


async def still_talks(wire: Wire) -> None:
    """The connection goes on."""
    wire.say('420["message-with-ack","still"]')
    assert await wire.hear() == '430["still"]'


# Connection to a namespace


@pytest.mark.parametrize("namespace", ["", "/custom,"])
@pytest.mark.parametrize("payload", ["", '{"token":"123"}'])
async def test_connect_is_answered_with_a_session_id(fresh: Wire, namespace: str, payload: str) -> None:
    assert await enter(fresh, namespace, payload)


@pytest.mark.parametrize(("packet", "start"), [("40/custom", "40/custom,{"), ("40/,", "40{")])
async def test_namespaces_may_be_written_without_need(fresh: Wire, packet: str, start: str) -> None:
    fresh.say(packet)
    assert str(await fresh.hear()).startswith(start)


@pytest.mark.parametrize("name", ["/random", "/Custom", "/custom/", "/custom?token=1", "/€"])
async def test_connect_to_an_unknown_namespace_is_refused_and_another_may_follow(fresh: Wire, name: str) -> None:
    fresh.say(f"40{name},")
    assert await fresh.hear() == f'44{name},{{"message":"Invalid namespace"}}'
    await enter(fresh)


async def test_connection_may_be_in_several_namespaces(wire: Wire) -> None:
    other = await enter(wire, "/custom,")
    wire.say('42/custom,["message",1]', '42["message",2]', '42/custom,7["message-with-ack",3]')
    heard = [await wire.hear() for _ in range(3)]
    assert heard == ['42/custom,["message-back",1]', '42["message-back",2]', "43/custom,7[3]"]
    assert other not in "".join(map(str, heard))


async def test_session_ids_differ(wires: Wires) -> None:
    one, two = await wires.open(SOCKET), await wires.open(SOCKET)
    assert len({await enter(one), await enter(one, "/custom,"), await enter(two)}) == 3


@pytest.mark.parametrize("packet", ['2["message",1]', '2/custom,["message",1]', "1", "30[]", "abc", "9", "4{}"])
async def test_packet_other_than_connect_comes_first_and_closes(fresh: Wire, packet: str) -> None:
    fresh.say("4" + packet)
    assert await fresh.end() == PROTOCOL_ERROR


@pytest.mark.parametrize("packet", ["40", "40{}", "40[]", '40"x"', "401", "40{", "40null ", "401-{}"])
async def test_second_or_malformed_connect_closes(wire: Wire, packet: str) -> None:
    wire.say(packet)
    assert await wire.end() == PROTOCOL_ERROR


@pytest.mark.parametrize("packet", ["40[]", '40"x"', "40 1", "40true", "40{", "40{}{}", "40/custom,[]", "401-{}"])
async def test_connect_with_a_payload_that_is_no_object_closes(fresh: Wire, packet: str) -> None:
    fresh.say(packet)
    assert await fresh.end() == PROTOCOL_ERROR


async def test_namespaces_cannot_be_tried_without_end(fresh: Wire) -> None:
    fresh.say(*["40/random,"] * 10)
    assert await fresh.end() == PROTOCOL_ERROR


# Sending and receiving data


@pytest.mark.parametrize(
    "args", ["", ',1,"2",{"3":[true]}', ",null", ',"€ \\u2028 \U0001f600"', ",[[]],-1.5e+300", ", [ 1 ]"]
)
async def test_events_come_with_their_arguments(wire: Wire, args: str) -> None:
    wire.say(f'42["message"{args}]')
    answer = str(await wire.hear())
    assert answer.startswith('42["message-back"')
    assert json.loads(answer[2:])[1:] == json.loads(f'["message"{args}]')[1:]


async def test_events_may_be_written_with_white_space_and_escapes(wire: Wire) -> None:
    wire.say('42 [ "mess\\u0061ge" , 1 ] \n')
    assert await wire.hear() == '42["message-back",1]'


async def test_half_a_surrogate_pair_is_sent_as_it_came(wire: Wire) -> None:
    wire.say('42["message","\\ud83d"]')
    assert await wire.hear() == '42["message-back","\\ud83d"]'


async def test_events_nobody_knows_do_no_harm(wire: Wire) -> None:
    wire.say('42["no such thing",1]', '42["",1]', '42["message-with-ack"]')
    await still_talks(wire)


NO_EVENTS = [
    "2", "2{}", "2[]", "2[1]", "2[null]", '2[["message"]]', '2"message"', "2null", "2[", '2["message"', '2["message",]',
    '2["message", ]', '2["message",,1]', '2["message",NaN]', '2["message",-Infinity]', '2["message",1]x', '2["message"]]',
    '2["message",1],["x",2]', "2['message']", '2["message",01]', '2["a\nb"]', '2["message","\t"]', '2x["message"]',
    '2["message",' + "[" * 100_000, '2["message",' + "9" * 5_000 + "]",
]  # fmt: skip


@pytest.mark.parametrize("packet", NO_EVENTS, ids=lambda packet: packet[:24])
async def test_event_with_a_malformed_payload_closes(wire: Wire, packet: str) -> None:
    wire.say("4" + packet)
    assert await wire.end() == PROTOCOL_ERROR


@pytest.mark.parametrize("name", sorted(RESERVED))
async def test_reserved_names_close(wire: Wire, name: str) -> None:
    wire.say(f'42["{name}"]')
    assert await wire.end() == PROTOCOL_ERROR


@pytest.mark.parametrize("packet", ["", "4", '4{"message":"no"}', "7", "8[]", "9", "a", "-1", "٢[]", '20-["message"]'])
async def test_invalid_types_close(wire: Wire, packet: str) -> None:
    wire.say("4" + packet)
    assert await wire.end() == PROTOCOL_ERROR


async def test_events_are_answered_in_order(wire: Wire) -> None:
    wire.say(*(f'42{n}["message-with-ack",{n}]' for n in range(500)))
    assert [await wire.hear() for _ in range(500)] == [f"43{n}[{n}]" for n in range(500)]


# Acknowledgement


@pytest.mark.parametrize("number", [0, 12, 456, 9_007_199_254_740_991])
async def test_ack_has_the_number_of_its_event(wire: Wire, number: int) -> None:
    wire.say(f'42{number}["message-with-ack",1,"2",{{"3":[false]}}]')
    assert await wire.hear() == f'43{number}[1,"2",{{"3":[false]}}]'


async def test_ack_of_nothing_is_an_empty_array(wire: Wire) -> None:
    wire.say('4212["message-with-ack"]')
    assert await wire.hear() == "4312[]"


@pytest.mark.parametrize("number", ["abc", "-1", "1.5", "+1", " 1 2", "1" * 17, "٣", "1a", "/custom1"])
async def test_number_that_is_none_closes(wire: Wire, number: str) -> None:
    wire.say(f'42{number}["message-with-ack",1]')
    assert await wire.end() == PROTOCOL_ERROR


@pytest.mark.parametrize("packet", ["313[]", '313["bar"]', f"61-13[{spot(0)}]", "3[]", "31", "3"])
async def test_ack_that_nobody_asked_for_closes(wire: Wire, packet: str) -> None:
    wire.say("4" + packet)
    assert await wire.end() == PROTOCOL_ERROR


# Binary


@pytest.mark.parametrize("count", [1, 2, 10])
async def test_binary_events_and_acks_come_with_their_attachments(wire: Wire, count: int) -> None:
    parts = [bytes(range(n)) for n in range(count)]
    spots = ",".join(map(spot, range(count)))
    wire.say(f'45{count}-["message",{spots}]', *parts, f'45{count}-789["message-with-ack",{spots}]', *parts)
    assert [await wire.hear() for _ in range(count + 1)] == [f'45{count}-["message-back",{spots}]', *parts]
    assert [await wire.hear() for _ in range(count + 1)] == [f"46{count}-789[{spots}]", *parts]


async def test_attachments_go_where_they_belong(wires: Wires) -> None:
    wire = await wires.open(SOCKET)
    await enter(wire, "/custom,")
    wire.say(f'452-/custom,5["message-with-ack",{{"a":[{spot(1)}]}},{spot(0)},{spot(1)}]', b"zero", b"one")
    answer = f'463-/custom,5[{{"a":[{spot(0)}]}},{spot(1)},{spot(2)}]'
    assert [await wire.hear() for _ in range(4)] == [answer, b"one", b"zero", b"one"]


async def test_what_only_looks_like_an_attachment_stays(wire: Wire) -> None:
    wire.say('451-["message",{"_placeholder":false,"num":0},{"num":0}]', b"unused")
    assert await wire.hear() == '42["message-back",{"_placeholder":false,"num":0},{"num":0}]'


@pytest.mark.parametrize("count", ["11", "0", "999", "1000", "", "-1", "1.5"])
async def test_number_of_attachments_is_bounded(wire: Wire, count: str) -> None:
    wire.say(f'45{count}-["message",{spot(0)}]')
    assert await wire.end() == PROTOCOL_ERROR


@pytest.mark.parametrize("number", [-1, 1, 10**30, "0", True, None, 0.0, [0]])
async def test_attachment_that_is_not_there_closes(wire: Wire, number: Any) -> None:
    wire.say(f'451-["message",{spot(number)}]', b"a")
    assert await wire.end() == PROTOCOL_ERROR


async def test_text_between_attachments_closes(wire: Wire) -> None:
    wire.say(f'452-["message",{spot(0)},{spot(1)}]', b"a", '42["message"]')
    assert await wire.end() == PROTOCOL_ERROR


async def test_binary_that_was_not_announced_closes(wire: Wire) -> None:
    wire.say(f'451-["message",{spot(0)}]', b"a")
    assert await wire.hear() == f'451-["message-back",{spot(0)}]'
    assert await wire.hear() == b"a"
    wire.say(b"b")
    assert await wire.end() == PROTOCOL_ERROR


async def test_attachments_are_together_no_longer_than_one_message(wire: Wire) -> None:
    half = bytes(LONGEST // 2)
    wire.say(f'452-1["message-with-ack",{spot(0)}]', half, half)
    assert [await wire.hear() for _ in range(2)] == [f"461-1[{spot(0)}]", half]
    wire.say(f'452-["message",{spot(0)}]', half, half + b"x")
    assert await wire.end() == PROTOCOL_ERROR


# Disconnection from a namespace


async def test_leaving_one_namespace_leaves_the_others(wire: Wire) -> None:
    await enter(wire, "/custom,")
    wire.say("41/custom,")
    await still_talks(wire)
    await enter(wire, "/custom,")
    wire.say("41", '42/custom,["message",1]')
    assert await wire.hear() == '42/custom,["message-back",1]'


@pytest.mark.parametrize("packet", ['2/custom,["message"]', "3/custom,1[]", "1/custom,", '2/random,["message"]'])
async def test_packets_for_a_namespace_that_was_not_entered_close(wire: Wire, packet: str) -> None:
    wire.say("4" + packet)
    assert await wire.end() == PROTOCOL_ERROR


async def test_left_namespace_may_be_entered_again(wire: Wire) -> None:
    wire.say("41")
    await enter(wire)
    await still_talks(wire)


@pytest.mark.parametrize("packet", ['2["message"]', "41{}", "1"])
async def test_nothing_but_connect_follows_the_last_disconnect(wire: Wire, packet: str) -> None:
    wire.say("41", "4" + packet)
    assert await wire.end() == PROTOCOL_ERROR


@pytest.mark.parametrize("packet", ["1{}", "1[]", '1"x"', "1x"])
async def test_disconnect_carries_nothing(wire: Wire, packet: str) -> None:
    wire.say("4" + packet)
    assert await wire.end() == PROTOCOL_ERROR


# Long-polling


async def test_polling_carries_the_same_packets(poll: Poll) -> None:
    polling = await poll(SOCKET)
    heard: list[str] = []

    async def listen(count: int) -> list[str]:
        while len(heard) < count:
            heard.extend((await polling.get())[1].split("\x1e"))
        return heard

    await polling.post("40")
    assert (await listen(2))[0].startswith("40{")
    await polling.post(f'452-3["message-with-ack",{spot(0)},{spot(1)}]\x1ebAQI=\x1ebAw==\x1e424["message-with-ack"]')
    assert (await listen(6))[2:] == [f"462-3[{spot(0)},{spot(1)}]", base64_of(b"\1\2"), base64_of(b"\3"), "434[]"]


@pytest.mark.parametrize("packet", ['42["message"]', "4abc", "40\x1e42{}", "40\x1ebAQ=="])
async def test_polling_that_breaks_the_protocol_is_over(poll: Poll, packet: str) -> None:
    polling = await poll(SOCKET)
    await polling.post(packet)
    while (await polling.get())[0] == 200:
        pass
    assert await polling.is_over()


# The text's own examples of "Packet encoding"


@pytest.mark.parametrize(
    ("kind", "namespace", "data", "number", "encoded"),
    [
        (CONNECT, "/admin", {"sid": "oSO0"}, None, ['0/admin,{"sid":"oSO0"}']),
        (CONNECT_ERROR, "/", {"message": "Not authorized"}, None, ['4{"message":"Not authorized"}']),
        (EVENT, "/", ["foo"], None, ['2["foo"]']),
        (EVENT, "/admin", ["bar"], None, ['2/admin,["bar"]']),
        (EVENT, "/", ["baz", b"\1\2\3\4"], None, [f'51-["baz",{spot(0)}]', b"\1\2\3\4"]),
        (EVENT, "/admin", ["baz", b"\1", b"\3"], None, [f'52-/admin,["baz",{spot(0)},{spot(1)}]', b"\1", b"\3"]),
        (EVENT, "/", ["foo"], 12, ['212["foo"]']),
        (ACK, "/admin", ["bar"], 13, ['3/admin,13["bar"]']),
        (ACK, "/", ["bar", b"\1"], 15, [f'61-15["bar",{spot(0)}]', b"\1"]),
        (DISCONNECT, "/", None, None, ["1"]),
        (DISCONNECT, "/admin", None, None, ["1/admin,"]),
    ],
)
def test_packets_are_written_as_the_text_says(
    kind: int, namespace: str, data: Any, number: int | None, encoded: list[str | bytes]
) -> None:
    assert socketio.encode("json", kind, namespace=namespace, data=data, number=number) == encoded
