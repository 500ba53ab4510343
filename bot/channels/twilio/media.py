"""What customers sent: fetched from Twilio when an agent looks at it, and from nowhere else.

A message refers to its media by an address. Of that address only the two identifiers are used, so that whatever it
says, nothing but this account's media at Twilio's own host is asked for. Twilio answers with the way to its file
store, which is followed to the hosts known for it and without our credentials
(https://www.twilio.com/docs/messaging/api/media-resource).
"""

from __future__ import annotations

import re

import aiohttp
from yarl import URL

from bot.channels.carrier import MOST_MEDIA_BYTES, NotFetched
from bot.channels.twilio.client import Download, NotStarted, TooLarge, TwilioHttp

API = "https://api.twilio.com"
_MEDIA = re.compile(r"/2010-04-01/Accounts/(AC[0-9a-f]{32})/Messages/([SM]M[0-9a-f]{32})/Media/(ME[0-9a-f]{32})$")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BUCKETS = ("s3-external-1.amazonaws.com", "s3.amazonaws.com")
_BUCKET = "/media.twiliocdn.com/"
MOST_REDIRECTS = 2


class SentMedia:
    """The media of one account."""

    def __init__(self, http: TwilioHttp, account_sid: str, token: str) -> None:
        self._http = http
        self._account_sid = account_sid
        self._token = token

    async def fetch(self, reference: str) -> bytes:
        """The bytes behind a `MediaUrl`. Raises `NotFetched`."""
        named = _MEDIA.search(reference)
        if named is None or named[1] != self._account_sid:
            raise NotFetched("not an address of this account's media", is_gone=True)
        auth = (self._account_sid, self._token)
        answer = await self._get(API + named[0], auth)
        for _ in range(MOST_REDIRECTS):
            if answer.status not in _REDIRECTS:
                break
            answer = await self._get(_file_store(answer.location), None)
        if answer.status != 200:
            raise NotFetched(f"HTTP {answer.status}", is_gone=answer.status in (404, 410))
        return answer.content

    async def _get(self, address: str, auth: tuple[str, str] | None) -> Download:
        try:
            return await self._http.download(address, auth, MOST_MEDIA_BYTES)
        except TooLarge as error:
            raise NotFetched(f"larger than {MOST_MEDIA_BYTES} bytes", is_gone=True) from error
        except (aiohttp.ClientError, NotStarted, TimeoutError, ValueError) as error:
            raise NotFetched(type(error).__name__) from error


def _file_store(location: str | None) -> str:
    """An address that Twilio leads to, if it is its file store's. Raises `NotFetched`."""
    try:
        url = URL(location or "")
        host = (url.host or "").lower()
        is_known = host.endswith(".twiliocdn.com") or (host in _BUCKETS and url.path.startswith(_BUCKET))
        if url.scheme == "https" and url.port == 443 and is_known:
            return str(url)
    except ValueError:
        pass
    raise NotFetched("led to an unknown host")
