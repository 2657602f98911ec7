"""How strictly identity works."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class IdentitySettings(BaseSettings):
    """Costs, bounds and lifetimes. The argon2id costs are OWASP's first choice for servers (m=19 MiB, t=2, p=1)."""

    model_config = SettingsConfigDict(env_prefix="IDENTITY_", frozen=True)

    argon2_memory_kib: Annotated[int, Field(ge=8, le=1_048_576)] = 19_456
    argon2_passes: Annotated[int, Field(ge=1, le=20)] = 2
    argon2_lanes: Annotated[int, Field(ge=1, le=8)] = 1
    password_threads: Annotated[int, Field(ge=1, le=32, description="Passwords checked at one time.")] = 2
    password_waiting: Annotated[int, Field(ge=0, le=1_000, description="Checks that may wait; more get a 503.")] = 32
    refresh_ttl: Annotated[float, Field(ge=600, description="Seconds that an unused sign-in lasts.")] = 30 * 86_400.0
    guest_ttl: Annotated[float, Field(ge=600, description="The same for a guest.")] = 86_400.0
    retry_window: Annotated[
        float, Field(ge=0, le=120, description="Seconds in which a spent refresh token may honestly come again.")
    ] = 30.0
    invitation_ttl: Annotated[float, Field(ge=0, description="Seconds that an invitation lasts.")] = 7 * 86_400.0
    throttle_free: Annotated[int, Field(ge=1, description="Tries of one account and address without delay.")] = 4
    throttle_first: Annotated[float, Field(gt=0, description="The first delay in seconds; each next doubles.")] = 1.0
    throttle_most: Annotated[float, Field(gt=0, description="The longest delay in seconds.")] = 300.0
    throttle_memory: Annotated[float, Field(gt=0, description="Seconds after which tries are forgotten.")] = 1_800.0
    origins: Annotated[
        tuple[str, ...], Field(description="Origins besides the public address that may use the session cookie.")
    ] = ()
