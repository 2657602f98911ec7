"""Pictures (later: recordings and videos) of what was made."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.process import Package, Process
from media.jobs import jobs
from media.listeners import listeners
from media.routes import routes
from media.storage import Storage


@asynccontextmanager
async def lifespan(process: Process) -> AsyncIterator[None]:
    """Provide the storage."""
    process.resources.provide(Storage, Storage(process.settings.data_dir / "media"))
    yield


package = Package("media", routes=(routes,), listeners=listeners, jobs=jobs, lifespan=lifespan)
