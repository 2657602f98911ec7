"""A web process with catalogue and media, on a database of its own, and what the worker would do."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

import catalog
import media
from core.call import Principal, Resources
from core.db import Database
from core.model import TenantId, UserId, new_id
from core.outbox import Delivery, Handlers, take
from core.process import Process, resources_of, web_application
from core.settings import CoreSettings
from core.tokens import Tokens


class World(NamedTuple):
    """One installation, as far as these packages need it."""

    client: TestClient[web.Request, web.Application]
    resources: Resources
    handlers: Handlers
    folder: Path
    alice: Principal
    bob: Principal
    eve: Principal

    def header(self, person: Principal) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.resources.get(Tokens).access(person)}"}

    async def store(self, owner: Principal, **more: Any) -> dict[str, Any]:
        body = {"name": "FizzBuzz", "files": [{"name": "fizzbuzz.py", "text": "def fizz():\n    return 1\n"}], **more}
        async with self.client.post("/api/pocs", json=body, headers=self.header(owner)) as response:
            assert response.status == 201
            answer: dict[str, Any] = await response.json()
            return answer

    async def cover(self, viewer: Principal, poc_id: str, **headers: str) -> tuple[int, bytes, Mapping[str, str]]:
        url = f"/api/covers/{poc_id}"
        async with self.client.get(url, headers={**self.header(viewer), **headers}) as response:
            return response.status, await response.read(), response.headers

    async def deliver(self) -> list[Delivery]:
        """Hand everything in the outbox to its listeners and jobs, as relay and worker do; what was handed."""
        handed: list[Delivery] = []
        while True:
            async with self.resources.get(Database).system() as queries:
                rows = await take(queries)
            for row in rows:
                for handler in sorted(self.handlers.of_kind(row.kind)):
                    delivery = Delivery(tenant_id=row.tenant_id, id=row.id, handler=handler, payload=row.payload)
                    await self.handlers.deliver(self.resources, delivery)
                    handed.append(delivery)
            if not rows:
                return handed

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


def person(tenant_id: TenantId, name: str) -> Principal:
    return Principal(
        tenant_id=tenant_id,
        user_id=UserId(new_id()),
        name=name,
        role="member",
        scopes=frozenset({"pocs:read", "pocs:write"}),
        sign_in_id=UUID(int=1),
        expires_at=time.time() + 600,
    )


async def tenant(resources: Resources) -> TenantId:
    tenant_id = TenantId(new_id())
    async with resources.get(Database).transaction(tenant_id) as tx:
        await tx.run("INSERT INTO tenants (tenant_id, name) VALUES ($1, 'Dojo')", tenant_id)
    return tenant_id


@pytest.fixture
async def world(settings: CoreSettings, new_database: Callable[[], Any], tmp_path: Path) -> AsyncIterator[World]:
    packages = [catalog.package, media.package]
    own = {**settings.model_dump(), "database_url": new_database().app, "data_dir": tmp_path, "database_pool": 4}
    process = Process(CoreSettings.model_validate(own), packages, frozenset({"catalog", "media"}))
    listeners = [item for package in packages if package.listeners for item in package.listeners.items]
    jobs = [item for package in packages if package.jobs for item in package.jobs.items]
    async with resources_of(process) as resources, TestClient(TestServer(web_application(process))) as client:
        ours = await tenant(resources)
        alice, bob = person(ours, "Alice"), person(ours, "Bob")
        eve = person(await tenant(resources), "Eve")
        yield World(client, resources, Handlers(listeners, jobs), tmp_path / "media", alice, bob, eve)
