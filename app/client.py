"""Serves the built web client: the page, its assets, and what it must know of this installation."""

from pathlib import Path

from aiohttp import web
from yarl import URL

from core.errors import NotFound
from core.process import Package, Process
from core.routes import problem_response

VERSION = "0.1.0"
YEAR = 31_536_000
NOT_PAGES = ("/api/", "/hooks/", "/health/", "/socket.io", "/yjs/", "/assets/", "/pyodide/", "/.well-known/")
"""Below these, an unknown address is a problem and never the client's page."""
OFFLINE = ("sw.js", "offline.html")
"""The service worker fetches, and the page that it shows has a style and a script: both as on the client's page."""


def client_package(dist: Path, livekit_url: str | None) -> Package:
    """The client in ``dist`` as a package; ``livekit_url`` is LiveKit's address for browsers, if there is one."""

    def mount(app: web.Application, process: Process) -> None:
        _Client(dist, livekit_url, process).mount(app)

    return Package(name="client", mount=mount)


class _Client:
    def __init__(self, dist: Path, livekit_url: str | None, process: Process) -> None:
        self._dist = dist.resolve()
        self._livekit_url = livekit_url
        self._public_url = process.settings.public_url
        self._behind_proxy = process.settings.trusted_hops > 0
        self._gateways = process.settings.gateway_urls
        self._policy = page_policy(self._gateways, livekit_url)
        self._worker_policy = worker_policy(process.settings.public_url)

    def mount(self, app: web.Application) -> None:
        app.router.add_get("/api/config", self.config)
        app.router.add_get("/{path:.*}", self.file)

    async def config(self, _: web.Request) -> web.Response:
        """What the client must know before anybody is signed in."""
        return web.json_response(
            {"gateways": list(self._gateways), "livekit": self._livekit_url is not None, "version": VERSION}
        )

    async def file(self, request: web.Request) -> web.StreamResponse:
        """A file of the build; else the page, which routes by itself."""
        path = self._inside(request.match_info["path"])
        if path is None:
            return problem_response(NotFound())
        if path.is_file() and path.name != "index.html":
            return self._asset(path)
        if request.path.startswith(NOT_PAGES):
            return problem_response(NotFound())
        if self._is_elsewhere(request):
            return web.Response(status=302, headers={"Location": self._public_url + str(request.rel_url)})
        page = self._dist / "index.html"
        if not page.is_file():
            return web.Response(text="The web client is not built; run `make web`.", status=503)
        headers = {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": self._policy,
            "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
        }
        return web.FileResponse(page, headers=headers)

    def _inside(self, words: str) -> Path | None:
        """The path below the build that ``words`` name; None where they name none, or one outside."""
        try:
            path = (self._dist / words).resolve()
            path.is_file()  # says by itself when the name is too long for the disk
        except (OSError, ValueError):
            return None
        return path if path.is_relative_to(self._dist) else None

    def _is_elsewhere(self, request: web.Request) -> bool:
        """Whether the page was opened under another name than ours: sockets and cookies would refuse it there.

        A proxy in front of us must hand on ``Host``, or say ``X-Forwarded-Host``.
        """
        host = request.headers.get("Host")
        if self._behind_proxy:
            host = request.headers.get("X-Forwarded-Host", host)
        if host is None:
            return False
        public = URL(self._public_url)
        try:
            opened = URL(f"{public.scheme}://{host}")
        except ValueError:
            return True
        return (opened.host, opened.port) != (public.host, public.port)

    def _asset(self, path: Path) -> web.FileResponse:
        relative = path.relative_to(self._dist)
        hashed = relative.parts[0] == "assets"
        headers = {"Cache-Control": f"public, max-age={YEAR}, immutable" if hashed else "public, max-age=3600"}
        if "worker" in path.name and path.suffix == ".js":
            headers["Content-Security-Policy"] = self._worker_policy
        elif path.name in OFFLINE:
            headers["Content-Security-Policy"] = self._policy
        return web.FileResponse(path, headers=headers)


def page_policy(gateways: tuple[str, ...], livekit_url: str | None) -> str:
    """The page's Content-Security-Policy: own scripts only, and connections to our own servers only."""
    reach = ["'self'"]
    for url in (*gateways, *([livekit_url] if livekit_url else [])):
        scheme, _, rest = url.partition("://")
        secure = scheme in {"https", "wss"}
        reach += [f"{'https' if secure else 'http'}://{rest}", f"{'wss' if secure else 'ws'}://{rest}"]
    return "; ".join(
        [
            "default-src 'self'",
            f"connect-src {' '.join(reach)}",
            "script-src 'self'",
            # CodeMirror and React Aria set styles at run time.
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' blob: mediastream:",
            "worker-src 'self' blob:",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


def worker_policy(public_url: str) -> str:
    """The test runners' policy: participants' code may compute, and reach nothing but Pyodide's own files."""
    return (
        "default-src 'none'; script-src 'self' blob: 'unsafe-eval' 'wasm-unsafe-eval'; "
        f"connect-src {public_url}/pyodide/"
    )
