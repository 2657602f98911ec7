"""The messages of y-websocket, and their bounds."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Awareness as PeerAwareness
from pycrdt import Doc

from realtime import ysync
from realtime.lib0 import MAX_SAFE, Malformed, Reader, check_json, varbytes, varstring, varuint


@given(st.integers(0, MAX_SAFE))
def test_varuint_reads_what_it_wrote(value: int) -> None:
    reader = Reader(varuint(value))
    assert reader.varuint() == value
    reader.finish()


@given(st.text())
def test_string_reads_what_it_wrote(value: str) -> None:
    assert Reader(varstring(value)).string() == value


@given(st.dictionaries(st.integers(0, MAX_SAFE), st.integers(0, MAX_SAFE), max_size=9))
def test_vector_reads_what_it_wrote(vector: dict[int, int]) -> None:
    assert ysync.read_vector(ysync.write_vector(vector)) == vector


@given(st.binary(max_size=200))
def test_read_messages_raises_nothing_else(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        assert ysync.read_messages(data) or not data


def test_read_messages_knows_every_message_of_a_client() -> None:
    states = varbytes(varuint(1) + varuint(7) + varuint(2) + varstring('{"user":{"id":"x"}}'))
    data = b"".join(
        (
            ysync.write_ask_state({1: 2}),
            ysync.write_answer(b"\x00\x00"),
            ysync.write_update(b"\x00\x00"),
            b"\x01" + states,
            b"\x03",
            b"\x64\x00\x01",
            b"\x64\x01\x05" + varbytes(b"\x00\x00"),
        )
    )
    assert ysync.read_messages(data) == [
        ysync.AskState(ysync.write_vector({1: 2})),
        ysync.Update(b"\x00\x00"),
        ysync.Update(b"\x00\x00"),
        ysync.Awareness((ysync.AwarenessEntry(7, 2, '{"user":{"id":"x"}}'),)),
        ysync.AskAwareness(),
        ysync.Hello(),
        ysync.Update(b"\x00\x00", 5),
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x02\x00", "unknown-message"),
        (b"\x00\x03\x00", "unknown-message"),
        (b"\x64\x02\x01", "unknown-message"),
        (b"\x03" * 65, "too-many-messages"),
        (b"\x00\x00\x02\x01", "truncated"),
        (b"\x01" + varbytes(b"\x01\x01\x01" + varstring("x" * 9000)), "awareness-too-large"),
        (b"\x01" + varbytes(b"\x7f"), "count-beyond-end"),
    ],
)
def test_read_messages_refuses(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        ysync.read_messages(data)


def test_read_vector_refuses_a_client_twice() -> None:
    with pytest.raises(Malformed, match="client-twice"):
        ysync.read_vector(b"\x02\x01\x01\x01\x02")


def test_vector_and_awareness_have_a_bounded_number_of_clients() -> None:
    clients = dict.fromkeys(range(ysync.MAX_STATE_VECTOR_CLIENTS), 1)
    assert ysync.read_vector(ysync.write_vector(clients)) == clients
    with pytest.raises(Malformed, match="too-many-clients"):
        ysync.read_vector(ysync.write_vector({**clients, ysync.MAX_STATE_VECTOR_CLIENTS: 1}))
    entries = [varuint(client) + b"\x01" + varstring("{}") for client in range(ysync.MAX_AWARENESS_ENTRIES + 1)]
    most = varuint(len(entries) - 1) + b"".join(entries[:-1])
    assert len(ysync.read_awareness(most)) == ysync.MAX_AWARENESS_ENTRIES
    with pytest.raises(Malformed, match="awareness-too-large"):
        ysync.read_awareness(varuint(len(entries)) + b"".join(entries))


@pytest.mark.parametrize(
    ("state", "reason"),
    [("[1]", "awareness-not-an-object"), ("{" * 20, "too-deep"), ('{"a":"' + "x" * 8200 + '"}', "awareness-too-large")],
)
def test_read_awareness_state_refuses(state: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        ysync.read_awareness_state(state)


def test_write_awareness_is_what_a_peer_reads() -> None:
    peer = PeerAwareness(Doc())
    message = ysync.write_awareness([(7, 1, json.dumps({"user": {"name": "Ana"}}))])
    peer.apply_awareness_update(Reader(message[1:]).buffer(), "remote")
    assert peer.states[7] == {"user": {"name": "Ana"}}


def test_check_json_counts_brackets_outside_strings_only() -> None:
    assert check_json(json.dumps({"a": "[" * 40}), max_depth=4) == {"a": "[" * 40}
