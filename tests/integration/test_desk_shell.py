"""Where the desk begins, and the language of its interface."""

from __future__ import annotations

import pytest
from desk_room import HOST, Room

from store.database import Database
from store.desk_models import Role, User


@pytest.fixture
def room(database: Database) -> Room:
    return Room(database)


@pytest.mark.parametrize(
    ("role", "place"), [(Role.AGENT, "queue"), (Role.SUPERVISOR, "queue"), (Role.ADMINISTRATOR, "people")]
)
async def test_the_desk_begins_where_the_person_may_go(room: Room, role: Role, place: str) -> None:
    person = await room.person(role=role)
    for address in ("/desk", "/desk/"):
        answer = await person.get(address)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/desk/{place}")


REFERERS = [
    (f"{HOST}/desk/queue?state=all", "/desk/queue?state=all"),
    (f"{HOST}/desk/account", "/desk/account"),
    ("https://elsewhere.test/desk/queue", "/desk/"),
    (f"{HOST}/try", "/desk/"),
    ("", "/desk/"),
]


@pytest.mark.parametrize(("referer", "back"), REFERERS)
async def test_changing_the_language_comes_back_to_the_page(room: Room, referer: str, back: str) -> None:
    amina = await room.person()
    answer = await amina.post("/desk/language", headers={"Referer": referer}, language="ar")
    assert (answer.status_code, answer.headers["location"]) == (303, back)
    async with room.database.reading() as session:
        assert (await session.get_one(User, amina.id)).language == "ar"
    assert 'dir="rtl"' in (await amina.get("/desk/queue")).text


async def test_a_language_that_the_interface_lacks_changes_nothing(room: Room) -> None:
    amina = await room.person()
    assert (await amina.post("/desk/language", language="de")).status_code == 422
    assert (await amina.post("/desk/language", csrf="another", language="ar")).status_code == 403
    async with room.database.reading() as session:
        assert (await session.get_one(User, amina.id)).language == "fr"
