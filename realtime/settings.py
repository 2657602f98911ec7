"""Bounds of the gateway."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class RealtimeSettings(BaseSettings):
    """How much one gateway takes, and from whom."""

    model_config = SettingsConfigDict(env_prefix="DOJO_GATEWAY_", frozen=True)

    max_connections: Annotated[int, Field(ge=1, description="Sockets of all people on one gateway.")] = 20_000
    max_per_address: Annotated[int, Field(ge=1, description="Sockets from one address; a school has one.")] = 1_000
    max_per_person: Annotated[
        int,
        Field(
            ge=1,
            description="Sockets of one person on one gateway, and as many of the editor again: a window of a dojo has"
            " one of each, so this is a number of windows, and none is left with half of what it needs.",
        ),
    ] = 20
    handshakes_per_second: Annotated[float, Field(gt=0, description="New sockets from one address.")] = 50
    handshake_burst: Annotated[int, Field(ge=1, description="New sockets from one address at once.")] = 300
    connect_timeout: Annotated[float, Field(gt=0, description="Seconds until a socket must have said who it is.")] = 5
    ping_interval: Annotated[float, Field(gt=0, description="Seconds between pings.")] = 20
    ping_timeout: Annotated[float, Field(gt=0, description="Seconds until an unanswered ping ends a socket.")] = 15
    answer_timeout: Annotated[float, Field(gt=0, description="Seconds that the answer to one event may take.")] = 20
    max_packet: Annotated[int, Field(ge=1_024, description="Bytes of one Socket.IO packet of a client.")] = 65_536
    max_update: Annotated[int, Field(ge=1_024, description="Bytes of one editor update.")] = 262_144
    max_document: Annotated[int, Field(ge=65_536, description="Bytes of all updates of one document.")] = 33_554_432
    checkpoint_updates: Annotated[
        int, Field(ge=1, description="Updates since the last checkpoint that ask for one.")
    ] = 3_000
    checkpoint_bytes: Annotated[int, Field(ge=1_024, description="The same in bytes; at least half the last one.")] = (
        65_536
    )
    replay_seconds: Annotated[int, Field(ge=1, description="Processor time in which a checkpoint must be made.")] = 30
    replay_memory: Annotated[int, Field(ge=1 << 27, description="Address space, in bytes, of making one.")] = 1 << 30
    max_backlog: Annotated[int, Field(ge=16_384, description="Bytes waiting for one slow reader.")] = 1_048_576
    events_per_second: Annotated[float, Field(gt=0, description="Events of one socket.")] = 50
    event_burst: Annotated[int, Field(ge=1, description="Events of one socket at once.")] = 100
    poll_interval: Annotated[float, Field(gt=0, description="Seconds between looks at the logs, for lost hints.")] = 2
    sign_in_poll: Annotated[float, Field(gt=0, description="Seconds between looks for ended sign-ins.")] = 30
    beat_interval: Annotated[float, Field(gt=0, description="Seconds between a gateway's signs of life.")] = 5
    dead_after: Annotated[float, Field(gt=0, description="Seconds of silence after which a gateway is dead.")] = 15
    drain_spread: Annotated[float, Field(ge=0, description="Seconds over which people are sent away.")] = 3
