"""Counting and queueing on Redis servers of all kinds: what the bus understands, everybody understands."""

import asyncio
import gc
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu import pools
from pydantic import ValidationError

from core.errors import TooMany, Unavailable
from core.jobs import TASK, Queue, broker_of
from core.limits import Limits
from core.model import Model, new_id
from core.redisplace import places
from core.settings import CoreSettings
from tests.core.redis_servers import ask, clustered, redis_server, watched
from tests.core.tls import TlsLine
from tests.core.waiting import PATIENCE

SCALE = 0.1
"""Of the limits: three sign-ins a minute."""


@pytest.fixture(autouse=True)
def _hang_up() -> Iterator[None]:
    """Celery's connections end with the test; those that broke it forgets without closing them."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        pools.reset()
        gc.collect()


class Word(Model):
    """Something to queue."""

    text: str


async def tries(url: str, caller: str) -> int:
    """How many sign-ins of a caller are let through by a process that has counted none of them yet."""
    limits = Limits(url, SCALE, timeout=PATIENCE)
    found = await asyncio.gather(*(limits.take("auth", caller) for _ in range(6)), return_exceptions=True)
    await limits.close()
    assert all(each is None or isinstance(each, TooMany) for each in found)
    return found.count(None)


async def is_counted_together(url: str) -> bool:
    """Whether a second process knows what the first one counted; at the turn of a minute it may let one more through."""
    caller = str(new_id())
    return await tries(url, caller) == 3 and await tries(url, caller) <= 1


def is_queued(url: str) -> bool:
    """Whether what is put into the queue comes out of it, after what was there already."""
    word, queue = Word(text=str(new_id())), Queue(url)
    if not is_taken(queue, word):
        return False
    with queue.celery.connection_for_read() as connection, connection.SimpleQueue("celery") as waiting:
        while True:
            message: Any = waiting.get(timeout=5)
            message.ack()
            assert message.headers["task"] == TASK
            if message.payload[0] == [word.model_dump()]:
                return True


def is_taken(queue: Queue, word: Word) -> bool:
    """Whether something can be put into it now."""
    try:
        queue.send(word)
    except Unavailable:
        return False
    return True


async def until_counted(url: str) -> None:
    """Wait until it is counted there."""
    async with asyncio.timeout(PATIENCE):
        while not await is_counted_together(url):
            pass


async def until_used(url: str) -> None:
    """Wait until it is counted and queued there."""
    await until_counted(url)
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread(is_queued, url):
            pass


async def test_password_user_database_and_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "redis.socket"
    options = ("requirepass a%b", "user ana on >c:d ~* &* +@all", f"unixsocket {path}")
    with redis_server(tmp_path, *options) as (port, _):
        for url in (f"redis://ana:c%3Ad@127.0.0.1:{port}/3", f"unix://:a%25b@{path}?db=3"):
            await until_used(url)
        assert not await is_counted_together(f"redis://:wrong@127.0.0.1:{port}/0")


async def test_tls_server_must_prove_who_it_is(tmp_path: Path) -> None:
    with redis_server(tmp_path) as (port, _):
        async with TlsLine(tmp_path, port).open() as line:
            url = f"rediss://localhost:{line.port}/0"
            trusting = f"{url}?ssl_ca_certs={line.certificate}"
            await until_used(trusting)
            pools.reset()  # Celery keeps connections by address, whatever it was told of TLS
            assert not await is_counted_together(url)
            assert not await asyncio.to_thread(is_queued, url)
            pools.reset()
            assert line.refused


async def test_sentinel_names_the_master_also_after_it_died(tmp_path: Path) -> None:
    with watched(tmp_path, "user ana on >c:d ~* &* +@all") as servers:
        url = servers.url.replace("://", "://ana:c%3Ad@") + "/3"  # whom the Sentinels do not know
        assert not await is_counted_together(url.replace("%3A", ""))
        limits, queue = Limits(url, SCALE), Queue(url)
        await limits.take("auth", "somebody")
        assert await asyncio.to_thread(is_taken, queue, Word(text="before"))
        servers.master.kill()
        await until_used(url)
        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(is_taken, queue, Word(text="after")):
                pass
        for _ in range(3):
            await limits.take("auth", "somebody else")  # with the client of before
        assert await tries(url, "somebody else") <= 1
        await limits.close()


async def test_sentinels_may_want_a_sign_in_and_tls_of_their_own(tmp_path: Path) -> None:
    with watched(tmp_path) as servers:
        ask(servers.sentinel_port, "ACL", "SETUSER", "asker", "on", ">c:d", "+@all", "~*", "&*")
        ask(servers.sentinel_port, "ACL", "SETUSER", "default", "off")
        async with TlsLine(tmp_path, servers.sentinel_port).open() as line:
            url = f"redis+sentinel://localhost:{line.port}/dojo?sentinel_ssl=1&ssl_ca_certs={line.certificate}"
            signed_in = f"{url}&sentinel_username=asker&sentinel_password=c%3Ad"
            await until_used(signed_in)
            assert (await places(signed_in).find())[0].place.tls is None
            for refused in (url, signed_in.replace("%3A", ""), signed_in.replace("sentinel_ssl=1", "")):
                with pytest.raises(ConnectionError, match="no Sentinel knows"):
                    await places(refused).find()


async def test_cluster_counts(tmp_path: Path) -> None:
    with clustered(tmp_path) as (first, second):
        for _ in range(4):  # callers of both nodes' slots
            await until_counted(f"redis+cluster://127.0.0.1:{first},127.0.0.1:{second}/")


@pytest.mark.parametrize("setting", ["redis_url", "queue_url"])
def test_cluster_is_no_queue_and_the_setting_says_what_to_do(settings: CoreSettings, setting: str) -> None:
    cluster = "redis+cluster://127.0.0.1:1/"
    with pytest.raises(ValidationError, match=r"DOJO_QUEUE_URL must name one Redis .* or Sentinels"):
        CoreSettings.model_validate({**settings.model_dump(), setting: cluster})
    with pytest.raises(ValueError, match="DOJO_QUEUE_URL"):
        Queue(cluster)
    both = {**settings.model_dump(), "redis_url": cluster, "queue_url": "redis://127.0.0.1:1/0"}
    assert CoreSettings.model_validate(both).redis_url == cluster


def test_broker_in_celerys_words() -> None:
    trusted = "/etc/ssl/certs/ca-certificates.crt"
    url, options, tls = broker_of(f"redis+sentinel://u:p%40@one:1,[::1]:2/dojo/4?ssl=1&ssl_ca_certs={trusted}")
    assert url == "sentinel://u:p%40@one:1/4;sentinel://u:p%40@[::1]:2/4"
    assert options["master_name"] == "dojo"
    assert tls == {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": trusted}
    assert broker_of("unix:///run/redis.sock?db=2")[0] == "redis+socket:///run/redis.sock?virtual_host=2"
