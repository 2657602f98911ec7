"""People in real browsers: Chromium with fake camera and microphone, one process each."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page, Playwright, expect

from tests.browser import find_chromium

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--auto-select-desktop-capture-source=Entire screen",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
]
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 740}
PATIENCE = 20_000
"""Milliseconds for anything that a person waits for."""


@asynccontextmanager
async def a_browser(playwright: Playwright, proxy: str | None = None) -> AsyncIterator[Browser]:
    """A Chromium of its own, all of whose connections go through ``proxy`` if there is one."""
    browser = await playwright.chromium.launch(
        executable_path=find_chromium(),
        args=FLAGS,
        proxy={"server": proxy, "bypass": "<-loopback>"} if proxy else None,
    )
    try:
        yield browser
    finally:
        await browser.close()


class Person:
    """Somebody at a browser; everything that went wrong in the page is kept in ``complaints``."""

    def __init__(self, name: str, context: BrowserContext, page: Page) -> None:
        self.name = name
        self.context = context
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.set_default_timeout(PATIENCE)

    @classmethod
    async def at(cls, browser: Browser, name: str, size: dict[str, int] = DESKTOP, **more: object) -> "Person":
        """A new person with a fresh browser profile."""
        context = await browser.new_context(
            viewport=size,  # type: ignore[arg-type]  # a dictionary of the same shape
            permissions=["camera", "microphone", "clipboard-read", "clipboard-write"],
            locale="en-GB",
            **more,  # type: ignore[arg-type]  # handed through
        )
        return cls(name, context, await context.new_page())

    async def press(self, name: str, *, exact: bool = True) -> None:
        """Press the button called ``name``."""
        await self.page.get_by_role("button", name=name, exact=exact).first.click()

    async def fill(self, label: str, text: str) -> None:
        """Fill the field called ``label``."""
        await self.page.get_by_label(label, exact=True).fill(text)

    async def sees(self, text: str, *, exact: bool = False) -> None:
        """Wait until ``text`` can be seen."""
        await expect(self.page.get_by_text(text, exact=exact).first).to_be_visible(timeout=PATIENCE)

    @property
    def code(self) -> str:
        """The selector of the code."""
        return ".cm-content"

    async def types(self, text: str) -> None:
        """Go to the end of the open file and type."""
        await self.page.locator(self.code).click()
        await self.page.keyboard.press("Control+End")
        await self.page.keyboard.type(text)

    async def reads(self, text: str) -> None:
        """Wait until the open file contains ``text``."""
        await expect(self.page.locator(self.code)).to_contain_text(text, timeout=PATIENCE)

    async def shoot(self, folder: Path, name: str) -> None:
        """Keep a picture of the page."""
        await self.page.screenshot(path=folder / f"{name}.png", full_page=False)
