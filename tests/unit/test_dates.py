"""Dates in five varieties, counted from Monday 23 November 2026."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu.dates import Mention, find
from nlu.normalise import fold
from nlu.numbers import spell_out

TODAY = date(2026, 11, 23)


def read(text: str, today: date = TODAY) -> list[Mention]:
    return find(spell_out(fold(text)).text, today)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("hier", "2026-11-22"),
        ("ce matin", "2026-11-23"),
        ("avant-hier", "2026-11-21"),
        ("le 15", "2026-12-15"),
        ("15/12/26", "2026-12-15"),
        ("fin du mois", "2026-11-30"),
        ("à la fin du mois", "2026-11-30"),
        ("fin du mois prochain", "2026-12-31"),
        ("fin décembre", "2026-12-31"),
        ("début décembre", "2026-12-01"),
        ("début du mois", "2026-12-01"),
        ("vendredi prochain", "2026-11-27"),
        ("vendredi", "2026-11-27"),
        ("lbare7", "2026-11-22"),
        ("had jem3a", "2026-11-27"),
        ("jem3a jaya", "2026-11-27"),
        ("nhar jm3a li jaya", "2026-11-27"),
        ("f lwl dyal chhar", "2026-12-01"),
        ("lwl d chhar jay", "2026-12-01"),
        ("f lekher dyal chhar", "2026-11-30"),
        ("tali d chhar", "2026-11-30"),
        ("من بعد 15", "2026-12-15"),
        ("mn b3d 15", "2026-12-15"),
        ("البارح", "2026-11-22"),
        ("٣٠/١١/٢٠٢٦", "2026-11-30"),
        ("30-11-2026", "2026-11-30"),
        ("2026-11-30", "2026-11-30"),
        ("yesterday", "2026-11-22"),
        ("the day after tomorrow", "2026-11-25"),
        ("ghda", "2026-11-24"),
        ("غدا", "2026-11-24"),
        ("بعد غد", "2026-11-25"),
        ("نهاية الشهر", "2026-11-30"),
        ("اخر الشهر", "2026-11-30"),
        ("بداية الشهر القادم", "2026-12-01"),
        ("الأسبوع القادم", "2026-11-30"),
        ("السيمانة الجاية", "2026-11-30"),
        ("simana jaya", "2026-11-30"),
        ("la semaine prochaine", "2026-11-30"),
        ("next week", "2026-11-30"),
        ("next month", "2026-12-01"),
        ("الشهر المقبل", "2026-12-01"),
        ("chhar jay", "2026-12-01"),
        ("le mois prochain", "2026-12-01"),
        ("chher li jay", "2026-12-01"),
        ("dans 15 jours", "2026-12-08"),
        ("dans quinze jours", "2026-12-08"),
        ("il y a deux jours", "2026-11-21"),
        ("بعد أسبوعين", "2026-12-07"),
        ("بعد عشرين يوما", "2026-12-13"),
        ("b3d 10 iyam", "2026-12-03"),
        ("mn daba simana", "2026-11-30"),
        ("in 3 days", "2026-11-26"),
        ("three days ago", "2026-11-20"),
        ("يوم 25", "2026-11-25"),
        ("نهار 25", "2026-11-25"),
        ("nhar 25", "2026-11-25"),
        ("7tal 25", "2026-11-25"),
        ("حتى يوم 10", "2026-12-10"),
        ("بعد الخامس من الشهر", "2026-12-05"),
        ("15 du mois", "2026-12-15"),
        ("le 20 du mois prochain", "2026-12-20"),
        ("5 من الشهر المقبل", "2026-12-05"),
        ("15 f chhar", "2026-12-15"),
        ("15 دجنبر", "2026-12-15"),
        ("le 15 décembre 2026", "2026-12-15"),
        ("1er décembre", "2026-12-01"),
        ("le 1er", "2026-12-01"),
        ("December 5th", "2026-12-05"),
        ("the 5th of december", "2026-12-05"),
        ("by the 28th", "2026-11-28"),
        ("end of the month", "2026-11-30"),
        ("mid december", "2026-12-15"),
        ("منتصف الشهر", "2026-12-15"),
        ("نهاية هذا الأسبوع", "2026-11-29"),
        ("ce week-end", "2026-11-29"),
        ("jeudi", "2026-11-26"),
        ("يوم الخميس", "2026-11-26"),
        ("nhar lkhmis", "2026-11-26"),
        ("jusqu'au 10", "2026-12-10"),
        ("encore 10 jours", "2026-12-03"),
        ("une semaine de plus", "2026-11-30"),
        ("laissez moi une semaine", "2026-11-30"),
        ("15 f had chhar", "2026-12-15"),
        ("9bel 25", "2026-11-25"),
        ("wl lbare7", "2026-11-21"),
        ("l'bare7", "2026-11-22"),
        ("قبل يومين", "2026-11-21"),
        ("منذ 3 أيام", "2026-11-20"),
        ("سبت", "2026-11-28"),
        ("lyoum", "2026-11-23"),
        ("had sba7", "2026-11-23"),
        ("le mois dernier", "2026-10-01"),
        ("chhar li fat", "2026-10-01"),
        ("vendredi dernier", "2026-11-20"),
        ("29/02", "2028-02-29"),
        ("ta l nhar 5", "2026-12-05"),
        ("f 5 chhar jay", "2026-12-05"),
        ("nkhles nhar 28", "2026-11-28"),
        ("le cinq décembre", "2026-12-05"),
        ("fin novembre", "2026-11-30"),
        ("hta l'25", "2026-11-25"),
        ("n5les m3a lekher d chhar", "2026-11-30"),
        ("mn hna l simana", "2026-11-30"),
        ("fin de mois", "2026-11-30"),
        ("f akhir chhar", "2026-11-30"),
        ("l lekher dial chher", "2026-11-30"),
        ("15/11", "2026-11-15"),  # no year: the nearer one
        ("15/01", "2027-01-15"),
        ("jusqu'au 31", "2026-12-31"),  # November has thirty days
        ("khamstach novembre", "2026-11-15"),
        ("à la fin de l'année", "2026-12-31"),
        ("before the end of the year", "2026-12-31"),
        ("حتى لاخر العام", "2026-12-31"),
        ("نهاية السنة المقبلة", "2027-12-31"),
        ("ta lakher dyal l3am", "2026-12-31"),
        ("début de l'année prochaine", "2027-01-01"),
        ("mercredi 16 décembre", "2026-12-16"),
        ("vendredi le 27", "2026-11-27"),
        ("lundi 30", "2026-11-30"),
        ("الجمعة 18 دجنبر", "2026-12-18"),
        ("ghedda tlata", "2026-11-24"),
        ("le premier décembre", "2026-12-01"),
        ("فاتح ماي", "2027-05-01"),
        ("fati7 abril", "2027-04-01"),
        ("the fifteenth of May", "2027-05-15"),
        ("on the twenty-fifth", "2026-11-25"),
        ("الخامس عشر من الشهر", "2026-12-15"),
        ("الخامس والعشرين من دجنبر", "2026-12-25"),
        ("sept 7", "2026-09-07"),
        ("tommorow", "2026-11-24"),
        ("nhar lkhmiss", "2026-11-26"),
        ("حتى لتنين", "2026-11-30"),
        ("le 28 j'ai lu", "2026-10-28"),
        ("j'ai payé le 5", "2026-11-05"),
        ("khlest nhar 5", "2026-11-05"),
        ("ila khlest nhar 25", "2026-11-25"),
        ("je paierai le 15/11", "2027-11-15"),  # a promise is not kept in the past
        ("nkhelles f 25", "2026-11-25"),
        ("nkhelles nhar l7ed 3nd lagence", "2026-11-29"),
        ("بعد يوم 15", "2026-12-15"),
        ("dans 10jours", "2026-12-03"),
        ("mn hna l 15", "2026-12-15"),
        ("من هنا لنهار 20", "2026-12-20"),
    ],
)
def test_dates(text: str, day: str) -> None:
    assert [mention.value.isoformat() for mention in read(text)] == [day]


@pytest.mark.parametrize(
    "text",
    [
        "48213",
        "24h/24 7/7",
        "640 dh",
        "3 fois",
        "le 15 dh",
        "le compteur 48213",
        "mon index est 48213",
        "dernier mois",
        "31/02",
        "45/11",
        "mai",
        "may I pay",
        "3la 3 mois",
        "nkhelles f 5 mrrat",
        "3nd chkoun nkhles",
        "the 2nd floor",
        "the second lady",
        "clear the 2 300 DH",
        "سوق الأربعاء",
        "souk larb3a",
        "الحد الأقصى",
        "لحد الآن",
        "الربع",
        "aïd moubarak",
        "f rbi3",
        "horaires pendant ramadan",
        "smiti Mouloud",
    ],
)
def test_not_dates(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("jusqu'au 15", "2026-12-15"),
        ("jusquau 15", "2026-12-15"),
        ("avant le 15 du mois prochain", "2026-12-15"),
        ("le 15 du mois pro", "2026-12-15"),
        ("fin du mois", "2026-11-30"),
        ("après la fin du mois", "2026-12-01"),
        ("la semaine prochaine", "2026-11-30"),
        ("semaine pro", "2026-11-30"),
        ("à la fin de la semaine prochaine", "2026-12-06"),
        ("le mois d'après", "2026-12-01"),
        ("le 5 janvier", "2027-01-05"),
        ("je ne peux pas payer avant le 5 janvier", "2027-01-05"),
        ("dans 10 jours", "2026-12-03"),
        ("dans une quinzaine", "2026-12-08"),
        ("dans une dizaine de jours", "2026-12-03"),
        ("dans un mois et demi", "2027-01-07"),
        ("donnez-moi 10 jours", "2026-12-03"),
        ("j'ai besoin de 15 jours", "2026-12-08"),
        ("un report de 15 jours", "2026-12-08"),
        ("décaler d'un mois", "2026-12-23"),
        ("après l'aid", "2027-03-10"),
        ("2000 dh maintenant le reste le 15", "2026-12-15"),
        ("l chher jay", "2026-12-01"),
        ("chhr jay", "2026-12-01"),
        ("nhar 15", "2026-12-15"),
        ("ta l 15", "2026-12-15"),
        ("ta nhar 15", "2026-12-15"),
        ("f ras chher", "2026-12-01"),
        ("mn b3d lakher d chher", "2026-12-01"),
        ("mn hna l simana", "2026-11-30"),
        ("mora nhar 15", "2026-12-15"),
        ("mora simana", "2026-11-30"),
        ("mor l3id", "2027-03-10"),
        ("zidni 10 iyam", "2026-12-03"),
        ("sber 3lia 10 iyam", "2026-12-03"),
        ("3tiwni 10 iyam", "2026-12-03"),
        ("nhar 15 dyal chher li jay", "2026-12-15"),
        ("آخر الشهر", "2026-11-30"),
        ("حتى لراس الشهر", "2026-12-01"),
        ("من هنا لسيمانة", "2026-11-30"),
        ("من هنا لعشر ايام", "2026-12-03"),
        ("السيمانا الجاية", "2026-11-30"),
        ("مورا العيد", "2027-03-10"),
        ("عطيوني 10 ايام", "2026-12-03"),
        ("15 ديال الشهر الجاي", "2026-12-15"),
        ("نهار 5 يناير", "2027-01-05"),
        ("بعد نهاية الشهر", "2026-12-01"),
        ("إلى غاية 15", "2026-12-15"),
        ("قبل 15 من الشهر القادم", "2026-12-15"),
        ("الأسبوع المقبل", "2026-11-30"),
        ("بعد عشرة أيام", "2026-12-03"),
        ("مهلة شهر", "2026-12-23"),
        ("until the 15th", "2026-12-15"),
        ("before the 15th of next month", "2026-12-15"),
        ("after the end of the month", "2026-12-01"),
        ("after the end of next month", "2027-01-01"),
        ("by month end", "2026-11-30"),
        ("next week", "2026-11-30"),
        ("in a fortnight", "2026-12-07"),
        ("10 more days", "2026-12-03"),
        ("give me a week", "2026-11-30"),
        ("i need two more weeks", "2026-12-07"),
        ("extension of 2 weeks", "2026-12-07"),
    ],
)
def test_until_when_a_customer_wishes_to_pay(text: str, day: str) -> None:
    assert [mention.future.isoformat() for mention in read(text)] == [day]


@pytest.mark.parametrize(
    "text",
    [
        "quand je touche mon salaire",
        "quand je serai payé",
        "je paierai quand je pourrai",
        "je paierai jamais",
        "2000 dh maintenant le reste plus tard",
        "next payday",
        "when I get my salary",
        "حتى نتخلص",
        "ملي نشد المانضة",
        "عندما أتوصل براتبي",
        "mli nched l mandat",
        "manb9ach nkhelles",
        "le 40",
        "le 31 février",
    ],
)
def test_a_wish_without_a_day_is_not_given_one(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize("text", ["10 jours", "dix jours svp", "10 أيام", "3chra iyam", "10 days"])
def test_a_length_of_time_alone_answers_until_when_and_since_when(text: str) -> None:
    assert [(m.past, m.future) for m in read(text)] == [(date(2026, 11, 13), date(2026, 12, 3))]


def test_an_open_date_is_both_gone_by_and_to_come() -> None:
    (mention,) = read("le 15")
    assert (mention.past, mention.future) == (date(2026, 11, 15), date(2026, 12, 15))
    assert mention.ambiguous


def test_words_of_the_past_put_an_open_date_there() -> None:
    assert read("index relevé le 15")[0].value == date(2026, 11, 15)
    assert read("9rit lcompteur nhar 15")[0].value == date(2026, 11, 15)


def test_each_date_has_the_tense_of_the_verb_before_it() -> None:
    assert [m.value.isoformat() for m in read("j'ai payé 200 dh le 5 et je paierai le reste le 5")] == [
        "2026-11-05",
        "2026-12-05",
    ]


@pytest.mark.parametrize("text", ["depuis 3 jours", "منذ 3 أيام", "hadi 3 iyam", "for 3 days", "ca fait 2 mois"])
def test_how_long_it_has_lasted_is_marked(text: str) -> None:
    assert [mention.since for mention in read(text)] == [True]


@pytest.mark.parametrize("text", ["il y a 3 jours", "قبل 3 أيام", "three days ago"])
def test_how_long_ago_is_a_day(text: str) -> None:
    assert [(mention.value, mention.since) for mention in read(text)] == [(date(2026, 11, 20), False)]


# Announced by the ministry of Habous and Islamic affairs after sighting the moon; the calendar may be a day off.
ANNOUNCED = {
    "Aïd Al Fitr": [(2016, 7, 6), (2022, 5, 2), (2023, 4, 22), (2024, 4, 10), (2025, 3, 31)],
    "Aïd Al Adha": [(2013, 10, 16), (2023, 6, 29), (2025, 6, 7)],
}


@pytest.mark.parametrize(("feast", "day"), [(feast, date(*day)) for feast, days in ANNOUNCED.items() for day in days])
def test_feasts_fall_within_a_day_of_the_announced(feast: str, day: date) -> None:
    (mention,) = read(f"après l'{feast}", day - timedelta(30))
    assert abs(mention.value - day) <= timedelta(1)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("après l'aïd", "2027-03-10"),
        ("mn be3d l3id sghir", "2027-03-10"),
        ("قبل عيد الأضحى", "2027-05-17"),
        ("9bel l3id lkbir", "2027-05-17"),
        ("after ramadan", "2027-03-10"),
        ("حتى لرمضان", "2027-02-08"),
        ("قبل رمضان", "2027-02-08"),
        ("b3d 3id lmouloud", "2027-08-15"),
    ],
)
def test_feasts(text: str, day: str) -> None:
    assert [mention.value.isoformat() for mention in read(text)] == [day]


def test_a_period_has_a_last_day() -> None:
    (mention,) = read("la semaine prochaine")
    assert (mention.value, mention.until) == (date(2026, 11, 30), date(2026, 12, 6))


def test_two_dates_in_one_message() -> None:
    assert [m.value.day for m in read("le 15 ou le 20")] == [15, 20]


@pytest.mark.parametrize(
    ("today", "text", "day"),
    [
        (date(2026, 1, 31), "dans un mois", "2026-02-28"),
        (date(2026, 12, 31), "demain", "2027-01-01"),
        (date(2026, 12, 20), "début du mois", "2027-01-01"),
        (date(2026, 1, 5), "le mois dernier", "2025-12-01"),
        (date(2028, 2, 10), "fin du mois", "2028-02-29"),
        (date(2026, 11, 29), "lundi", "2026-11-30"),
        (date(2026, 11, 15), "le 15", "2026-11-15"),
        (date(2026, 11, 30), "fin du mois", "2026-11-30"),
    ],
)
def test_months_and_years_roll_over(today: date, text: str, day: str) -> None:
    assert read(text, today)[0].value.isoformat() == day


@given(st.dates(date(2026, 1, 1), date(2028, 12, 31)))
def test_full_dates_round_trip(day: date) -> None:
    for written in (f"{day:%d/%m/%Y}", f"{day:%Y-%m-%d}", f"{day:%d.%m.%y}"):
        assert [mention.value for mention in read(written)] == [day]


@given(st.text(), st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_reading_dates_never_raises(text: str, today: date) -> None:
    for mention in read(text, today):
        assert mention.past <= mention.future


@given(
    st.from_regex(
        r"(le |fin |يوم |nhar |dans |il y a )?[0-9/. -]{1,12}( mois| fevrier| jours| prochain|iyam)?", fullmatch=True
    )
)
def test_date_like_texts_never_raise(text: str) -> None:
    read(text)
