"""What every carrier does to a text on its way in or out."""

from __future__ import annotations

from collections.abc import Iterable


def storable(text: str) -> str:
    """`text` as any database can hold it: NUL bytes and lone surrogates become U+FFFD.

    Both arrive from the outside (`%00` in a form, `"\\ud800"` in JSON) and PostgreSQL refuses both; a message
    that cannot be stored would be redelivered for ever and then lost.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")


def units(text: str) -> int:
    """The length of `text` in UTF-16 units, which is how phones and carriers count characters."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def shorten(text: str, limit: int, mark: str = "…") -> str:
    """`text` if it fits in `limit` UTF-16 units, else as many of its first words as fit, and `mark`."""
    if units(text) <= limit:
        return text
    room = limit - units(mark)
    # "ignore" drops the first half of a surrogate pair that the cut would have split.
    head = text.encode("utf-16-le", "surrogatepass")[: room * 2].decode("utf-16-le", "ignore")
    if not text[len(head)].isspace():
        boundary = max(head.rfind(" "), head.rfind("\n"))
        if boundary > len(head) // 2:  # one endless word is cut where it must be
            head = head[:boundary]
    return head.rstrip() + mark


def numbered(titles: Iterable[str]) -> str:
    """Buttons for a carrier without buttons: one numbered line each; the inbox understands the number."""
    return "\n".join(f"{number}. {title}" for number, title in enumerate(titles, start=1))
