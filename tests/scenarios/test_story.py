"""The main job, as one story: a dojo that runs itself, in two real browsers."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, Playwright, expect

from core.model import new_id
from tests.scenarios.network import Network
from tests.scenarios.people import PATIENCE, PHONE, Person, a_browser

SOLUTION = """def fizzbuzz(number):
return "Fizz" * (number % 3 == 0) + "Buzz" * (number % 5 == 0) or str(number)
"""
LAPTOP_WAKES = 60_000
"""Milliseconds for Pyodide's first start on two busy cores."""


async def sign_up(person: Person, address: str) -> None:
    """A new organisation with this person as its owner."""
    await person.page.goto(f"{address}/sign-up")
    await person.fill("Organisation", f"Casa {person.name}")
    await person.fill("Name", person.name)
    await person.fill("E-mail", f"{new_id()}@example.org")
    await person.fill("Password", "a long enough password")
    await person.press("Sign up")
    await person.sees("Start a dojo")


async def start_dojo(host: Person) -> str:
    """Two clicks from home to a room; the link to share."""
    await host.page.get_by_role("link", name="Start a dojo").first.click()
    await host.press("Create dojo")
    await expect(host.page.locator(host.code)).to_be_visible(timeout=PATIENCE)
    await host.press("Copy link")
    link: str = await host.page.evaluate("navigator.clipboard.readText()")
    return link


async def knock(guest: Person, link: str) -> None:
    """Open the link without an account, say a name, and wait."""
    await guest.page.goto(link)
    await guest.fill("Your name", guest.name)
    await guest.press("Join")
    await guest.sees("You knocked")


async def come_in(host: Person, guest: Person, link: str) -> None:
    """Knock and be let in."""
    await knock(guest, link)
    await host.press("Let in")
    await expect(guest.page.locator(guest.code)).to_be_visible(timeout=PATIENCE)


async def moving_pictures(page: Page, count: int) -> None:
    """Wait until ``count`` videos play: their clocks run and their pictures have a size."""
    await page.wait_for_function(
        """count => [...document.querySelectorAll("video")]
            .filter(video => video.videoWidth > 0 && video.currentTime > 0 && !video.paused).length >= count""",
        arg=count,
        timeout=PATIENCE,
    )


async def light(person: Person, colour: str) -> None:
    """Wait until the room's light is ``colour``."""
    await expect(person.page.get_by_test_id("light")).to_have_text(re.compile(colour), timeout=LAPTOP_WAKES)


async def rotate(host: Person, turn: str) -> None:
    """Start the rotation with turns of ``turn``."""
    field = host.page.get_by_label("Turn length", exact=True).first
    await field.fill(turn)
    await field.press("Tab")
    await host.press("Start rotation")


@pytest.mark.timeout(300)
async def test_a_dojo_runs_itself(playwright: Playwright, address: str, shots: Path) -> None:
    async with Network.running() as network, a_browser(playwright) as one, a_browser(playwright, network.url) as two:
        ana, bo = await Person.at(one, "Ana"), await Person.at(two, "Bo")
        await sign_up(ana, address)
        link = await start_dojo(ana)
        await come_in(ana, bo, link)
        await type_together(ana, bo)
        await see_and_hear(ana, bo)
        await rotate_and_test(ana, bo, shots)
        await talk(ana, bo)
        await lose_the_network(ana, bo, network)
        await end_and_keep(ana, bo, shots)
        assert ana.complaints == []
        assert bo.complaints == []


async def see_and_hear(ana: Person, bo: Person) -> None:
    """Both cameras play in both browsers; a muted microphone shows."""
    await moving_pictures(ana.page, 2)
    await moving_pictures(bo.page, 2)
    await expect(ana.page.get_by_role("group", name=re.compile("Bo, camera on"))).to_be_visible(timeout=PATIENCE)
    await bo.press("Microphone")
    await expect(ana.page.get_by_role("group", name=re.compile("Bo.*microphone off"))).to_be_visible(timeout=PATIENCE)
    await bo.press("Share screen")
    await ana.sees("Screen of Bo")
    await bo.press("Stop sharing")
    await expect(ana.page.get_by_text("Screen of Bo")).to_have_count(0, timeout=PATIENCE)


async def type_together(ana: Person, bo: Person) -> None:
    """Free editing, both ways, with named cursors, in more than one file."""
    await ana.types("\n# ana was here")
    await bo.reads("ana was here")
    await bo.types("\n# bo too")
    await ana.reads("bo too")
    await expect(ana.page.locator(".cm-personName", has_text="Bo").first).to_be_attached(timeout=PATIENCE)
    await bo.page.get_by_role("tab", name="test_fizzbuzz.py").click()
    await bo.reads("def test_one_is_said_as_it_is")


async def rotate_and_test(ana: Person, bo: Person, shots: Path) -> None:
    """The server moves the keyboard; only the driver types; the tests colour the room for everybody."""
    await rotate(ana, "12s")
    for person in (ana, bo):
        await expect(person.page.get_by_role("status").filter(has_text="Ana drives, Bo navigates").first).to_be_visible(
            timeout=PATIENCE
        )
    await ana.press("Run tests")
    await light(ana, "Red|Amber")
    await light(bo, "Red|Amber")
    await bo.sees("Ask for the keyboard")
    await ana.shoot(shots, "room-host")
    await bo.sees("You are next")
    await expect(bo.page.get_by_role("status").filter(has_text="Bo drives, Ana navigates").first).to_be_visible(
        timeout=PATIENCE
    )
    await ana.press("Pause")
    await bo.page.get_by_role("tab", name="fizzbuzz.py", exact=True).click()
    await bo.page.locator(bo.code).click()
    await bo.page.keyboard.press("Control+A")
    await bo.page.keyboard.type(SOLUTION)
    await ana.reads("Buzz")
    await bo.page.keyboard.press("Control+Enter")
    await light(ana, "Green")
    await light(bo, "Green")
    await ana.press("Resume")
    await ana.press("Extend")
    await ana.press("Stop rotation")


async def talk(ana: Person, bo: Person) -> None:
    """Chat, hands, and who is here."""
    await bo.page.get_by_role("textbox", name="Message").fill("look: `green`")
    await bo.page.keyboard.press("Enter")
    await ana.sees("look:")
    await bo.press("Raise hand")
    await ana.sees("Bo raised a hand")
    await bo.press("Lower hand")


async def lose_the_network(ana: Person, bo: Person, network: Network) -> None:
    """Ten seconds without network: seen, worked through, and healed without a loss on either side."""
    network.cut()
    await bo.sees("Connection lost since")
    await ana.sees("reconnecting")
    await bo.types("\n# written offline")
    await ana.types("\n# meanwhile")
    await ana.page.get_by_role("textbox", name="Message").fill("did you see this?")
    await ana.page.keyboard.press("Enter")
    network.mend()
    await bo.sees("did you see this?")
    await ana.reads("written offline")
    await bo.reads("meanwhile")
    await expect(bo.page.get_by_text("Connection lost since")).to_have_count(0, timeout=PATIENCE)
    await expect(ana.page.get_by_text("reconnecting")).to_have_count(0, timeout=PATIENCE)


async def end_and_keep(ana: Person, bo: Person, shots: Path) -> None:
    """The summary tells what happened; the green light becomes a POC that is found."""
    await ana.press("End dojo")
    await ana.press("End for everybody")
    await bo.sees("The dojo is over")
    await ana.page.get_by_role("link", name="See the summary").click()
    for words in ("Time line", "Bo took the keyboard", "did you see this?", "At the keyboard"):
        await ana.sees(words)
    await ana.shoot(shots, "summary")
    await ana.press("Keep as POC")
    dialog = ana.page.get_by_role("dialog")
    await dialog.get_by_label("Name", exact=True).fill("Our FizzBuzz")
    await dialog.get_by_label("Tags").fill("fizzbuzz, kata-night")
    await dialog.get_by_role("button", name="Keep", exact=True).click()
    await ana.sees("Our FizzBuzz")
    await ana.page.get_by_role("link", name="POCs", exact=True).first.click()
    search = ana.page.get_by_role("searchbox", name="Search POCs")
    for words in ("our fizz", "python", "kata-night"):
        await search.fill(words)
        await expect(ana.page.get_by_role("link", name=re.compile("Our FizzBuzz"))).to_be_visible(timeout=PATIENCE)
    await search.fill("nothing has this")
    await expect(ana.page.get_by_role("link", name=re.compile("Our FizzBuzz"))).to_have_count(0, timeout=PATIENCE)
    await ana.shoot(shots, "catalogue")


async def test_a_killed_tab_loses_no_acknowledged_edit(playwright: Playwright, address: str) -> None:
    async with a_browser(playwright) as one, a_browser(playwright) as two:
        ana, bo = await Person.at(one, "Ana"), await Person.at(two, "Bo", PHONE)
        await sign_up(ana, address)
        await come_in(ana, bo, await start_dojo(ana))
        await ana.types("\n# the last thing i typed")
        await ana.sees("All saved")
        await ana.page.close(run_before_unload=False)
        await bo.reads("the last thing i typed")
