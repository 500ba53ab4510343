"""What Twilio's own list says that customers sent, for the webhooks that did not reach us.

Twilio tries a webhook for 15 seconds at most and then gives it up; the message stays in the account's list
(https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources). The list tells less than
a webhook does: of a tapped button the title only, of a shared place nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from twilio.rest import Client

from bot.channels.carrier import Channel, Inbound
from bot.channels.twilio.forms import WHATSAPP, Malformed, read_message

PAGE = 1000
"""Messages; Twilio gives no more at a time."""
API = "https://api.twilio.com"


class Received:
    """The messages that came to the senders of one account."""

    def __init__(self, client: Client, senders: dict[Channel, str]) -> None:
        self._client = client
        self._senders = senders

    async def between(self, since: datetime, until: datetime) -> AsyncIterator[Inbound]:
        """Every message that Twilio took between the two moments, in no order. Raises what the SDK raises."""
        for address in await self._addresses():
            listed = await self._client.messages.stream_async(
                to=address, date_sent_after=since, date_sent_before=until, page_size=PAGE
            )
            async for record in listed:
                message = await self._read(record)
                if message is not None:
                    yield message

    async def _addresses(self) -> Iterable[str]:
        """Those that customers write to: a messaging service has numbers of its own."""
        addresses: list[str] = []
        for channel, sender in self._senders.items():
            if sender.startswith("MG"):
                numbers = await self._client.messaging.v1.services(sender).phone_numbers.list_async()
                addresses += [number.phone_number for number in numbers if number.phone_number]
            else:
                addresses.append(WHATSAPP + sender if channel is Channel.WHATSAPP else sender)
        return addresses

    async def _read(self, record: Any) -> Inbound | None:
        if record.direction != "inbound" or not record.sid:
            return None
        form = {"MessageSid": record.sid, "From": record.from_ or "", "Body": record.body or ""}
        if int(record.num_media or 0):
            media = await self._client.messages(record.sid).media.list_async()
            for index, each in enumerate(media):
                form[f"MediaUrl{index}"] = API + str(each.uri).removesuffix(".json")
                form[f"MediaContentType{index}"] = each.content_type or ""
        try:
            message = read_message(form)
        except Malformed:  # without a sender: none that could be answered
            return None
        return message and replace(message, sent_at=record.date_sent)
