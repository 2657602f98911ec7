"""The whole system as a user starts it: ``dojo up`` with two gateways, and browsers."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Playwright, async_playwright

from tests.up import Up

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One running installation for all scenarios; each makes an organisation of its own."""
    with Up(tmp_path_factory.mktemp("house") / "dojo", "--gateways", "2").running() as up:
        yield up


@pytest.fixture
def address(house: Up) -> str:
    """Where people open it."""
    return house.address()["address"]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """Plain HTTP, without cookies: people here hold their tokens."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
async def playwright() -> AsyncIterator[Playwright]:
    """Drives browsers."""
    async with async_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def shots() -> Path:
    """Where pictures of what people saw are kept."""
    folder = ROOT / "tests" / "shots"
    folder.mkdir(exist_ok=True)
    return folder
