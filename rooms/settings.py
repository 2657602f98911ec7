"""How rooms reaches LiveKit, and when it tidies up."""

from typing import Annotated

from pydantic import AnyUrl, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class LiveKitSettings(BaseSettings):
    """How we reach LiveKit; without address, key and secret there is no audio and video."""

    model_config = SettingsConfigDict(env_prefix="LIVEKIT_", frozen=True)

    url: Annotated[AnyUrl | None, Field(description="LiveKit as we reach it: ws, wss, http or https.")] = None
    public_url: Annotated[AnyUrl | None, Field(description="LiveKit as browsers reach it; none: the same.")] = None
    api_key: str | None = None
    api_secret: Annotated[SecretStr | None, Field(min_length=32)] = None
    token_ttl: Annotated[float, Field(ge=30, le=600, description="Seconds in which a token opens a connection.")] = 120


class RoomSettings(BaseSettings):
    """When dojos are tidied up, in seconds."""

    model_config = SettingsConfigDict(env_prefix="ROOMS_", frozen=True)

    empty_timeout: Annotated[float, Field(ge=1, description="An empty dojo closes after this; never in a break.")] = 60
    unvisited_timeout: Annotated[float, Field(ge=1, description="The same, where nobody came in yet.")] = 900
    reconcile_every: Annotated[float, Field(ge=1, description="Between two comparisons with LiveKit.")] = 60
