"""What customers send besides text, fetched from a carrier's own hosts and from nowhere else.

An address comes from outside, and so does what it leads to. So each step of the way is looked at before it is taken:
the host must be one of the carrier's, the scheme https, the addresses that its name stands for public ones. A carrier
that the operator has put elsewhere (`RELEVE_…_API_URL`: a proxy, a test) is trusted to be there, and only there.
Nothing is written to disk here; what is fetched is bounded in size and time, and must be what it was said to be.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from bot.channels.carrier import MOST_MEDIA_BYTES, Media, MediaType, NotFetched
from bot.file_kinds import kind_of

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 10.0
MOST_STEPS = 3
"""The carrier's address, the file store that it leads to, and one more."""

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
UNKNOWN_HOST = "led to an unknown host"

_FAMILIES: Final = {
    MediaType.IMAGE: ("image/",),
    MediaType.AUDIO: ("audio/", "video/"),  # the same containers hold both
    MediaType.VIDEO: ("video/", "image/gif"),
    MediaType.STICKER: ("image/", "video/", "application/gzip"),  # Telegram's animated ones are packed
}


class PrivateAddress(OSError):
    """A name stands for an address inside somebody's network, where no carrier is."""


class PublicAddresses(AbstractResolver):
    """Looks names up, and refuses those of which any address is not public.

    The connection is made to the very addresses that were looked at: a name cannot change in between.
    """

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises `PrivateAddress`, and `OSError` when there is no such name."""
        found = await self._resolver.resolve(host, port, family)
        if not all(is_public(each["host"]) for each in found):
            raise PrivateAddress(f"{host} is not public")
        return found

    async def close(self) -> None:
        await self._resolver.close()


class Downloads:
    """Fetches from one carrier.

    `api` is where its API is, and whether the operator has put it there; credentials go nowhere else.
    `is_store` tells of an https address whether it is one of the carrier's file stores.
    """

    def __init__(self, api: URL, *, is_own: bool, is_store: Callable[[URL], bool] = lambda _url: False) -> None:
        self._api = api.origin()
        self._is_own = is_own
        self._is_store = is_store
        self._to_api: aiohttp.ClientSession | None = None
        self._to_stores: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Must be called in the event loop that will fetch."""
        self._to_stores = _session(PublicAddresses())
        self._to_api = _session(ThreadedResolver()) if self._is_own else self._to_stores

    async def close(self) -> None:
        sessions = {self._to_api, self._to_stores} - {None}
        self._to_api = self._to_stores = None
        for session in sessions:
            if session is not None:
                await session.close()

    async def fetch(self, media: Media, address: URL, auth: tuple[str, str] | None = None) -> bytes:
        """The bytes of `media` at `address`, which is checked like any that it leads to. Raises `NotFetched`."""
        try:
            content = await self._followed(address, auth)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise NotFetched(type(error).__name__) from error
        if not is_as_said(media, content):
            raise NotFetched(f"said to be {media.type}, and is not", is_gone=True)
        return content

    async def _followed(self, address: URL, auth: tuple[str, str] | None) -> bytes:
        for _ in range(MOST_STEPS):
            at_api = address.origin() == self._api
            if not at_api and not self._is_store_of_theirs(address):
                raise NotFetched(UNKNOWN_HOST)
            session = self._to_api if at_api else self._to_stores
            if session is None:
                raise NotFetched("the carrier is not started")
            headers = {"Authorization": aiohttp.encode_basic_auth(*auth)} if auth and at_api else {}
            async with session.get(address, headers=headers, allow_redirects=False) as answer:
                if answer.status not in REDIRECTS:
                    return await _read(answer)
                address = _led_to(answer)
        raise NotFetched("led from address to address")

    def _is_store_of_theirs(self, url: URL) -> bool:
        return url.scheme == "https" and url.port == 443 and self._is_store(url) and not _is_number(url)


def is_public(address: str) -> bool:
    """Whether a numeric network address is one of the public Internet, and so is any that it leads to."""
    try:
        number = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(number, ipaddress.IPv6Address):
        number = _embedded(number) or number
    return number.is_global and not number.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _embedded(number: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one only stands for: mapped, 6to4 (RFC 3056), NAT64 (RFC 6052)."""
    if number in _NAT64:
        return ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
    return number.ipv4_mapped or number.sixtofour


def is_as_said(media: Media, content: bytes) -> bool:
    """Whether bytes are of the kind that the message said. A document may be anything: it is only ever saved."""
    families = _FAMILIES.get(media.type)
    if families is None:
        return True
    kind = kind_of(content)
    if kind is None:
        # Sound and film come in more containers than are known here; they too are only saved then.
        return media.type is not MediaType.IMAGE
    return kind.startswith(families)


def _session(resolver: AbstractResolver) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=resolver),
        timeout=aiohttp.ClientTimeout(total=TOTAL_SECONDS, sock_connect=CONNECT_SECONDS),
        headers={"Accept-Encoding": "identity"},
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """The body, as far as it may go: unpacked, so that nothing small can become something large."""
    if answer.status != 200:
        raise NotFetched(f"HTTP {answer.status}", is_gone=answer.status in (404, 410))
    content = bytearray()
    async for chunk in answer.content.iter_any():
        content += chunk
        if len(content) > MOST_MEDIA_BYTES:
            raise NotFetched(f"larger than {MOST_MEDIA_BYTES} bytes", is_gone=True)
    return bytes(content)


def _led_to(answer: aiohttp.ClientResponse) -> URL:
    """Where a redirect leads. Raises `NotFetched`."""
    try:
        url = answer.url.join(URL(answer.headers["Location"]))
        if url.host and url != answer.url and not url.user and not url.password:
            return url
    except (KeyError, ValueError):
        pass
    raise NotFetched(UNKNOWN_HOST)


def _is_number(url: URL) -> bool:
    """Whether the host is a network address, for which no name is looked up."""
    try:
        ipaddress.ip_address(url.host or "")
    except ValueError:
        return False
    return True
