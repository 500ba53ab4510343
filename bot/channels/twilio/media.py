"""Where Twilio keeps what customers sent.

A message refers to its media by an address. Of that address only the two identifiers are used, so that whatever it
says, nothing but this account's media at Twilio's own host is asked for. Twilio answers with the way to its file
store, which is followed to the hosts known for it and without our credentials
(https://www.twilio.com/docs/messaging/api/media-resource).
"""

from __future__ import annotations

import re

from yarl import URL

from bot.channels.carrier import Media, NotFetched
from bot.channels.media import Downloads

API = "https://api.twilio.com"
_MEDIA = re.compile(r"/2010-04-01/Accounts/(AC[0-9a-f]{32})/Messages/([SM]M[0-9a-f]{32})/Media/(ME[0-9a-f]{32})$")
_BUCKETS = ("s3-external-1.amazonaws.com", "s3.amazonaws.com")
_BUCKET = "/media.twiliocdn.com/"


class SentMedia:
    """The media of one account; `api_url` stands in for Twilio's own address."""

    def __init__(self, api_url: str | None, account_sid: str, token: str) -> None:
        self._api = URL(api_url or API)
        self._downloads = Downloads(self._api, is_own=api_url is not None, is_store=is_file_store)
        self._account_sid = account_sid
        self._token = token

    def open(self) -> None:
        self._downloads.open()

    async def close(self) -> None:
        await self._downloads.close()

    async def fetch(self, media: Media) -> bytes:
        """The bytes behind a `MediaUrl`. Raises `NotFetched`."""
        named = _MEDIA.search(media.reference)
        if named is None or named[1] != self._account_sid:
            raise NotFetched("not an address of this account's media", is_gone=True)
        address = self._api.with_path(self._api.path.rstrip("/") + named[0])
        return await self._downloads.fetch(media, address, (self._account_sid, self._token))


def is_file_store(url: URL) -> bool:
    """Whether an https address is one of Twilio's file stores."""
    host = (url.host or "").lower()
    return host.endswith(".twiliocdn.com") or (host in _BUCKETS and url.path.startswith(_BUCKET))
