"""What the API answers when it cannot do what it was asked: a status, and a sentence that says why."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

API = "/api/"
MOST_TOLD = 20
"""Wrong fields of a request that are told."""

Answers = dict[int | str, dict[str, Any]]


class WrongField(BaseModel):
    """What is wrong with a field of a request."""

    field: str = Field(examples=["body.amount"])
    reason: str = Field(examples=["Input should be greater than 0"])


class Refusal(BaseModel):
    """Why a call was not done. `errors` names the fields, where some are wrong."""

    detail: str = Field(examples=["there is no contract 10000009"])
    errors: list[WrongField] | None = None


DESCRIPTIONS = {
    400: "Not a request that can be understood",
    401: "No key in use",
    403: "The key lacks the scope",
    404: "There is no such thing",
    409: "Not possible as things stand",
    413: "The body is too large",
    422: "Something in the request is wrong",
    429: "Too many failures from this address",
    503: "Not possible for the moment",
}
IN_PLAIN_TEXT = frozenset({413})
"""What is answered before a route is asked."""


def answers(*statuses: int, **described: str) -> Answers:
    """The refusals of a route, for the description of the API: those that every route has, and `statuses`.

    `described` says more of one: `_404="No such contract"`.
    """
    own = {int(name.removeprefix("_")): text for name, text in described.items()}
    wanted = sorted({400, 401, 403, 413, 422, 429, 503, *statuses, *own})
    replies: Answers = {status: {"description": own.get(status, DESCRIPTIONS[status])} for status in wanted}
    for status, answer in replies.items():
        if status in IN_PLAIN_TEXT:
            answer["content"] = {"text/plain": {"schema": {"type": "string"}}}
        else:
            answer["model"] = Refusal
    return replies


def _told(place: tuple[Any, ...], reason: str) -> WrongField:
    # A field that nobody knows is named by whoever sent it, maybe in what UTF-8 cannot write.
    field = ".".join(map(str, place))[:200].encode(errors="replace").decode()
    return WrongField(field=field, reason=reason.removeprefix("Value error, ")[:300])


def answer_wrong_requests(app: FastAPI) -> None:
    """Have requests to the API that do not fit its description answered as a `Refusal`."""

    async def wrong(request: Request, error: RequestValidationError) -> Response:
        if not request.url.path.startswith(API):
            return await request_validation_exception_handler(request, error)
        # Without the values: what was sent is not sent back, nor is it what JSON can always hold.
        errors = [_told(each["loc"], each["msg"]) for each in error.errors()[:MOST_TOLD]]
        first = errors[0]
        detail = f"{first.field}: {first.reason}"
        return JSONResponse(Refusal(detail=detail, errors=errors).model_dump(), status_code=422)

    app.add_exception_handler(RequestValidationError, wrong)  # type: ignore[arg-type]
