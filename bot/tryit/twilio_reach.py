"""What stands between the account and a customer: WhatsApp's window, opt-outs on SMS, phones that are off."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.channels.carrier import Channel
from bot.clock import Clock
from bot.tryit.customer import PhoneEvent
from bot.tryit.phone import PhoneKey

WINDOW = timedelta(hours=24)
"""Free texts reach a customer on WhatsApp for this long after their last message: error 63016."""
UNREACHABLE = 30003
OUTSIDE_WINDOW = 63016

STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START_WORDS = frozenset({"START", "YES", "UNSTOP"})
STOP_ANSWER = (
    "You have successfully been unsubscribed. You will not receive any more messages from this number. "
    "Reply START to resubscribe."
)
START_ANSWER = "You have successfully been re-subscribed to messages from this number. Reply STOP to unsubscribe."


class Reach:
    """Kept per phone, in memory. Without `keeps_opt_outs` STOP is a word like any other, as accounts may choose."""

    def __init__(self, clock: Clock, *, keeps_opt_outs: bool) -> None:
        self._clock = clock
        self._keeps_opt_outs = keeps_opt_outs
        self._last_wrote: dict[PhoneKey, datetime] = {}
        self._opted_out: set[str] = set()
        self._switched_off: set[PhoneKey] = set()

    def happens(self, phone: PhoneKey, event: PhoneEvent) -> None:
        """Raises `ValueError` for what does not exist on this channel."""
        if event is PhoneEvent.SWITCH_OFF:
            self._switched_off.add(phone)
        elif event is PhoneEvent.SWITCH_ON:
            self._switched_off.discard(phone)
        elif event is PhoneEvent.CLOSE_WINDOW and phone.channel is Channel.WHATSAPP:
            self._last_wrote[phone] = self._clock() - WINDOW - timedelta(hours=1)
        else:
            raise ValueError(f"{event} does not exist on {phone.channel}")

    def wrote(self, phone: PhoneKey, text: str) -> str | None:
        """A customer wrote, which opens the window. Returns what Twilio itself answers, besides the webhook."""
        self._last_wrote[phone] = self._clock()
        if phone.channel is not Channel.SMS or not self._keeps_opt_outs:
            return None
        word = text.strip().upper()
        if word in STOP_WORDS:
            self._opted_out.add(phone.address)
            return STOP_ANSWER
        if word in START_WORDS and phone.address in self._opted_out:
            self._opted_out.discard(phone.address)
            return START_ANSWER
        return None

    def is_opted_out(self, phone: PhoneKey) -> bool:
        return phone.channel is Channel.SMS and phone.address in self._opted_out

    def fate(self, phone: PhoneKey, *, approved: bool) -> list[tuple[str, int | None]] | None:
        """The states of an accepted message that does not arrive, with their error; None for one that does."""
        if phone.channel is Channel.WHATSAPP and not approved and not self._is_in_window(phone):
            return [("failed", OUTSIDE_WINDOW)]
        if phone in self._switched_off:
            return [("sent", None), ("undelivered", UNREACHABLE)]
        return None

    def _is_in_window(self, phone: PhoneKey) -> bool:
        last = self._last_wrote.get(phone)
        return last is not None and self._clock() - last <= WINDOW
