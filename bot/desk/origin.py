"""Where a request comes from: which site sent it, and where it may be sent on to."""

from __future__ import annotations

from urllib.parse import unquote, urlencode, urlsplit

from fastapi import Request

from bot.settings import Settings

ENTRANCE = "/desk/login"


def is_from_elsewhere(request: Request, settings: Settings) -> bool:
    """Whether another site made the browser send it. Browsers say so; what is no browser carries nobody's cookie."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is None:
        return False
    return urlsplit(origin).netloc.lower() not in (
        request.headers.get("host", "").lower(),
        urlsplit(settings.public_url).netloc.lower(),
    )


def network_address(request: Request) -> str | None:
    """The caller's, for the audit; behind a proxy, what the proxy says (uvicorn's `--forwarded-allow-ips`)."""
    return request.client.host if request.client else None


def entrance(request: Request) -> str:
    """The page to sign in, which leads back to the page that was asked for."""
    if request.headers.get("hx-request"):
        back = urlsplit(request.headers.get("hx-current-url", ""))
    elif request.method == "GET":
        back = urlsplit(str(request.url))
    else:
        return ENTRANCE
    return leading_to(f"{back.path}?{back.query}" if back.query else back.path)


def leading_to(path: str, page: str = ENTRANCE) -> str:
    """The address of a page to sign in which leads on to `path`, when that is inside the desk."""
    to = inside(path)
    return page if to is None else f"{page}?{urlencode({'next': to})}"


def inside(path: str) -> str | None:
    """`path` when it leads to a page of the desk, of this very site; else None."""
    if len(path) > 500 or not path.startswith("/desk/") or path.startswith(ENTRANCE):
        return None
    plain = unquote(path.partition("?")[0])
    is_plain = path.isascii() and path.isprintable() and " " not in path
    return path if is_plain and not any(each in plain for each in ("\\", "//", "/..")) else None
