"""Twilio's errors as its REST API answers them. Codes and words: https://www.twilio.com/docs/api/errors."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import JSONResponse, Response

ERRORS: dict[int, tuple[int, str]] = {
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource {} was not found"),
    20422: (422, "Invalid Parameter: {}"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    21211: (400, "Invalid 'To' Phone Number: {}"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number {} is not a valid, message-capable Twilio phone number."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21620: (400, "Invalid media URL(s)"),
    21655: (400, "The ContentSid is Invalid"),
    21656: (400, "The ContentVariables Parameter is invalid"),
    63007: (400, "Twilio could not find a Channel with the specified From address"),
}
"""Code: HTTP status and message."""


class TwilioError(Exception):
    """A request that Twilio refuses."""

    def __init__(self, code: int, *details: str) -> None:
        super().__init__(code, *details)
        self.code = code
        self.status, words = ERRORS[code]
        self.message = words.format(*details)

    def response(self) -> Response:
        return error_response(self.status, self.code, self.message)


def refusal(status: int) -> Response:
    """What Twilio answers when it is too busy or unwell, for any 4xx or 5xx status."""
    code = {429: 20429}.get(status, 20000 + status)
    words = ERRORS[code][1] if code in ERRORS else HTTPStatus(status).phrase
    return error_response(status, code, words)


def error_response(status: int, code: int, message: str) -> Response:
    return JSONResponse(
        {
            "code": code,
            "message": message,
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        },
        status_code=status,
    )
