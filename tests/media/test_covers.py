"""A POC's picture, from the catalogue's event to the browser, and gone with the POC."""

import asyncio
import io
from uuid import UUID

from PIL import Image

from core.db import Database
from media import service
from media.models import RenderCover
from media.storage import Storage
from tests.media.conftest import World


def decoded(picture: bytes) -> "Image.Image":
    image = Image.open(io.BytesIO(picture))
    image.load()
    assert (image.format, image.size) == ("PNG", (1200, 630))
    return image


async def test_a_stored_poc_gets_its_picture(world: World) -> None:
    poc = await world.store(world.alice)
    assert (await world.cover(world.alice, poc["id"]))[0] == 404
    await world.deliver()
    status, picture, headers = await world.cover(world.bob, poc["id"])
    assert status == 200
    assert headers["Content-Type"] == "image/png"
    assert headers["Cache-Control"] == "private, max-age=60"
    colours = decoded(picture).getcolors(1 << 20)
    assert colours is not None
    assert len(colours) > 50
    assert world.files() == [f"t/{world.alice.tenant_id}/covers/{poc['id']}/1.png"]


async def test_who_has_the_picture_is_not_sent_it_again(world: World) -> None:
    poc = await world.store(world.alice)
    await world.deliver()
    _, _, headers = await world.cover(world.alice, poc["id"])
    status, body, again = await world.cover(world.alice, poc["id"], **{"If-None-Match": headers["ETag"]})
    assert (status, body, again["ETag"]) == (304, b"", headers["ETag"])
    status, body, _ = await world.cover(world.alice, poc["id"], **{"If-None-Match": '"other"'})
    assert (status, body[:4]) == (200, b"\x89PNG")


async def test_a_change_makes_a_new_picture_and_removes_the_old(world: World) -> None:
    poc = await world.store(world.alice)
    await world.deliver()
    _, before, headers = await world.cover(world.alice, poc["id"])
    change = {"revision": 1, "name": "Bowling"}
    async with world.client.patch(f"/api/pocs/{poc['id']}", json=change, headers=world.header(world.alice)) as response:
        assert response.status == 200
    await world.deliver()
    status, after, newer = await world.cover(world.alice, poc["id"], **{"If-None-Match": headers["ETag"]})
    assert status == 200
    assert newer["ETag"] != headers["ETag"]
    assert decoded(before).tobytes() != decoded(after).tobytes()
    assert world.files() == [f"t/{world.alice.tenant_id}/covers/{poc['id']}/2.png"]


async def test_the_picture_is_for_those_who_may_see_the_poc(world: World) -> None:
    private = await world.store(world.alice, visibility="private")
    await world.deliver()
    assert (await world.cover(world.alice, private["id"]))[0] == 200
    assert (await world.cover(world.bob, private["id"]))[0] == 404
    assert (await world.cover(world.eve, private["id"]))[0] == 404
    url = f"/api/covers/{private['id']}"
    async with world.client.get(url) as response:
        assert response.status == 401
    bare = world.bob.model_copy(update={"scopes": frozenset({"rooms:read"})})
    assert (await world.cover(bare, private["id"]))[0] == 403
    assert (await world.cover(world.alice, "no-id"))[0] == 404


async def test_deleting_the_poc_removes_picture_and_file_and_restoring_makes_them_anew(world: World) -> None:
    poc = await world.store(world.alice)
    await world.deliver()
    url = f"/api/pocs/{poc['id']}"
    async with world.client.delete(url, headers=world.header(world.alice)) as response:
        assert response.status == 204
    assert (await world.cover(world.alice, poc["id"]))[0] == 404
    await world.deliver()
    assert world.files() == []
    async with world.client.post(url + "/restore", headers=world.header(world.alice)) as response:
        assert response.status == 200
    await world.deliver()
    assert (await world.cover(world.alice, poc["id"]))[0] == 200


async def test_a_repeated_delivery_changes_nothing(world: World) -> None:
    poc = await world.store(world.alice)
    handed = await world.deliver()
    assert [delivery.handler for delivery in handed] == ["media.request_cover", "media.render_cover"]
    _, before, _ = await world.cover(world.alice, poc["id"])
    for delivery in handed:
        await world.handlers.deliver(world.resources, delivery)
    assert await world.deliver() == []
    assert (await world.cover(world.alice, poc["id"]))[1] == before


async def test_a_job_for_a_deleted_poc_leaves_nothing(world: World) -> None:
    poc = await world.store(world.alice)
    async with world.client.delete(f"/api/pocs/{poc['id']}", headers=world.header(world.alice)) as response:
        assert response.status == 204
    await world.deliver()
    assert world.files() == []


async def test_rendering_and_removing_at_once_leaves_nothing(world: World) -> None:
    database, storage = world.resources.get(Database), world.resources.get(Storage)
    poc = await world.store(world.alice)
    poc_id = UUID(poc["id"])

    async def render() -> None:
        async with database.transaction(world.alice.tenant_id) as tx:
            await service.render_cover(tx, storage, RenderCover(poc_id=poc_id, revision=1))

    async def remove() -> None:
        async with world.client.delete(f"/api/pocs/{poc_id}", headers=world.header(world.alice)) as response:
            assert response.status == 204
        async with database.transaction(world.alice.tenant_id) as tx:
            await service.remove_cover(tx, storage, poc_id)

    await asyncio.gather(render(), render(), remove())
    assert world.files() == []
    async with database.transaction(world.alice.tenant_id) as tx:
        assert await tx.rows("SELECT poc_id FROM covers WHERE tenant_id = $1", tx.tenant_id) == []


async def test_a_lost_file_is_an_absent_picture(world: World) -> None:
    poc = await world.store(world.alice)
    await world.deliver()
    (world.folder / world.files()[0]).unlink()
    assert (await world.cover(world.alice, poc["id"]))[0] == 404
