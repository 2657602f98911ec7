"""People, organisations and sign-ins: what identity offers to ``app``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.process import Package, Process
from identity.passwords import Passwords
from identity.routes import routes, well_known
from identity.settings import IdentitySettings
from identity.throttle import Throttle


@asynccontextmanager
async def lifespan(process: Process) -> AsyncIterator[None]:
    """Provide the password pool and the throttle; settings that were provided before are kept."""
    resources = process.resources
    if not resources.has(IdentitySettings):
        resources.provide(IdentitySettings, IdentitySettings())
    settings = resources.get(IdentitySettings)
    throttle = Throttle(process.settings.redis_url, settings)
    passwords = Passwords(settings)
    resources.provide(Throttle, throttle)
    resources.provide(Passwords, passwords)
    try:
        yield
    finally:
        passwords.close()
        await throttle.close()


package = Package(name="identity", routes=(routes, well_known), lifespan=lifespan)
