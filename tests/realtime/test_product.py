"""The gateway as it is shipped: with the doors of every package."""

import json

import aiohttp
from aiohttp import web

from app.packages import doors
from core.process import Process, drain, resources_of, web_application
from core.settings import CoreSettings
from core.tokens import Tokens
from realtime.hub import Hub
from tests.realtime.conftest import Person


async def test_gateway_of_the_product_answers_its_doors(settings: CoreSettings, tokens: Tokens, person: Person) -> None:
    process = Process(settings, doors(), frozenset({"realtime"}))
    async with resources_of(process):
        runner = web.AppRunner(web_application(process), handle_signals=False, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        names = {event.name for package in process.packages if package.sockets for event in package.sockets.items}
        assert {"session:renew", "room:enter", "chat:send"} <= names
        assert process.resources.has(Hub)
        async with aiohttp.ClientSession() as http, http.get(f"{url}/health/ready") as answer:
            assert (await answer.json())["status"] == "ready"
            ws = await http.ws_connect(f"{url}/socket.io/?EIO=4&transport=websocket")
            await ws.receive_str()
            await ws.send_str("40" + json.dumps({"token": tokens.access(person("Ana"))}))
            assert (await ws.receive_str()).startswith("40{")
            for number, name in enumerate(sorted(names)):
                await ws.send_str(f"42{number}" + json.dumps([name, {}]))
                refused = json.loads((await ws.receive_str()).removeprefix(f"43{number}"))
                assert refused[0]["problem"]["code"] == "invalid", name
        process.draining.set()
        await drain(process)
        await runner.cleanup()
