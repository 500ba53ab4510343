"""What ties the lines of one customer's message together, from the webhook to the carrier's last word on the reply.

The message's own number, as `m-123`. It is in the store, so that every process and every restart calls it the same;
a reply knows the message that it answers, and what nobody asked for (a campaign, an agent's line) has a number of its
own. A request to us has a name besides, made here or by the proxy in front (`X-Request-ID`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from structlog.contextvars import bind_contextvars, bound_contextvars, get_contextvars, unbind_contextvars

KEY = "correlation"
REQUEST = "request"


def of_message(message_id: int) -> str:
    return f"m-{message_id}"


@contextmanager
def about_message(message_id: int, conversation_id: int | None = None) -> Iterator[None]:
    """Every line written inside is about this message of a customer's."""
    about: dict[str, object] = {KEY: of_message(message_id)}
    if conversation_id is not None:
        about["conversation"] = conversation_id
    if get_contextvars().get(KEY) != about[KEY]:
        unbind_contextvars(REQUEST)  # this task was begun by a request that brought another message
    with bound_contextvars(**about):
        yield


def this_request_is_about(*message_ids: int) -> None:
    """Name the messages that the request in hand brought, or reports on, in its lines from here on."""
    if message_ids and REQUEST in get_contextvars():
        bind_contextvars(**{KEY: ",".join(map(of_message, message_ids))})
