"""What calls about hand-overs say, and what they are answered (`bot.api.hand_overs`)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.channels.text import storable

Number = Annotated[int, Field(ge=1, le=2**63 - 1)]
Text = Annotated[str, AfterValidator(storable)]
Key = Annotated[Text, Field(min_length=1, max_length=128, examples=["ticket-42-reply-7"])]


class Agent(BaseModel):
    """Who acts at the helpdesk; `id` is its own number or name of them, by default the name."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Text, Field(min_length=1, max_length=120, pattern=r"\S", examples=["Amina El Fanouss"])]
    id: Annotated[Text | None, Field(min_length=1, max_length=120)] = None

    @property
    def reference(self) -> str:
        return self.id or self.name


class Action(BaseModel):
    """Something that an agent does."""

    model_config = ConfigDict(extra="forbid")

    agent: Agent


class Reply(Action):
    """A message to the customer. A call that is repeated with the same `key` sends nothing more."""

    key: Key
    text: Annotated[Text, Field(min_length=1, max_length=20_000)]


class NewNote(Action):
    """What agents tell each other; no customer sees it."""

    text: Annotated[Text, Field(min_length=1, max_length=5_000, pattern=r"\S")]


class Closing(Action):
    """How it ended. With `ask` the customer is asked how it was, from 1 to 5."""

    outcome: Literal["solved", "not_solved", "request_made", "no_answer"]
    summary: Annotated[Text | None, Field(max_length=300)] = None
    ask: bool = True


class Transfer(Action):
    """To one of our desk's teams or people, by their numbers there; `note` is for whoever takes it."""

    team: Number | None = None
    user: Number | None = None
    note: Annotated[Text | None, Field(max_length=2_000)] = None


class Attachment(BaseModel):
    """A file of the customer's. `url` is signed, and good for a day."""

    number: int
    type: str | None
    content_type: str | None
    url: str


class Said(BaseModel):
    """A message, ours or theirs; `state` is where it stands on its way."""

    id: int
    by: Literal["customer", "assistant", "agent"]
    agent: str | None
    text: str
    language: str | None
    state: str
    at: datetime
    understood: dict[str, Any] | None
    attachments: list[Attachment]


class Stay(BaseModel):
    """A conversation's stay with people. `address` is the customer's phone, or number on Telegram."""

    id: int
    conversation: int
    channel: str
    address: str
    reason: str
    priority: str
    language: str | None
    team: str | None
    agent: str | None
    opened_at: datetime
    claimed_at: datetime | None
    ended_at: datetime | None
    outcome: str | None
    summary: str | None


class StayInFull(Stay):
    """With who the customer is, as far as it is known, and the latest messages."""

    customers: list[str]
    contracts: list[str]
    known_by: list[str]
    understood: dict[str, Any] | None
    transcript: list[Said]
