"""What a message names, one table per variety. Today is Monday 23 November 2026.

A row is the text and what is found in it, in order: `entity=value` with the extra keys that matter.
"""

import json
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu.entities import Patterns, find

TODAY = date(2026, 11, 23)


def named(text: str) -> list[str]:
    """`entity=value` for each entity but the words for utilities and registers."""
    return [f"{e['entity']}={e['value']}" for e in find(text, TODAY) if e["entity"] not in ("utility", "register")]


FRENCH = [
    ("48213", "reading=48213"),
    ("48 213", "reading=48213"),
    ("48.213", "reading=48213"),
    ("index:48213kwh", "reading=48213"),
    ("INDEX 48213", "reading=48213"),
    ("mon index est 48213,5", "reading=48213"),
    ("le compteur affiche quarante-huit mille deux cent treize", "reading=48213"),
    ("quatre huit deux un trois", "reading=48213"),
    ("l'index c'est 87", "reading=87"),
    ("eau 642", "reading=642"),
    ("1" * 40, f"reading={'1' * 40}"),
    ("-48213", "reading=48213"),
    ("je lis 48213 ce matin", "reading=48213 date=2026-11-23"),
    ("index 48213 relevé le 15", "reading=48213 date=2026-11-15"),
    ("index 48213 hier soir", "reading=48213 date=2026-11-22"),
    ("si j'envoie 5400 je paie combien", "reading=5400"),
    ("mon contrat 10000001 index 48213", "contract=10000001 reading=48213"),
    ("10000001", "contract=10000001 reading=10000001"),
    ("1000 0001", "contract=10000001 reading=10000001"),
    ("10 000 001", "contract=10000001 reading=10000001"),
    ("n° de contrat : 20000003", "contract=20000003"),
    ("mon contrat est 1234567", "contract=1234567"),
    ("n° de compteur E1234567", "meter=E1234567"),
    ("compteur numéro AB-1234567", "meter=AB1234567"),
    ("mon numéro est le 0612345678", ""),
    ("06 12 34 56 78", ""),
    ("06.12.34.56.78", ""),
    ("+212 6 12 34 56 78", ""),
    ("00212612345678", ""),
    ("0522 33 44 55", ""),
    ("appelez le 0612345678, index 4821", "reading=4821"),
    ("cin BE123456", ""),
    ("640 DH", "amount=640.00"),
    ("640,50 dhs", "amount=640.50"),
    ("1.250,00 DH", "amount=1250.00"),
    ("ma facture de 640 dirhams", "amount=640.00"),
    ("six cent quarante dirhams", "amount=640.00"),
    ("je veux payer 300", "amount=300.00"),
    ("j'ai payé 640 dh le 15/11", "amount=640.00 date=2026-11-15"),
    ("payer en trois fois", "count=3"),
    ("en 4 mensualités", "count=4"),
    ("étaler sur 6 mois", "count=6"),
    ("trois fois 200 dh", "count=3 amount=200.00"),
    ("en 3x sans frais", "count=3"),
    ("3 fois", "count=3"),
    ("diviser la facture en quatre svp", "count=4"),
    ("payer ma facture en 6 mois", "count=6"),
    ("j'ai essayé 3 fois", ""),
    ("j'ai payé deux fois", ""),
    ("tranche 4", ""),
    ("45 dh et 50 centimes", "amount=45.50"),
    ("45dh50", "amount=45.50"),
    ("50 centimes", "amount=0.50"),
    ("12 dirhams et demi", "amount=12.50"),
    ("mille francs", "amount=10.00"),
    ("compteur n° 123456789012", "meter=123456789012"),
    ("compteur n° 7730219", "meter=7730219 reading=7730219"),
    ("compteur n° 48213", "reading=48213"),
    ("mon compteur affiche 48213", "reading=48213"),
    ("police n° 20.45.77.81", "contract=20457781"),
    ("contrat 1000 0001 5120", "contract=10000001 reading=5120"),
    ("contrat et index 48213", "reading=48213"),
    ("client depuis 2019", ""),
    ("je consomme 240 kWh par mois", ""),
    ("avance de 20 kwh", ""),
    ("mon compteur est à 48213 kWh", "reading=48213"),
    ("70 kwh", "reading=70"),
    ("220 V au lieu de 230 volts", ""),
    ("à 300 mètres", ""),
    ("rue 214", ""),
    ("code 1234 5678 9012 3456 7890", ""),
    ("dossier 90417", ""),
    ("compteur à zéro", ""),
    ("j'ai payé depuis 3 jours", "date=2026-11-20"),
    ("index 48213 relevé il y a 3 jours", "reading=48213 date=2026-11-20"),
    ("parlez arabe, l'arabe svp", "language=ar"),
    ("je paierai le 25", "date=2026-11-25"),
    ("je paie vendredi prochain", "date=2026-11-27"),
    ("à la fin du mois", "date=2026-11-30"),
    ("délai jusqu'au 10/12", "date=2026-12-10"),
    ("dans quinze jours", "date=2026-12-08"),
    ("sans courant depuis 3 jours", ""),
    ("facture de 2025", ""),
    ("facture de novembre 2025", ""),
    ("2 factures impayées", ""),
    ("à 14h30", ""),
    ("hausse de 20%", ""),
    ("service 24h/24 et 7j/7", ""),
    ("puissance 6 kva", ""),
    ("dossier D-4K7P2", "reference=D-4K7P2"),
    ("R-93KD2", "reference=R-93KD2"),
    ("où en est c-12ab3", "reference=C-12AB3"),
    ("parlez moi en arabe", "language=ar"),
    ("continuez en français svp", "language=fr"),
    ("bonjour", ""),
    ("", ""),
    ("???", ""),
]

ENGLISH = [
    ("my reading is 48,213", "reading=48213"),
    ("meter shows 48213 kwh", "reading=48213"),
    ("forty-eight thousand two hundred and thirteen", "reading=48213"),
    ("reading 48213 taken yesterday", "reading=48213 date=2026-11-22"),
    ("contract 10000001", "contract=10000001"),
    ("my contract number is 20000003 and the meter says 642", "contract=20000003 reading=642"),
    ("call me on +212612345678", ""),
    ("I paid 640 dirhams", "amount=640.00"),
    ("I can pay 300 now", "amount=300.00"),
    ("MAD 640.50", "amount=640.50"),
    ("in three instalments", "count=3"),
    ("split over 4 months", "count=4"),
    ("3 payments", "count=3"),
    ("I'll pay on the 25th", "date=2026-11-25"),
    ("by the 28th", "date=2026-11-28"),
    ("end of the month", "date=2026-11-30"),
    ("next friday", "date=2026-11-27"),
    ("tomorrow", "date=2026-11-24"),
    ("next week", "date=2026-11-30"),
    ("no power for 3 days", ""),
    ("what do I owe", ""),
    ("open 24/7", ""),
    ("in english please", "language=en"),
    ("since 2025", ""),
    ("2 unpaid bills", ""),
    ("split it into 3", "count=3"),
    ("ten monthly payments", "count=10"),
    ("I was charged 2 times", ""),
    ("window number 3", ""),
    ("Water meter number 123456789012, index 415", "meter=123456789012 reading=415"),
    ("we use around 180 kWh a month", ""),
    ("in moroccan arabic", "language=ary"),
]

ARABIC = [
    ("٤٨٢١٣", "reading=48213"),
    ("قراءة العداد ٤٨٢١٣", "reading=48213"),
    ("العداد يشير إلى 48213", "reading=48213"),
    ("ثمانية وأربعون ألفا ومئتان وثلاثة عشر", "reading=48213"),
    ("قرأت العداد اليوم: ٤٨٢١٣ كيلوواط", "date=2026-11-23 reading=48213"),
    ("رقم العقد 10000002", "contract=10000002"),
    ("عقدي رقم ١٠٠٠٠٠٠٢ والقراءة 4821", "contract=10000002 reading=4821"),
    ("هاتفي 0612345678", ""),
    ("٠٦١٢٣٤٥٦٧٨", ""),
    ("640 درهم", "amount=640.00"),
    ("٦٤٠٫٥٠ درهم", "amount=640.50"),
    ("مئتا درهم", "amount=200.00"),
    ("أربع دفعات", "count=4"),
    ("على ثلاثة أقساط", "count=3"),
    ("على دفعتين", "count=2"),
    ("سأدفع يوم 25", "date=2026-11-25"),
    ("نهاية الشهر", "date=2026-11-30"),
    ("٣٠/١١/٢٠٢٦", "date=2026-11-30"),
    ("15 دجنبر", "date=2026-12-15"),
    ("الأسبوع القادم", "date=2026-11-30"),
    ("يوم الجمعة القادم", "date=2026-11-27"),
    ("بعد أسبوعين", "date=2026-12-07"),
    ("بعد الخامس من الشهر", "date=2026-12-05"),
    ("أمس", "date=2026-11-22"),
    ("منذ يومين", ""),
    ("بالفرنسية من فضلكم", "language=fr"),
    ("فاتورة سنة 2025", ""),
    ("112 درهما و50 سنتيما", "amount=112.50"),
    ("بخمسين درهما", "amount=50.00"),
    ("ألفي درهم", "amount=2000.00"),
    ("العداد رقم 304512339871", "meter=304512339871"),
    ("نستهلك 240 كيلوواط في الشهر", ""),
    ("180 فولط", ""),
    ("دفعت مرتين", ""),
    ("على مرتين", "count=2"),
    ("مرتين", "count=2"),
    ("دفعت الفاتورة منذ يومين", "date=2026-11-21"),
    ("الدارجة المغربية", "language=ary"),
    ("مغلق منذ 2019", ""),
]

DARIJA = [
    ("ها لكونتور 48213", "reading=48213"),
    ("الكونتور فيه ٤٨٢١٣", "reading=48213"),
    ("تمنية و ربعين ألف و ميتين و تلطاش", "reading=48213"),
    ("لكونطرا 10000003", "contract=10000003"),
    ("خلصت 640 درهم البارح", "amount=640.00 date=2026-11-22"),
    ("ربعمية درهم", "amount=400.00"),
    ("2000 ريال", "amount=100.00"),
    ("على تلاتة د الدفعات", "count=3"),
    ("من بعد 15", "date=2026-12-15"),
    ("غادي نخلص نهار 25", "date=2026-11-25"),
    ("السيمانة الجاية", "date=2026-11-30"),
    ("الشهر الجاي", "date=2026-12-01"),
    ("اخر هاد الشهر", "date=2026-11-30"),
    ("نهار الجمعة", "date=2026-11-27"),
    ("هادي 3 ايام بلا ضو", ""),
    ("غدا", "date=2026-11-24"),
    ("هضر معايا بالدارجة", "language=ary"),
    ("شحال خاصني نخلص", ""),
    ("عشرالاف ريال", "amount=500.00"),
    ("جاتني ب 890", "amount=890.00"),
    ("الما والضو بجوج", ""),
    ("فتلاتة د المرات", "count=3"),
    ("نخلصها على جوج", "count=2"),
    ("9 kVA فالكونترا ولانديكس راه 31160", "reading=31160"),
    ("جاوبني بالفرونسي", "language=fr"),
]

DARIJA_LATIN = [
    ("salam, ha lcompteur 48213 w bghit n3ref ch7al khasni nkhles", "reading=48213"),
    ("lcompteur48213", "reading=48213"),
    ("l3addad fih 9912", "reading=9912"),
    ("tmanya w rb3in alf w miyatayn w tletach", "reading=48213"),
    ("ha hiya 0048213", "reading=48213"),
    ("kontra 10000004", "contract=10000004"),
    ("9rit lcompteur lbare7 48213", "date=2026-11-22 reading=48213"),
    ("khlest 640 dh", "amount=640.00"),
    ("khlest rb3 mya dh", "amount=400.00"),
    ("n9der nkhles ghir 300", "amount=300.00"),
    ("2000 ryal", "amount=100.00"),
    ("3la 3 dfo3at", "count=3"),
    ("3la tlata dyal dfo3at", "count=3"),
    ("f 4 mrrat", "count=4"),
    ("had jem3a", "date=2026-11-27"),
    ("f lwl dyal chhar", "date=2026-12-01"),
    ("lekher d chhar", "date=2026-11-30"),
    ("mn b3d 15", "date=2026-12-15"),
    ("nkhles nhar 25", "date=2026-11-25"),
    ("simana jaya", "date=2026-11-30"),
    ("b3d 10 iyam", "date=2026-12-03"),
    ("ghedda", "date=2026-11-24"),
    ("3afak ch7al 3ndi", ""),
    ("tilifoun dyali 0612345678", ""),
    ("hder m3aya b darija", "language=ary"),
    ("bdel l logha l fransawiya", "language=fr"),
    ("jawbni b l3arbiya", "language=ar"),
    ("jatni b khmsmya drhm", "amount=500.00"),
    ("khlest 3 mrrat", ""),
    ("hadi 3 iyam bla do", ""),
    ("khlest hadi 3 iyam", "date=2026-11-20"),
    ("lma w do b joj", ""),
    ("sreft 240 kwh f chhar", ""),
    ("nkhelles 300", "amount=300.00"),
]


@pytest.mark.parametrize(("text", "expected"), [*FRENCH, *ENGLISH, *ARABIC, *DARIJA, *DARIJA_LATIN])
def test_entities(text: str, expected: str) -> None:
    assert named(text) == expected.split()


@pytest.mark.parametrize(
    ("text", "registers"),
    [
        ("HP 4821 HC 9310", {"4821": "peak", "9310": "off_peak"}),
        ("heures pleines 4821, heures creuses 9310", {"4821": "peak", "9310": "off_peak"}),
        ("pointe 4821 pleines 9310", {"4821": "peak", "9310": "off_peak"}),
        ("4821 en pointe et 9310 hors pointe", {"4821": "peak", "9310": "off_peak"}),
        ("nuit 9310 jour 4821", {"9310": "off_peak", "4821": "peak"}),
        ("peak 4821 off-peak 9310", {"4821": "peak", "9310": "off_peak"}),
        ("الذروة 4821 خارج الذروة 9310", {"4821": "peak", "9310": "off_peak"}),
        ("ساعات الذروة 4821 وخارج ساعات الذروة 9310", {"4821": "peak", "9310": "off_peak"}),
        ("فالذروة 4821 وبرا الذروة 9310", {"4821": "peak", "9310": "off_peak"}),
        ("لور دو بوانت 4821 ولور كروز 9310", {"4821": "peak", "9310": "off_peak"}),
        ("4821 HP", {"4821": "peak"}),
    ],
)
def test_each_reading_has_its_register(text: str, registers: dict[str, str]) -> None:
    found = {e["value"]: e.get("register") for e in find(text, TODAY) if e["entity"] == "reading"}
    assert found == registers


@pytest.mark.parametrize(
    ("text", "utilities"),
    [
        ("eau 642 électricité 48213", {"642": "water", "48213": "electricity"}),
        ("l'ma 642 w do 48213", {"642": "water", "48213": "electricity"}),
        ("ماء 642 كهرباء 48213", {"642": "water", "48213": "electricity"}),
        ("compteur d'eau 642", {"642": "water"}),
        ("mon compteur est à 642 m3", {"642": "water"}),
        ("index 48213 kWh", {"48213": "electricity"}),
        ("48213", {"48213": None}),
    ],
)
def test_each_reading_has_its_utility(text: str, utilities: dict[str, str | None]) -> None:
    found = {e["value"]: e.get("utility") for e in find(text, TODAY) if e["entity"] == "reading"}
    assert found == utilities


@pytest.mark.parametrize(
    ("text", "utility"),
    [
        ("lma", "water"),
        ("الما", "water"),
        ("فاتورة الماء", "water"),
        ("water bill", "water"),
        ("do", "electricity"),
        ("bghit nkhles do", "electricity"),
        ("trisinti", "electricity"),
        ("الضو", "electricity"),
        ("lkahraba", "electricity"),
        ("what do you do", None),
        ("do I owe anything", None),
        ("ما هو المبلغ", None),
        ("لما ما كاينش", "water"),
        ("فاتورة لما", "water"),
        ("لما وصلت الى البيت", None),
        ("tenez-moi au courant", None),
        ("le kwh est cher", None),
        ("ma facture", None),
    ],
)
def test_utilities(text: str, utility: str | None) -> None:
    assert [e["value"] for e in find(text, TODAY) if e["entity"] == "utility"] == ([utility] if utility else [])


def test_a_contract_number_where_a_reading_is_expected_can_be_told() -> None:
    contract, reading = find("10000001", TODAY)
    assert (contract["entity"], reading["entity"]) == ("contract", "reading")
    assert reading["alternative"] == "contract"


def test_a_reading_says_how_it_was_written() -> None:
    (reading,) = find("0048213,5", TODAY)
    assert (reading["value"], reading["digits"], reading["decimals"]) == ("48213", "0048213", "5")
    assert reading["labelled"]
    (negative,) = find("-12", TODAY)
    assert negative["negative"]


def test_an_open_date_carries_both_readings() -> None:
    (day,) = find("je paierai le 15", TODAY)
    assert (day["value"], day["past"], day["future"]) == ("2026-12-15", "2026-11-15", "2026-12-15")


def test_patterns_are_the_operators() -> None:
    patterns = Patterns(contract=re.compile(r"7\d{5}"))
    assert [e["entity"] for e in find("contrat 712345", TODAY, patterns)] == ["contract"]
    assert [e["entity"] for e in find("10000001", TODAY, patterns)] == ["reading"]


@given(st.text())
def test_entities_never_raise_and_lie_within_the_text(text: str) -> None:
    found = find(text, TODAY)
    json.dumps(found)
    for entity in found:
        assert 0 <= entity["start"] < entity["end"] <= len(text)


@given(st.text(alphabet="0123456789 .,/:-+dhkwRD٤٨", max_size=60))
def test_number_like_texts_never_raise(text: str) -> None:
    json.dumps(find(text, TODAY))
