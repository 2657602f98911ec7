"""What ``dojo up`` reads from its environment: real servers that take the place of embedded ones, ports, folders."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AliasChoices, Field, PostgresDsn, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.redisplace import RedisUrl, queue_places

Port = Annotated[int, Field(ge=1, le=65535)]
PORTS = {"web_port": 8080, "gateway_port": 8081, "livekit_port": 7880}


def named(name: str) -> Any:
    """A setting that is read from ``DOJO_<name>``, or from the usual name without the prefix; unset by default."""
    return Field(default=None, validation_alias=AliasChoices(f"DOJO_{name}", name))


class InstallationSettings(BaseSettings):
    """One machine's installation. An address that is set replaces the embedded server."""

    model_config = SettingsConfigDict(env_prefix="DOJO_", frozen=True, populate_by_name=True)

    data: Annotated[Path, Field(description="The data folder; made when missing.")] = Path(".dojo")
    database_url: PostgresDsn | None = named("DATABASE_URL")
    migration_url: PostgresDsn | None = named("MIGRATION_URL")
    redis_url: RedisUrl | None = named("REDIS_URL")
    queue_url: RedisUrl | None = None
    livekit_url: str | None = Field(default=None, validation_alias="LIVEKIT_URL")
    livekit_api_key: str | None = Field(default=None, validation_alias="LIVEKIT_API_KEY")
    livekit_api_secret: SecretStr | None = Field(default=None, validation_alias="LIVEKIT_API_SECRET")
    livekit_server: Annotated[Path | None, Field(description="A livekit-server program to run.")] = Field(
        default=None, validation_alias=AliasChoices("LIVEKIT_SERVER", "DOJO_LIVEKIT_SERVER")
    )
    livekit: Annotated[bool, Field(description="False: no audio and video.")] = True
    web_port: Port = PORTS["web_port"]
    gateway_port: Annotated[Port, Field(description="The first gateway's; the next ones follow.")] = PORTS[
        "gateway_port"
    ]
    livekit_port: Port = PORTS["livekit_port"]
    public_url: Annotated[str | None, Field(description="The address people use, when it is not web's own.")] = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.database_url is not None and self.migration_url is None:
            raise ValueError("DATABASE_URL needs MIGRATION_URL, the same database as dojo_migrator")
        if self.livekit_url is not None and (self.livekit_api_key is None or self.livekit_api_secret is None):
            raise ValueError("LIVEKIT_URL needs LIVEKIT_API_KEY and LIVEKIT_API_SECRET")
        if (queue := self.queue_url or self.redis_url) is not None:
            queue_places(queue)
        return self

    def is_chosen(self, name: str) -> bool:
        """Whether somebody set ``name``, as opposed to its default."""
        return name in self.model_fields_set


class MigrationSettings(BaseSettings):
    """What ``dojo migrate`` needs."""

    model_config = SettingsConfigDict(env_prefix="DOJO_", frozen=True)

    migration_url: Annotated[PostgresDsn, Field(description="The database as dojo_migrator.")]


class ProvisionSettings(MigrationSettings):
    """What ``dojo provision`` needs."""

    admin_url: Annotated[PostgresDsn, Field(description="The server's administrator, in another database than ours.")]
    database_url: Annotated[PostgresDsn, Field(description="The database as dojo_app.")]


class KeySettings(BaseSettings):
    """What ``dojo keys`` needs."""

    model_config = SettingsConfigDict(env_prefix="DOJO_", frozen=True)

    signing_keys: Path
