"""Under which names this service may be called.

A page of another site can make a browser call any address by any name that it controls (DNS rebinding); and whatever
writes the name it was called by into an answer would write a stranger's. So, once there is a public address over
https, only its name, this machine's own, and those of `RELEVE_KNOWN_HOSTS` are answered. Webhooks and links to files
prove themselves by signature, and health is asked by number: they may come under any name.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.settings import Settings

OWN = frozenset({"localhost", "127.0.0.1", "[::1]"})
ANY_NAME = ("/webhooks/", "/files/", "/healthz", "/readyz", "/metrics")


class KnownNames:
    """400 for a call under a name that is not this service's."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._names = known_names(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_known(scope):
            reason = "not called by a name of this service: see RELEVE_PUBLIC_URL and RELEVE_KNOWN_HOSTS"
            await JSONResponse({"detail": reason}, status_code=400)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        if not self._names or scope["path"].startswith(ANY_NAME):
            return True
        return _name(Headers(scope=scope).get("host", "")) in self._names


def known_names(settings: Settings) -> frozenset[str]:
    """The names; none means that every name is answered."""
    public = urlsplit(settings.public_url)
    others = {each.strip().lower() for each in settings.known_hosts.split(",") if each.strip()}
    if public.scheme != "https" and not others:
        return frozenset()
    return OWN | others | {_name(public.netloc)}


def _name(host: str) -> str:
    """A `Host` header without its port."""
    host = host.lower()
    return host if host.endswith("]") else host.rpartition(":")[0] or host
