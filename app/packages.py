"""The packages of Live Dojo, put together."""

from pathlib import Path

import catalog
import identity
import media
import realtime
import rooms
from app.client import client_package
from app.reference import reference_package
from core.process import Package
from rooms.settings import LiveKitSettings

DIST = Path(__file__).parent.parent / "web" / "dist"


def doors() -> tuple[Package, ...]:
    """The packages that have doors; nothing is configured or opened."""
    return (identity.package, rooms.package, catalog.package, media.package, realtime.package)


def installed() -> tuple[Package, ...]:
    """The packages that have doors, their reference documents, and the web client, which answers all other paths."""
    return (*doors(), reference_package(doors()), client_package(DIST, livekit_origin(LiveKitSettings())))


def livekit_origin(settings: LiveKitSettings) -> str | None:
    """Where browsers find LiveKit, without a path; None where there is none."""
    address = settings.public_url or settings.url
    if address is None or not address.host:
        return None
    return f"{address.scheme}://{address.host}" + (f":{address.port}" if address.port else "")
