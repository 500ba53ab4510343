"""Why a bill is what it is: in five languages on three channels, exactly, and to the contract's own people only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from stage import KNOWN, STRANGER, Stage

from actions.bill_comparison import compared
from billing.bill import Period, Use, compute
from billing.reference import parse_reference
from billing.tariff import TARIFFS, load
from bot.channels import gsm
from bot.channels.carrier import Channel
from bot.channels.text import numbered
from bot.documents.spec import BillCopy
from bot.pictures.spec import Picture
from store.bills import use_as_json
from store.models import Audit, Bill, Contract, Direction, Request

ELECTRICITY = "10000001"
WHY = {
    "fr": "pourquoi ma facture a augmenté ?",
    "ar": "لماذا فاتورتي مرتفعة هذا الشهر؟",
    "ary": "علاش الفاتورة ديالي طلعات بزاف؟",
    "ary-Latn": "3lach lfatoura dyali tal3a bzaf",
    "en": "why is my bill so high",
}
MARKS = str.maketrans("", "", "\u200e\u200f")


@dataclass(frozen=True)
class Issued:
    """A bill up to `end`. With `advanced` days before its own it is a regularisation, less `advances`."""

    end: date
    kwh: int
    days: int = 30
    estimated: bool = False
    advanced: int = 0
    advances: Decimal = Decimal(0)
    credit: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)


OCTOBER, NOVEMBER = date(2026, 10, 21), date(2026, 11, 20)
LAST_YEAR = date(2025, 11, 20)
JUST_ABOVE_310 = (Issued(OCTOBER, 250), Issued(NOVEMBER, 312))
"""346.56 DH, then 498.15: 291.90 and 431.09 of energy, 35.00 and 47.40 of TPPAN, 19.66 of rental each."""


async def issue(stage: Stage, *bills: Issued, contract: str = ELECTRICITY, tariff: str = "residential") -> None:
    """Make these the only bills of a contract, computed as the operator would."""
    async with stage.database.writing() as session:
        contract_id = await session.scalar(select(Contract.id).where(Contract.number == contract))
        assert contract_id is not None
        await session.execute(delete(Bill).where(Bill.contract_id == contract_id))
        index, estimated = 40_000, 0
        for number, bill in enumerate(bills, start=1):
            since = bill.end - timedelta(days=bill.days + bill.advanced)
            uses = [Use("total", Decimal(bill.kwh), index, index + bill.kwh, bill.estimated)]
            total = compute(
                load(TARIFFS / "onee")[tariff],
                Period(since, bill.end),
                uses,
                advances=bill.advances,
                credit=bill.credit,
            ).total
            session.add(
                Bill(
                    number=f"{contract}-{number:03}",
                    contract_id=contract_id,
                    period_start=bill.end - timedelta(days=bill.days),
                    period_end=bill.end,
                    issued_on=bill.end + timedelta(days=2),
                    due_on=bill.end + timedelta(days=20),
                    basis="estimated" if bill.estimated else "read",
                    usage=bill.kwh - (estimated if bill.advanced else 0),
                    tariff=tariff,
                    billed_from=since,
                    uses=[use_as_json(use) for use in uses],
                    advances=bill.advances,
                    credit=bill.credit,
                    total=total,
                    paid=bill.paid,
                )
            )
            if not bill.estimated:
                index += bill.kwh
            estimated = bill.kwh if bill.estimated else 0


async def payload(stage: Stage) -> dict[str, Any]:
    """What goes with the last reply: its buttons and what is attached."""
    return (await stage.messages(Direction.OUT))[-1].payload or {}


async def parts(stage: Stage, reply: str) -> int:
    """SMS parts of a reply with its choices, as it is sent."""
    titles = [title for title, _ in (await payload(stage)).get("buttons", ())]
    return gsm.parts(gsm.transliterate("\n".join([reply, *([numbered(titles)] if titles else ())])))


async def requests(stage: Stage) -> list[Request]:
    async with stage.database.reading() as session:
        return list(await session.scalars(select(Request).order_by(Request.id)))


def plain(text: str) -> str:
    """Figures comparable between languages: no spaces within them, a comma before the centimes, no marks."""
    return text.translate(MARKS).replace("\u202f", "").replace("\u00a0", " ").replace(".", ",")


# --- what changed -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", WHY)
async def test_an_sms_tells_basis_total_difference_and_the_cliff_in_two_parts(stage: Stage, language: str) -> None:
    await issue(stage, *JUST_ABOVE_310)
    reply = await stage.write(WHY[language])
    assert "498,15" in plain(reply)
    assert "151,59" in plain(reply)
    assert "69,53" in plain(reply)
    assert "+" in reply
    assert await parts(stage, reply) <= 2
    buttons = [button for _, button in (await payload(stage))["buttons"]]
    assert ['"detail"' in buttons[0], '"copy"' in buttons[1], buttons[2].startswith("/complain")] == [True] * 3
    assert "attachment" not in await payload(stage)


@pytest.mark.parametrize("channel", [Channel.WHATSAPP, Channel.TELEGRAM])
@pytest.mark.parametrize("language", WHY)
async def test_whatsapp_and_telegram_tell_more_with_a_picture(stage: Stage, language: str, channel: Channel) -> None:
    await issue(stage, Issued(LAST_YEAR, 280), *JUST_ABOVE_310)
    await stage.write(WHY[language], channel=channel)  # Telegram's address is not a phone; here it is, for all
    reply = plain((await stage.messages(Direction.OUT))[-1].body)
    last_year = "387,59"  # 280 kWh
    for figure in ("498,15", "151,59", "346,56", last_year, "69,53", "310 kWh", "8,3", "10,4 kWh"):
        assert figure in reply, f"{figure}: {reply}"
    assert len(reply) <= 900
    attachment = (await payload(stage))["attachment"]
    assert attachment["make"] == "bill_picture"
    assert attachment["name"] == "facture-2026-11.png"
    picture = Picture.model_validate(attachment["spec"])
    assert picture.language == language
    assert picture.waterfall is not None
    assert picture.waterfall.bars[-1].amount == Decimal("498.15")


async def test_the_picture_has_the_months_and_the_limits_of_the_tranches(stage: Stage) -> None:
    months = [Issued(NOVEMBER - timedelta(days=30 * ago), 100 + ago, estimated=ago == 3) for ago in range(15, -1, -1)]
    await issue(stage, *months)
    await stage.write(WHY["fr"], channel=Channel.WHATSAPP)
    usage = Picture.model_validate((await payload(stage))["attachment"]["spec"]).usage
    assert usage is not None
    assert [month.value for month in usage.months] == [100 + ago for ago in range(12, -1, -1)]
    assert [month.label for month in usage.months if month.estimated] == ["08/26"]
    assert [limit.value for limit in usage.limits] == [100, 150, 210, 310, 510]


async def test_bills_of_two_months_are_not_drawn_against_limits_of_one(stage: Stage) -> None:
    await issue(stage, Issued(NOVEMBER - timedelta(days=60), 200, days=60), Issued(NOVEMBER, 220, days=60))
    await stage.write(WHY["fr"], channel=Channel.WHATSAPP)
    picture = Picture.model_validate((await payload(stage))["attachment"]["spec"])
    assert picture.usage is None
    assert picture.waterfall is not None


async def test_a_french_explanation_word_for_word(stage: Stage) -> None:
    await issue(stage, *JUST_ABOVE_310)
    assert plain(await stage.write(WHY["fr"])).split("\n") == [
        "Votre dernière facture repose sur un vrai relevé,",
        "498,15 DH, soit 151,59 DH de plus que la précédente,",
        "Consommation : +91,43 DH",
        "Tranche : +60,16 DH",
        "2 kWh de moins et vous payiez 69,53 DH de moins,",
        "Pour la suite, un chiffre :",
    ]


async def test_a_bill_on_an_estimate_says_so_first(stage: Stage) -> None:
    await issue(stage, Issued(OCTOBER, 100), Issued(NOVEMBER, 130, estimated=True))
    assert "estimée" in (await stage.write(WHY["fr"])).split("\n")[0]
    assert "estimée" in (await stage.write(WHY["fr"], channel=Channel.WHATSAPP)).split("\n")[0]


async def test_a_regularisation_is_told_by_its_name(stage: Stage) -> None:
    estimated = Issued(OCTOBER, 100, estimated=True)
    await issue(stage, estimated, Issued(NOVEMBER, 280, advanced=30, advances=Decimal("109.76")))
    assert "Régularisation : +" in await stage.write(WHY["fr"])


async def test_the_same_bill_twice_has_nothing_to_explain(stage: Stage) -> None:
    await issue(stage, Issued(OCTOBER, 100), Issued(NOVEMBER, 100))
    assert "comme la précédente" in await stage.write(WHY["fr"])


async def test_nobody_is_blamed(stage: Stage) -> None:
    await issue(stage, Issued(OCTOBER, 100), Issued(NOVEMBER, 700))
    reply = await stage.write(WHY["fr"], channel=Channel.WHATSAPP)
    assert "trop" not in reply
    assert "vous avez" not in reply.lower()


# --- what cannot be told to the centime -------------------------------------------------------------------


@pytest.mark.parametrize("language", WHY)
@pytest.mark.parametrize("case", ["first", "gap", "changed total", "no details"])
async def test_what_cannot_be_explained_is_said_with_what_is_known_and_a_person(
    stage: Stage, case: str, language: str
) -> None:
    gap = 40 if case == "gap" else 0
    earlier = () if case == "first" else (Issued(OCTOBER - timedelta(days=gap), 250),)
    await issue(stage, *earlier, Issued(NOVEMBER, 312))
    changes: dict[str, Any] = {"changed total": {"total": Decimal("498.16")}, "no details": {"uses": None}}.get(
        case, {}
    )
    if changes:
        async with stage.database.writing() as session:
            await session.execute(update(Bill).where(Bill.period_end == NOVEMBER).values(**changes))
    reply = await stage.write(WHY[language])
    assert ("498,16" if case == "changed total" else "498,15") in plain(reply)
    assert "151,5" not in plain(reply)
    assert [button for _, button in (await payload(stage))["buttons"]] == ["/talk_to_agent"]
    assert await parts(stage, reply) <= 2


async def test_a_contract_without_a_bill_is_told_so(stage: Stage) -> None:
    await issue(stage)
    assert "Je ne trouve pas encore de facture" in await stage.write(WHY["fr"])


async def test_a_prepaid_contract_has_no_bill_to_explain(stage: Stage) -> None:
    await stage.contract("10000008", "electricity", ("total",), phone="+212600000008", billing="prepaid")
    await issue(stage, contract="10000008")
    assert "prépayé" in await stage.write(WHY["fr"], phone="+212600000008")


# --- which contract, and whose ----------------------------------------------------------------------------


async def test_a_stranger_learns_nothing_and_gets_the_answer_once_identified(stage: Stage) -> None:
    await issue(stage, *JUST_ABOVE_310)
    before = await stage.write("une copie de ma facture svp", phone=STRANGER)
    before += await stage.write("10000001", phone=STRANGER)
    before += await stage.write("99,99", phone=STRANGER)
    assert "498" not in before
    assert "312" not in before
    reply = await stage.write("498,15", phone=STRANGER)
    assert "Voici la copie" in reply
    assert (await payload(stage))["attachment"]["make"] == "bill_copy"


async def test_somebody_elses_contract_has_to_be_proved_whether_it_exists_or_not(stage: Stage) -> None:
    await issue(stage, *JUST_ABOVE_310)
    await stage.contract("10000002", "electricity", ("total",), phone=None)
    there = await stage.write("pourquoi la facture du contrat 10000002 est si élevée ?")
    await stage.write("annuler")
    nowhere = await stage.write("pourquoi la facture du contrat 10000077 est si élevée ?")
    assert there == nowhere
    assert "120,35" not in there


async def test_of_several_contracts_one_is_chosen_with_a_button(stage: Stage) -> None:
    await stage.contract("20000001", "water", ("total",), phone=KNOWN, last=1260, monthly=14)
    await issue(stage, *JUST_ABOVE_310)
    reply = await stage.write(WHY["fr"], channel=Channel.WHATSAPP)
    assert reply == "Pour quel contrat ?"
    assert "498,15" in await stage.press(1)


async def test_the_utility_named_is_the_one_explained(stage: Stage) -> None:
    await stage.contract("20000001", "water", ("total",), phone=KNOWN, last=1260, monthly=14)
    water = [Issued(OCTOBER, 14), Issued(NOVEMBER, 18)]
    await issue(stage, *water, contract="20000001", tariff="household_water")
    reply = await stage.write("pourquoi ma facture d'eau a augmenté ?", channel=Channel.WHATSAPP)
    assert "contrat 20000001" in reply
    assert "m³ par jour" in reply


# --- the rest, on request ---------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.WHATSAPP])
async def test_the_detail_has_every_effect_and_every_line_that_fits(stage: Stage, channel: Channel) -> None:
    estimated = Issued(OCTOBER, 100, estimated=True)
    await issue(stage, estimated, Issued(NOVEMBER, 700, advanced=30, advances=Decimal("109.76")))
    await stage.write(WHY["fr"], channel=channel)
    reply = await stage.press(1, channel=channel)
    async with stage.database.reading() as session:
        bills = list(await session.scalars(select(Bill).order_by(Bill.period_end)))
    for effect in compared(bills, "onee").effects:
        assert plain(f"{abs(effect.amount)} DH") in plain(reply), f"{effect}: {reply}"
    if channel is Channel.SMS:
        assert await parts(stage, reply) <= 3
    else:
        assert "Acomptes déjà facturés (estimations) : -109,76 DH" in plain(reply)
        assert "Énergie, tranche 5" in reply
    assert "Total : " in reply


@pytest.mark.parametrize("language", WHY)
async def test_the_detail_of_an_sms_is_three_parts_at_most(stage: Stage, language: str) -> None:
    await issue(stage, Issued(OCTOBER, 140, days=33), Issued(NOVEMBER, 149, days=30))
    await stage.write(WHY[language])
    reply = await stage.write("1")
    assert await parts(stage, reply) <= 3
    assert len((await payload(stage))["buttons"]) == 2


@pytest.mark.parametrize("language", WHY)
async def test_a_copy_has_every_line_the_vat_and_what_is_left_to_pay(stage: Stage, language: str) -> None:
    await issue(stage, Issued(OCTOBER, 100), Issued(NOVEMBER, 130, paid=Decimal("60.00")))
    await stage.write(WHY[language], channel=Channel.WHATSAPP)
    await stage.press(2)
    attachment = (await payload(stage))["attachment"]
    assert attachment["make"] == "bill_copy"
    assert attachment["name"] == "facture-2026-11.pdf"
    copy = BillCopy.model_validate(attachment["spec"])
    assert copy.language == language
    amounts = [plain(line[-1]).split(" ")[0] for line in copy.lines]
    assert amounts == ["90,10", "32,20", "19,66"]
    assert [plain(line[2]) for line in copy.lines] == ["0,750833", "0,894333", "16,383333"]
    assert [plain(value).split(" ")[0] for _, value in copy.totals] == ["23,67", "141,96", "60,00", "81,96"]
    assert any("40100" in value and "40230" in value for _, value in copy.fields)
    assert any(value.startswith("Client Fictif") for _, value in copy.fields)
    assert copy.operator.name == "ONEE"


async def test_estimated_or_read_is_answered_with_the_indexes(stage: Stage) -> None:
    await issue(stage, Issued(OCTOBER, 100), Issued(NOVEMBER, 130, estimated=True))
    reply = await stage.write("ma facture est estimée ou réelle ?")
    assert reply.split("\n") == [
        "Votre dernière facture est estimée, sans relevé.",
        "Index : 40100 le 21/10/2026, 40230 le 20/11/2026.",
    ]


@pytest.mark.parametrize(
    ("text", "kwh", "said"),
    [
        ("c'est quoi la TPPAN sur ma facture ?", 312, "47,40 DH"),
        ("c'est quoi la TPPAN sur ma facture ?", 130, "n'en contient pas"),
        ("que veut dire redevance sur ma facture ?", 130, "19,66 DH"),
        ("la TVA sur ma facture c'est quoi ?", 130, "TVA à 20 % : 23,67 DH"),
        ("que veut dire acompte sur ma facture ?", 130, "n'en contient pas"),
        ("explique-moi les tranches de ma facture", 130, "tranche 2 (101-150 kWh/mois) : 30 kWh, 32,20 DH"),
    ],
)
async def test_a_line_is_explained_with_the_customers_own_amount(
    stage: Stage, text: str, kwh: int, said: str
) -> None:
    await issue(stage, Issued(OCTOBER, 100), Issued(NOVEMBER, kwh))
    assert said in plain(await stage.write(text, channel=Channel.WHATSAPP))


async def test_what_a_line_is_is_told_to_anybody_without_asking_who(stage: Stage) -> None:
    reply = await stage.write("c'est quoi la TPPAN sur ma facture ?", phone=STRANGER)
    assert "audiovisuel public" in reply
    assert "DH" not in reply
    assert "contrat" not in reply


# --- "I do not agree" -------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", WHY)
async def test_not_agreeing_opens_a_complaint_with_the_explanation(stage: Stage, language: str) -> None:
    await issue(stage, *JUST_ABOVE_310)
    await stage.write(WHY[language], channel=Channel.WHATSAPP)
    reply = await stage.press(3)
    (complaint,) = await requests(stage)
    assert parse_reference(complaint.reference) == complaint.reference
    assert complaint.reference in reply
    assert (complaint.kind, complaint.state, complaint.reference[0]) == ("complaint", "received", "C")
    details = complaint.details
    assert details["bill"] == "10000001-002"
    assert (details["previous_total"], details["total"], details["difference"]) == ("346.56", "498.15", "151.59")
    assert sum(Decimal(effect["amount"]) for effect in details["effects"]) == Decimal("151.59")
    async with stage.database.reading() as session:
        audit = (await session.scalars(select(Audit).where(Audit.action == "request.received"))).one()
    assert audit.subject == f"request:{complaint.reference}"


async def test_a_question_that_disagrees_is_a_complaint(stage: Stage) -> None:
    await issue(stage, *JUST_ABOVE_310)
    reply = await stage.write("why is my bill so high i disagree")
    (complaint,) = await requests(stage)
    assert complaint.reference in reply


async def test_a_complaint_after_an_explanation_is_about_that_bill(stage: Stage) -> None:
    await issue(stage, *JUST_ABOVE_310)
    await stage.write(WHY["fr"])
    await stage.write("merci")
    reply = await stage.write("je veux faire une réclamation, cette facture est fausse")
    (complaint,) = await requests(stage)
    assert complaint.reference in reply
    assert complaint.details["words"] == ["je veux faire une réclamation, cette facture est fausse"]


async def test_said_again_it_keeps_its_reference_and_what_is_new_is_added(stage: Stage) -> None:
    await issue(stage, *JUST_ABOVE_310)
    first = await stage.write("je ne suis pas d'accord avec ma facture")
    again = await stage.write("je conteste ma facture, je n'étais pas là en novembre")
    (complaint,) = await requests(stage)
    assert complaint.reference in first
    assert complaint.reference in again
    assert len(complaint.details["words"]) == 2


async def test_a_bill_that_cannot_be_explained_can_be_disputed_all_the_same(stage: Stage) -> None:
    await stage.write("je ne suis pas d'accord avec ma facture")  # the stage's bill has no details
    (complaint,) = await requests(stage)
    assert complaint.details["total"] == "120.35"
    assert "effects" not in complaint.details


async def test_the_bill_of_a_complaint_is_chosen_where_there_are_several(stage: Stage) -> None:
    await stage.contract("20000001", "water", ("total",), phone=KNOWN, last=1260, monthly=14)
    await stage.write("je ne suis pas d'accord avec ma facture", channel=Channel.WHATSAPP)
    assert await requests(stage) == []
    await stage.press(2)
    (complaint,) = await requests(stage)
    assert complaint.details["bill"] == "F20000001"
    assert complaint.details["words"] == ["je ne suis pas d'accord avec ma facture"]


async def test_a_stranger_disputes_a_bill_once_identified(stage: Stage) -> None:
    await stage.write("je ne suis pas d'accord avec ma facture, contrat 10000001", phone=STRANGER)
    assert await requests(stage) == []
    reply = await stage.write("120,35", phone=STRANGER)
    (complaint,) = await requests(stage)
    assert complaint.reference in reply


@pytest.mark.parametrize("turns", [0, 3])
async def test_another_complaint_is_not_taken_for_one_about_the_bill(stage: Stage, turns: int) -> None:
    await issue(stage, *JUST_ABOVE_310)
    if turns:
        await stage.write(WHY["fr"])
    for _ in range(turns):
        await stage.write("merci")
    await stage.write("je veux faire une réclamation contre un agent impoli")
    (complaint,) = await requests(stage)
    assert complaint.details["category"] == "service"
    assert "bill" not in complaint.details
