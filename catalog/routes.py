"""The catalogue over HTTP."""

from catalog import service
from catalog.errors import (
    FileNamesTwice,
    PageGone,
    PocChangedMeanwhile,
    PocKeptAgain,
    PocNotFound,
    ProvenanceRefused,
)
from catalog.models import NewPoc, Poc, PocChange, PocId, PocPage, PocQuery
from catalog.service import READ, WRITE
from core.call import Call
from core.errors import Forbidden
from core.routes import Routes
from core.tokens import Tokens

routes = Routes("catalog")


@routes.add("GET", "/pocs", access=READ, problems=[PageGone])
async def list_pocs(call: Call, query: PocQuery) -> PocPage:
    """Find POCs by words, language and tags; the newest first without words."""
    async with call.transaction() as tx:
        return await service.list_pocs(tx, call.actor, query)


@routes.add("POST", "/pocs", access=WRITE, status=201, problems=[FileNamesTwice, ProvenanceRefused])
async def create_poc(call: Call, body: NewPoc) -> Poc:
    """Store a POC, or keep a dojo's light as one; keeping the same light again gives the POC that is there."""
    async with call.transaction() as tx:
        return await service.create_poc(tx, call.actor, call.get(Tokens), body)


@routes.add("GET", "/pocs/{poc_id}", access=READ, problems=[PocNotFound])
async def get_poc(call: Call, poc_id: PocId) -> Poc:
    """A POC with its files."""
    async with call.transaction() as tx:
        return await service.get_poc(tx, call.actor, poc_id)


@routes.add("PATCH", "/pocs/{poc_id}", access=WRITE, problems=[Forbidden, PocNotFound, PocChangedMeanwhile])
async def change_poc(call: Call, poc_id: PocId, body: PocChange) -> Poc:
    """Change a POC that is as you saw it."""
    async with call.transaction() as tx:
        return await service.change_poc(tx, call.actor, poc_id, body)


@routes.add("DELETE", "/pocs/{poc_id}", access=WRITE, problems=[Forbidden, PocNotFound])
async def delete_poc(call: Call, poc_id: PocId) -> None:
    """Delete a POC; it can be restored."""
    async with call.transaction() as tx:
        await service.delete_poc(tx, call.actor, poc_id)


@routes.add("POST", "/pocs/{poc_id}/restore", access=WRITE, problems=[Forbidden, PocNotFound, PocKeptAgain])
async def restore_poc(call: Call, poc_id: PocId) -> Poc:
    """Bring a deleted POC back."""
    async with call.transaction() as tx:
        return await service.restore_poc(tx, call.actor, poc_id)


@routes.add("PUT", "/pocs/{poc_id}/favourite", access=READ, problems=[PocNotFound])
async def add_favourite(call: Call, poc_id: PocId) -> None:
    """Make a POC one of your favourites."""
    async with call.transaction() as tx:
        await service.add_favourite(tx, call.actor, poc_id)


@routes.add("DELETE", "/pocs/{poc_id}/favourite", access=READ)
async def remove_favourite(call: Call, poc_id: PocId) -> None:
    """Make it no favourite any more."""
    async with call.transaction() as tx:
        await service.remove_favourite(tx, call.actor, poc_id)
