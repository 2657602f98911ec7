"""What the tests of identity hold in their hands: a running process and browsers with their own cookies."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from aiohttp import ClientSession
from yarl import URL

from core.call import Principal
from core.db import Database
from core.model import TenantId, new_id
from core.process import Process
from core.tokens import Tokens

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: dict[str, str]
    set_cookies: tuple[str, ...]

    @property
    def code(self) -> str:
        return str(self.body["code"])


class Browser:
    """Someone's browser: cookies, and the access token that the page holds."""

    def __init__(self, session: ClientSession, cookie_url: URL) -> None:
        self._session = session
        self._cookie_url = cookie_url
        self.token: str | None = None
        self.me: dict[str, Any] = {}

    async def ask(self, method: str, path: str, body: object = None, **headers: str | None) -> Answer:
        """Send one request as our page does; a header given as None is left out."""
        sent = {"X_Dojo": "1", "Authorization": f"Bearer {self.token}" if self.token else None, **headers}
        plain = {name.replace("_", "-"): value for name, value in sent.items() if value is not None}
        async with self._session.request(method, path, json=body, headers=plain) as response:
            answer = Answer(
                response.status,
                await response.json(content_type=None) if response.status != 204 else None,
                dict(response.headers),
                tuple(response.headers.getall("Set-Cookie", ())),
            )
        if answer.status < 300 and isinstance(answer.body, dict) and "access_token" in answer.body:
            self.token = answer.body["access_token"]
            self.me = answer.body["me"]
        return answer

    @property
    def cookie(self) -> str:
        """The refresh token as the browser would send it to /api/session."""
        found = self._session.cookie_jar.filter_cookies(self._cookie_url)
        return found["dojo_refresh"].value if "dojo_refresh" in found else ""

    @cookie.setter
    def cookie(self, word: str) -> None:
        self._session.cookie_jar.clear()
        self._session.cookie_jar.update_cookies({"dojo_refresh": word}, self._cookie_url)


@dataclass(frozen=True)
class House:
    """One running process that serves identity."""

    process: Process
    database: Database
    tokens: Tokens
    open_browser: Callable[[str], Browser]

    def browser(self, address: str = "127.0.0.1") -> Browser:
        """A browser without cookies, at an address of this machine."""
        return self.open_browser(address)

    async def sign_up(self, name: str = "Alice", organisation: str = "Dojo") -> tuple[Browser, str]:
        """A new organisation: its owner's browser and e-mail."""
        alice, email = self.browser(), f"{new_id().hex}@example.com"
        body = {"organisation": organisation, "name": name, "email": email, "password": PASSWORD}
        answer = await alice.ask("POST", "/api/sign-up", body)
        assert answer.status == 201, answer
        return alice, email

    def principal(self, browser: Browser) -> Principal:
        assert browser.token is not None
        return self.tokens.principal(browser.token)

    async def ended(self, tenant_id: TenantId) -> list[UUID]:
        """The sign-ins that the tenant's outbox says have ended."""
        async with self.database.transaction(tenant_id) as tx:
            rows = await tx.rows(
                "SELECT payload FROM outbox WHERE tenant_id = $1 AND kind = 'SignInEnded' ORDER BY id", tenant_id
            )
        return [UUID(payload["sign_in_id"]) for (payload,) in rows]


class Open(Protocol):
    """Starts processes; keyword arguments change the identity settings, ``core`` those of the process."""

    async def __call__(self, core: dict[str, Any] | None = None, **changes: Any) -> House:
        """Give the running process."""
