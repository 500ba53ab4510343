"""Places in canned answers that are filled for each conversation: `{customer}`, `{amount_due}` and so on.

What cannot be filled stays in the text, and nothing is sent while one is there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calendar import local_day
from bot.desk.wording import N_
from bot.engine.texts import shown
from store.bills import open_bills
from store.models import Conversation, Customer
from store.requests import OPEN, PAYING, requests_of
from store.supplies import contracts_of

FIELDS: Mapping[str, str] = {
    "customer": N_("nom du client"),
    "contract": N_("numéro de contrat"),
    "agent": N_("votre nom"),
    "amount_due": N_("montant dû"),
    "reference": N_("référence de la demande en cours"),
}
"""What each field stands for, in French."""

_PLACE = re.compile(r"\{([a-z_]{1,40})\}")


def unfilled(text: str) -> list[str]:
    """The places still open in `text`, as they stand there, each once."""
    return list(dict.fromkeys(match[0] for match in _PLACE.finditer(text)))


def fill(body: str, values: Mapping[str, str]) -> str:
    """Put `values` into the places of `body`; a place without a value stays."""
    return _PLACE.sub(lambda match: values.get(match[1], match[0]), body)


async def field_values(
    session: AsyncSession, conversation: Conversation, agent: str, now: datetime
) -> dict[str, str]:
    """What is known for a conversation; what is not, or is one of several, is left out.

    The amount is what is open on all of the sender's bills, in the conversation's language.
    """
    phone = conversation.address if conversation.address.startswith("+") else None
    contracts = await contracts_of(session, conversation.id, phone, local_day(now))
    values = {"agent": agent}
    names = await customer_names(session, [contract.customer_id for contract in contracts])
    if len(names) == 1:
        values["customer"] = names[0]
    if len(contracts) == 1:
        values["contract"] = contracts[0].number
    ids = [contract.id for contract in contracts]
    if ids:
        bills = await open_bills(session, ids)
        due = sum((bill.total - bill.paid for bill in bills), Decimal(0))
        values["amount_due"] = shown(due, conversation.language or "fr")
    asked = [each for each in await requests_of(session, conversation.id, ids) if each.state in (*OPEN, *PAYING)]
    if asked:
        values["reference"] = asked[0].reference
    return values


async def customer_names(session: AsyncSession, customer_ids: list[int]) -> list[str]:
    """The names of customers, in alphabetical order, each once."""
    if not customer_ids:
        return []
    query = select(Customer.name).where(Customer.id.in_(set(customer_ids))).distinct().order_by(Customer.name)
    return list(await session.scalars(query))
