"""One request as its page shows it: the file, the forms as they were last typed, what the customer will be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData

from billing.calendar import local_day
from bot.commands.request_record import terms_of
from bot.desk.access import Actor, Permission
from bot.desk.context import Desk
from bot.desk.decisions import reasons, told
from bot.desk.decisions.history import history
from bot.desk.decisions.said import said
from bot.desk.decisions.schedule_form import Row, ScheduleForm, checked, read_rows, rows_of
from bot.desk.words import WORDS
from store.decisions import MOST_REASON, examined
from store.models import Request, RequestState
from store.request_file import RequestFile
from store.requests import GRANTABLE, OPEN, SCHEDULED

LONGEST = 2000
"""Characters kept of what is typed into a field, to be given back; a reason that is sent is far shorter."""
Errors = Mapping[str, tuple[str, Mapping[str, str]]]
"""What is wrong, by field: a sentence to be translated and its values."""


@dataclass(frozen=True, slots=True)
class Typed:
    """The forms as a person left them. `rows` is None while the payments are as proposed.

    `grant_reason` is what the customer reads of a grant, `why` why the policy is left, for the audit; `ready` and
    `own` make the reason of a refusal. `seen` is when the request had last changed as they read it.
    """

    rows: list[Row] | None = None
    grant_reason: str = ""
    beyond: bool = False
    why: str = ""
    ready: str = ""
    own: str = ""
    seen: str = ""
    focus: str = ""
    errors: Errors = field(default_factory=dict)


def typed_in(form: FormData) -> Typed:
    """What was sent of either form; what a form does not have stays empty."""

    def text(name: str) -> str:
        return str(form.get(name, "")).replace("\0", "").strip()[:LONGEST]

    days, amounts = ([str(each) for each in form.getlist(name)] for name in ("day", "amount"))
    rows = read_rows(days, amounts) if "rows" in form else None
    do = text("do")
    if rows is not None and do == "add":
        rows.append(Row("", ""))
    elif rows is not None and do.removeprefix("remove-").isdecimal():
        place = int(do.removeprefix("remove-")) - 1
        rows = rows[:place] + rows[place + 1 :] if place >= 0 else rows
    return Typed(
        rows=None if do == "proposed" else rows,
        grant_reason=text("grant_reason"),
        beyond="beyond" in form,
        why=text("why"),
        ready=text("ready"),
        own=text("own"),
        seen=text("seen"),
        focus=do.partition("-")[0],
    )


def seen_as(request: Request) -> str:
    """Which version of a request somebody looks at."""
    return (request.changed_at or request.created_at).isoformat()


async def schedule_of(
    session: AsyncSession, desk: Desk, request: Request, typed: Typed, language: str
) -> ScheduleForm | None:
    """The payments typed, or proposed, with what is wrong with them; None for a request that has none.

    What the customer proposed was within the policy when they asked, and may be granted as it is.
    """
    if request.kind not in SCHEDULED:
        return None
    proposed = rows_of([(each.due_on, each.amount) for each in request.schedule])
    rows = proposed if typed.rows is None else typed.rows
    payments = [row.payment for row in rows if row.payment is not None]
    debt, flaws = await examined(session, request, payments, desk.clock(), terms_of(desk.operator))
    if is_proposed(request, rows):
        flaws = [flaw for flaw in flaws if not flaw.beyond_policy]
    return checked(rows, debt, flaws, language)


def is_proposed(request: Request, rows: list[Row]) -> bool:
    """Whether the rows are what the customer asked for."""
    return [row.payment for row in rows] == [(each.due_on, each.amount) for each in request.schedule]


async def page_of(session: AsyncSession, desk: Desk, actor: Actor, file: RequestFile, typed: Typed) -> dict[str, Any]:
    """What the template of a request's page shows."""
    request, now = file.request, desk.clock()
    today, language = local_day(now), told.language_of(file.reader)
    ready = reasons.REQUESTS[request.kind]
    schedule = await schedule_of(session, desk, request, typed, actor.language)
    refusal = reasons.reason_of(typed.ready, typed.own, ready, desk.texts, language)
    is_open = request.state in OPEN
    can_be_told = is_open and (schedule is None or schedule.is_read)
    return {
        "file": file,
        "it": request,
        "is_open": is_open,
        "is_late": is_open and request.due_on is not None and request.due_on < today,
        "is_favour": request.kind in GRANTABLE,
        "may_review": request.state is RequestState.RECEIVED,
        "may_go_beyond": actor.may(Permission.SUPERVISE),
        "said": said(request, desk.texts, actor.language),
        "history": list(history(file.history, file.names)),
        "schedule": schedule,
        "typed": typed,
        "seen": seen_as(request),
        "most_reason": MOST_REASON,
        "ready": reasons.choices(ready, desk.texts, actor.language),
        "grant_told": told.of_request(
            desk,
            file.reader,
            request,
            RequestState.GRANTED,
            today,
            reason=" ".join(typed.grant_reason.split()),
            payments=None if schedule is None else schedule.payments,
        )
        if can_be_told
        else None,
        "refuse_told": told.of_request(desk, file.reader, request, RequestState.REFUSED, today, reason=refusal)
        if is_open
        else None,
        "words": WORDS,
        "states": WORDS["request_state" if request.kind in GRANTABLE else "answered_state"],
    }
