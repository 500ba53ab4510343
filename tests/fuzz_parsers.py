"""Everything that reads what somebody else wrote, each with what to feed it and what it may raise."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fuzz_inputs import (
    ODD,
    broken_json,
    encoded,
    form_bodies,
    long_texts,
    mutated,
    texts,
    values,
)
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from bot.channels import gsm
from bot.channels import text as channel_text
from bot.channels.carrier import Inbound
from bot.channels.media import is_public
from bot.channels.telegram import updates
from bot.channels.twilio import forms
from bot.desk.forms import Form
from bot.desk.sealing import Seal
from bot.edge.tries import Tries
from bot.faults import Fault
from bot.file_kinds import kind_of
from bot.import_rows import LISTINGS
from bot.imports import lines
from bot.imports.rows import KINDS
from bot.inbox import MAX_BODY
from bot.phones import e164
from bot.sending.files import FileLinks
from bot.sending.uploads import clean_name
from bot.settings import Settings
from bot.turns.keywords import plain
from nlu import communes, dates, entities, numbers, particulars
from nlu.normalise import clean, fold, normalise, skeleton
from nlu.score import score_in
from nlu.segments import segments

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

TWILIO_MESSAGE = {
    "MessageSid": "SM" + "1" * 32,
    "SmsSid": "SM" + "1" * 32,
    "From": "whatsapp:+212600000001",
    "To": "whatsapp:+212520000002",
    "Body": "48213",
    "NumMedia": "1",
    "MediaUrl0": f"https://api.twilio.com/2010-04-01/Accounts/AC{'1' * 32}/Messages/MM{'1' * 32}/Media/ME{'1' * 32}",
    "MediaContentType0": "image/jpeg",
    "MessageType": "image",
    "Latitude": "33.9",
    "Longitude": "-6.8",
    "ButtonPayload": "12:0",
    "ButtonText": "Oui",
    "ListId": "12:1",
    "ListTitle": "Non",
    "OptOutType": "STOP",
}
TWILIO_STATUS = {
    "MessageSid": "SM" + "1" * 32,
    "MessageStatus": "failed",
    "SmsStatus": "failed",
    "ErrorCode": "30003",
    "ErrorMessage": "Unreachable +212600000001",
    "To": "whatsapp:+212600000001",
}
_USER = {"id": 600000001, "is_bot": False, "first_name": "Amina", "language_code": "fr"}
_CHAT = {"id": 600000001, "type": "private", "first_name": "Amina"}
_MESSAGE = {"message_id": 7, "date": 1795000000, "chat": _CHAT, "from": _USER}
_FILE = {"file_id": "AgAC", "file_unique_id": "u", "file_size": 1, "width": 1, "height": 1, "mime_type": "a/b"}
TELEGRAM_UPDATES: tuple[dict[str, Any], ...] = (
    {"update_id": 1, "message": _MESSAGE | {"text": "48213"}},
    {"update_id": 2, "edited_message": _MESSAGE | {"text": "48214", "edit_date": 1795000001}},
    {"update_id": 3, "message": _MESSAGE | {"photo": [_FILE], "caption": "compteur"}},
    {"update_id": 4, "message": _MESSAGE | {"document": _FILE}},
    {"update_id": 5, "message": _MESSAGE | {"voice": _FILE | {"duration": 3}}},
    {"update_id": 6, "message": _MESSAGE | {"location": {"latitude": 33.9, "longitude": -6.8}}},
    {
        "update_id": 7,
        "message": _MESSAGE | {"contact": {"phone_number": "+212600000001", "first_name": "A", "user_id": 600000001}},
    },
    {
        "update_id": 8,
        "callback_query": {
            "id": "77",
            "from": _USER,
            "chat_instance": "1",
            "data": "12:0",
            "message": _MESSAGE
            | {"text": "?", "reply_markup": {"inline_keyboard": [[{"text": "Oui", "callback_data": "12:0"}]]}},
        },
    },
    {
        "update_id": 9,
        "my_chat_member": {
            "chat": {"id": -5, "type": "group", "title": "Nous"},
            "from": _USER,
            "date": 1795000000,
            "old_chat_member": {"user": _USER, "status": "left"},
            "new_chat_member": {"user": _USER, "status": "member"},
        },
    },
)


@dataclass(frozen=True, slots=True)
class Parser:
    """Something that reads. It may raise what it says it raises, and nothing else."""

    inputs: st.SearchStrategy[Any]
    read: Callable[[Any], object]
    raises: tuple[type[Exception], ...] = ()

    def takes(self, given: Any) -> None:
        """Read `given`. Raises what the parser should not."""
        with contextlib.suppress(*self.raises):
            self.read(given)


def twilio_form(body: bytes) -> None:
    form = forms.decode_form(body)
    for read in (forms.read_message, forms.read_status):
        with contextlib.suppress(forms.Malformed):
            found = read(form)
            if isinstance(found, Inbound):
                is_storable(found)


def twilio_json(body: str) -> None:
    forms.read_message(forms.decode_json(body))


def telegram(body: bytes) -> None:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return
    received = updates.read(updates.parse(data))
    if received.inbound:
        is_storable(received.inbound)


def is_storable(message: Inbound) -> None:
    """Fails for what no database takes: it would be sent to us again for ever, and then be lost."""
    texts = (
        message.text,
        message.button or "",
        message.contact_phone or "",
        message.language_hint or "",
        message.carrier_id,
        message.address,
        *(part for media in message.media for part in (media.reference, media.content_type or "")),
    )
    assert all("\0" not in text and text.encode() is not None for text in texts)
    assert len(message.carrier_id) <= 80
    assert len(message.address) <= 64
    json.dumps([message.latitude, message.longitude], allow_nan=False)


def imported(kind: Any) -> Callable[[bytes], None]:
    def read(content: bytes) -> None:
        for line in lines.read(io.BytesIO(content), kind.required, kind.known):
            if line.fields is not None:
                with contextlib.suppress(ValidationError):
                    kind.row.model_validate(line.fields)

    return read


def files_of(kind: Any) -> st.SearchStrategy[bytes]:
    """CSV, JSON lines and arrays with the fields of `kind`."""
    cell = st.one_of(texts(), st.sampled_from(ODD), st.dates().map(str), st.integers().map(str))
    row = st.fixed_dictionaries({}, optional={name: st.one_of(cell, values()) for name in kind.known})
    header = ",".join(kind.known)
    table = st.lists(st.lists(cell, max_size=len(kind.known) + 1).map(_csv_line), max_size=4)
    return st.one_of(
        table.map(lambda rows: "\n".join([header, *rows]).encode("utf-8", "surrogatepass")),
        st.lists(row, max_size=3).map(encoded),
        st.lists(row.map(encoded), max_size=3).map(b"\n".join),
        broken_json(),
        st.binary(max_size=300).map(lambda noise: header.encode() + b"\n" + noise),
    )


def _csv_line(cells: list[str]) -> str:
    return ",".join(f'"{cell}"' if "," in cell else cell for cell in cells)


def whole_message(text: str) -> None:
    """What is done to each message before the classifier, in the same order."""
    cleaned = clean(text)[:1000]
    folded = entities.spelled_out(cleaned)
    for each in entities.find_in(folded, cleaned, TODAY):
        json.dumps(each)
    particulars.find_in(folded, cleaned)
    communes.known().find_in(folded, cleaned)
    segments(cleaned)


def _listing(rows: type) -> Callable[[dict[str, Any]], object]:
    return rows.model_validate  # type: ignore[attr-defined, no-any-return]


_LINKS = FileLinks(Settings(_env_file=None, secret_key=SecretStr("a secret of the fuzz tests of 40 letters.")))
_SEAL = Seal((SecretStr("a secret of the fuzz tests of 40 letters."),), "fuzz")
_ADDRESS = st.one_of(
    texts(), st.ip_addresses().map(str), st.ip_addresses(v=6).map(lambda number: f"{number}%eth0"), st.none()
)
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", b"OggS", b"\0\0\0\x18ftyp", b"%PDF-", b"PK\3\4")

PARSERS: Mapping[str, Parser] = {
    "twilio form": Parser(form_bodies({*TWILIO_MESSAGE, *TWILIO_STATUS}), twilio_form, (forms.Malformed,)),
    "twilio form, nearly sound": Parser(
        mutated(TWILIO_MESSAGE).map(lambda form: {name: str(value) for name, value in form.items()}),
        lambda form: [forms.read_message(form), forms.read_status(form)],
        (forms.Malformed,),
    ),
    "twilio JSON": Parser(
        st.one_of(mutated(TWILIO_MESSAGE).map(json.dumps), broken_json().map(lambda body: body.decode("latin-1"))),
        twilio_json,
        (forms.Malformed,),
    ),
    "telegram update": Parser(
        st.one_of(st.sampled_from(TELEGRAM_UPDATES).flatmap(mutated).map(encoded), broken_json()),
        telegram,
        (updates.Malformed,),
    ),
    **{
        f"import of {name.value}": Parser(files_of(kind), imported(kind), (lines.BrokenFile,))
        for name, kind in KINDS.items()
    },
    **{
        f"list of {listing.name}": Parser(
            st.fixed_dictionaries({}, optional={name: texts() for name in listing.columns}),
            _listing(listing.row),
            (ValidationError,),
        )
        for listing in LISTINGS.values()
    },
    "a message before the classifier": Parser(texts(), whole_message),
    "a message of a million characters": Parser(
        long_texts(), lambda text: clean(channel_text.storable(text)[:MAX_BODY])
    ),
    "cleaning": Parser(texts(), clean),
    "folding": Parser(texts(), lambda text: (fold(text), normalise(text), skeleton(text))),
    "numbers": Parser(texts(), lambda text: [each.integer for each in numbers.find(fold(text).text)]),
    "dates": Parser(texts(), lambda text: dates.find(fold(text).text, TODAY)),
    "a mark from 1 to 5": Parser(texts(), score_in),
    "keywords": Parser(texts(), plain),
    "phone numbers": Parser(texts(), lambda text: e164(text, "MA"), (Fault,)),
    "texts from carriers": Parser(texts(), lambda text: channel_text.storable(text).encode()),
    "texts to phones": Parser(
        texts(),
        lambda text: (gsm.fit(text, "\n1. Oui"), gsm.parts(text), channel_text.shorten(text, 70)),
    ),
    "links to files": Parser(texts(), lambda text: _LINKS.message_id(text, NOW)),
    "what was sealed": Parser(
        texts().map(lambda text: text.encode("utf-8", "replace").decode()),
        lambda text: _SEAL.open(text, NOW, timedelta(minutes=10)),
    ),
    "forms at the desk": Parser(
        st.lists(texts(), max_size=4).map(lambda fields: Form({"field": tuple(fields)})),
        lambda form: (form.text("field").encode(), form.several("field"), form.row_ids("field")),
    ),
    "names of files": Parser(texts(), lambda text: clean_name(text, "image/png").encode("ascii")),
    "kinds of files": Parser(
        st.builds(bytes.__add__, st.sampled_from((b"", *_MAGIC)), st.binary(max_size=200)), kind_of
    ),
    "network addresses": Parser(_ADDRESS, lambda text: (is_public(text or ""), Tries().failed(text))),
}
