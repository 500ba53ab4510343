"""What may go once it is old enough, category by category, and how it goes (law 09-08).

A category is walked in the order of its rows' numbers, which is that of the moments they were made. What is still
open stays whole: conversations that are with people or have an undecided request, messages that wait, readings to
review, and what the operator's systems have not taken out yet. What others refer to keeps its row and loses its
words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from store.desk_models import HandOver, LabelledExample, Note, Upload, UserSession
from store.exchange_models import (
    DeliveryState,
    ExportConsumer,
    ExportLine,
    Import,
    ImportState,
    WebhookDelivery,
)
from store.models import (
    Audit,
    DialogueTurn,
    IdentityAttempt,
    Message,
    Notice,
    NoticeState,
    Reading,
    ReadingState,
    Request,
    RequestState,
)
from store.photo_models import Photo
from store.readings import STANDING
from store.removal import (
    Remove,
    remove_hand_overs,
    remove_messages,
    remove_notes,
    remove_notices,
    remove_readings,
    remove_requests,
    rows_of,
)
from store.requests import OPEN
from store.traces import is_referred_to
from store.words import HAS_WORDS, SETTLED


@dataclass(frozen=True, slots=True)
class Category:
    """What is kept for as long. `name` is the setting's under `retention` in `operators/NAME.yml`.

    `key` numbers its rows, `made_at` is the moment of a row, rising with the number. `due` says which of the rows
    made before a moment may go; `remove` takes those numbered away. `is_done` are rows that may not go yet, and that
    go by themselves with what keeps them.
    """

    name: str
    key: Any
    made_at: Any
    due: Callable[[datetime], ColumnElement[bool]]
    remove: Remove
    is_done: ColumnElement[bool] | None = None

    def select(self, *columns: Any) -> Select[Any]:
        """`columns` of the category's rows, each with the row that has its moment."""
        query = select(*columns).select_from(self.key.class_)
        if self.made_at.class_ is not self.key.class_:  # it is of a message, and numbered as that
            query = query.join(self.made_at.class_, self.made_at.class_.id == self.key)
        return query


# --- what is open -------------------------------------------------------------------------------------------


def _is_quiet(conversation_id: Any) -> ColumnElement[bool]:
    """That nobody is at work on a conversation: no hand-over is open, and no request of it waits for a decision."""
    with_people = exists().where(HandOver.conversation_id == conversation_id, HandOver.ended_at.is_(None))
    waits = exists().where(Request.conversation_id == conversation_id, Request.state.in_(OPEN))
    return ~or_(with_people, waits)


_MESSAGE_IS_QUIET = and_(
    Message.state.in_(SETTLED),
    _is_quiet(Message.conversation_id),
    ~exists().where(Reading.message_id == Message.id, Reading.state == ReadingState.TO_REVIEW),
)


_UPLOAD_IS_QUIET = or_(
    Upload.message_id.is_(None), exists().where(Message.id == Upload.message_id, _MESSAGE_IS_QUIET)
)


def _is_taken_out(line: Any, row: Any) -> ColumnElement[bool]:
    """That every system which follows the stream has acknowledged all that became of a row."""
    return ~exists().where(
        line == row,
        ExportConsumer.stream == ExportLine.stream,
        or_(ExportLine.position.is_(None), ExportLine.position > ExportConsumer.acknowledged),
    )


# --- the categories -----------------------------------------------------------------------------------------

_newer = aliased(Reading)
_replaced = aliased(Reading)

CATEGORIES: tuple[Category, ...] = (
    Category("files", Upload.id, Upload.created_at, lambda _: _UPLOAD_IS_QUIET, rows_of(Upload, Upload.id)),
    Category(
        "photos",
        Photo.message_id,
        Photo.created_at,
        lambda _: exists().where(Message.id == Photo.message_id, _MESSAGE_IS_QUIET),
        rows_of(Photo, Photo.message_id),
    ),
    Category(
        "dialogue",
        DialogueTurn.message_id,
        Message.created_at,
        lambda _: _MESSAGE_IS_QUIET,
        rows_of(DialogueTurn, DialogueTurn.message_id),
    ),
    Category(
        "labels",
        LabelledExample.message_id,
        Message.created_at,  # labelled in any order, and never before the message was written
        lambda before: LabelledExample.labelled_at < before,
        rows_of(LabelledExample, LabelledExample.message_id),
    ),
    Category(
        "messages",
        Message.id,
        Message.created_at,
        lambda _: and_(_MESSAGE_IS_QUIET, or_(HAS_WORDS, ~is_referred_to(Message))),
        remove_messages,
        is_done=~HAS_WORDS,
    ),
    Category(
        "notices",
        Notice.id,
        Notice.created_at,
        lambda _: and_(Notice.state != NoticeState.WAITING, _is_quiet(Notice.conversation_id)),
        remove_notices,
    ),
    Category("notes", Note.id, Note.created_at, lambda _: _is_quiet(Note.conversation_id), remove_notes),
    Category(
        "hand_overs",
        HandOver.id,
        HandOver.opened_at,
        lambda before: and_(HandOver.ended_at < before, _is_quiet(HandOver.conversation_id)),
        remove_hand_overs,
    ),
    Category(
        "requests",
        Request.id,
        Request.created_at,
        lambda before: and_(
            func.coalesce(Request.changed_at, Request.created_at) < before,
            Request.state.not_in(OPEN),
            Request.state != RequestState.BEING_PAID,
            _is_taken_out(ExportLine.request_id, Request.id),
        ),
        remove_requests,
    ),
    Category(
        "readings",
        Reading.id,
        Reading.received_at,
        lambda _: and_(
            Reading.state != ReadingState.TO_REVIEW,
            # The last one of a register is what the next one is checked against, however old it is.
            exists().where(
                _newer.register_id == Reading.register_id,
                _newer.state.in_(STANDING),
                _newer.taken_on > Reading.taken_on,
            ),
            ~exists().where(_replaced.replaced_by_id == Reading.id),
            _is_taken_out(ExportLine.reading_id, Reading.id),
        ),
        remove_readings,
    ),
    Category(
        "deliveries",
        WebhookDelivery.id,
        WebhookDelivery.created_at,
        lambda before: and_(WebhookDelivery.state != DeliveryState.WAITING, WebhookDelivery.settled_at < before),
        rows_of(WebhookDelivery, WebhookDelivery.id),
    ),
    Category(
        "imports",
        Import.id,
        Import.created_at,
        lambda before: and_(Import.state.in_((ImportState.DONE, ImportState.FAILED)), Import.finished_at < before),
        rows_of(Import, Import.id),
    ),
    Category(
        "sign_ins",
        UserSession.id,
        UserSession.created_at,
        lambda before: UserSession.expires_at < before,
        rows_of(UserSession, UserSession.id),
    ),
    Category(
        "proofs",
        IdentityAttempt.id,
        IdentityAttempt.at,
        lambda _: IdentityAttempt.id.is_not(None),
        rows_of(IdentityAttempt, IdentityAttempt.id),
    ),
    Category("audit", Audit.id, Audit.at, lambda _: Audit.id.is_not(None), rows_of(Audit, Audit.id)),
)
"""In the order in which they go: what belongs to messages before the messages."""
