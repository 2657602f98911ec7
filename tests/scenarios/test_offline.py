"""A page that is opened without a network says so, and opens when there is one again."""

from playwright.async_api import Playwright, expect

from tests.scenarios.network import Network
from tests.scenarios.people import Person, a_browser

WHAT_IS_KEPT = """async () => {
    const caches_ = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
    const requests = (await Promise.all(caches_.map((cache) => cache.keys()))).flat();
    return requests.map((request) => new URL(request.url).pathname).sort();
}"""


async def test_an_opened_page_says_that_there_is_no_network(playwright: Playwright, address: str) -> None:
    async with Network.running() as network, a_browser(playwright, network.url) as browser:
        ana = await Person.at(browser, "Ana")
        await ana.page.goto(address)
        await ana.sees("Get started")
        await ana.page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
        await ana.page.goto(f"{address}/sign-in")
        await ana.page.wait_for_function("navigator.serviceWorker.controller !== null")
        network.cut()
        await ana.page.reload()
        await ana.sees("You are offline")
        assert await ana.page.evaluate(WHAT_IS_KEPT) == ["/icon.svg", "/offline.html", "/offline.js", "/theme.js"]
        network.mend()
        await ana.press("Try again")
        await expect(ana.page.get_by_label("E-mail", exact=True)).to_be_visible()
        assert ana.complaints == []
