"""What every process needs to know; packages add their own settings in the same form.

Read once, in ``app``, and passed in. Nobody else looks at the environment.
"""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, PostgresDsn, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.redisplace import RedisUrl, queue_places


class CoreSettings(BaseSettings):
    """The servers and secrets shared by all processes of one installation."""

    model_config = SettingsConfigDict(env_prefix="DOJO_", frozen=True)

    database_url: Annotated[PostgresDsn, Field(description="The app role's address; it owns no table.")]
    redis_url: Annotated[
        RedisUrl,
        Field(
            description="redis://, rediss://, unix://, redis+sentinel://host,host/service"
            " or redis+cluster://host,host/?sharded=1."
        ),
    ]
    bus_url: Annotated[RedisUrl | None, Field(description="The Redis of the bus, if another.")] = None
    queue_url: Annotated[RedisUrl | None, Field(description="The Redis of the queue, if another; no cluster.")] = None
    failpoints: Annotated[str, Field(description="Faults on purpose: point[+PASSES]=crash|error|delay:SECONDS, …")] = ""
    secret: Annotated[SecretStr, Field(min_length=32, description="Signs passes and bus envelopes.")]
    signing_keys: Annotated[Path, Field(description="JWK Set (RFC 7517) file; the first key signs, all verify.")]
    public_url: Annotated[str, Field(description="Where people's browsers reach us, without a trailing slash.")]
    gateway_urls: Annotated[
        tuple[str, ...], Field(description="Gateways as browsers reach them; none means the public address.")
    ] = ()
    data_dir: Annotated[Path, Field(description="Files that must outlive the process.")]
    database_pool: Annotated[int, Field(ge=1, le=100, description="Connections of one process.")] = 8
    database_timeout: Annotated[float, Field(gt=0, description="Seconds after which a statement is given up.")] = 10
    rate_scale: Annotated[float, Field(gt=0, description="Multiplies every rate limit; load tests raise it.")] = 1
    trusted_hops: Annotated[
        int, Field(ge=0, le=5, description="Proxies in front of us whose X-Forwarded-… headers are believed.")
    ] = 0
    log_json: bool = True

    @model_validator(mode="after")
    def _can_queue(self) -> Self:
        queue_places(self.queue_url or self.redis_url)
        return self
