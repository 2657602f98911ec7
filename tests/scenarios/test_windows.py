"""One person with more windows than the server lets in: the page says so, and goes on when another window is closed."""

from collections.abc import Iterator

import aiohttp
import pytest
from playwright.async_api import Playwright, expect

from tests.scenarios.people import PATIENCE, Person, a_browser
from tests.scenarios.programs import Caller
from tests.up import Up

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def narrow_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """An installation in which each person has one window."""
    settings = {"DOJO_GATEWAY_MAX_PER_PERSON": "1", "DOJO_LIVEKIT": "false"}
    with Up(tmp_path_factory.mktemp("narrow") / "dojo", settings=settings).running() as up:
        yield up


async def test_window_too_many_says_so_and_goes_on_when_another_is_closed(
    narrow_house: Up, http: aiohttp.ClientSession, playwright: Playwright
) -> None:
    address = narrow_house.address()["address"]
    host = await Caller(http, address).sign_up("Ana")
    room = (await host.ask("POST", "/api/rooms", {"kata": "fizzbuzz"})).body
    async with a_browser(playwright) as browser:
        bea = await Person.at(browser, "Bea")
        await bea.page.goto(f"{address}/j/{room['code']}")
        await bea.fill("Your name", bea.name)
        await bea.press("Join")
        await bea.sees("You knocked")
        second = await bea.context.new_page()
        await second.goto(bea.page.url)
        main = second.get_by_role("main")
        await expect(main).to_contain_text(
            "You have too many windows open. Close some, and this one goes on by itself.", timeout=PATIENCE
        )
        await bea.page.close()
        await expect(main).to_contain_text("You knocked", timeout=PATIENCE)
        assert bea.complaints == []
