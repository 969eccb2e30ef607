"""v3 of the sandbox: visits to web sites, from insight data."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.sandbox.v3_calls import V3, calling_v3

VISITS = "/insightData/v3/contacts/webInsight"


@pytest.fixture
async def v3() -> AsyncIterator[V3]:
    async with calling_v3() as v3:
        v3.control.move_clock(to="2027-03-01T09:00:00Z", frozen=True)
        v3.control.generate_contacts(2)
        yield v3


async def test_visits_are_read_page_by_page_from_a_date_on(v3: V3) -> None:
    for number in range(5):
        v3.control.visit("person1@mail.example", f"https://a.example/{number}")
        v3.control.move_clock(advance_s=60)
    since = "~modified=gte::2027-03-01T09:01:00Z"
    found, link = [], f"{VISITS}?limit=2&{since}"
    while link:
        page = await v3.done("GET", VISITS, params=link.partition("?")[2])
        found += [each["json"]["url"][-1] for each in page["_items"]]
        link = page["_links"].get("next", {}).get("link")
    assert found == ["1", "2", "3", "4"]


async def test_visits_of_one_contact(v3: V3) -> None:
    for person in (1, 2, 1):
        v3.control.visit(f"person{person}@mail.example", "https://a.example/")
    path = "/insightData/v3/contacts/email/person1@mail.example/webInsight"
    page = await v3.done("GET", path)
    owner = v3.control.contact("person1@mail.example").id
    assert [(each["key"], each["ownerContactId"]) for each in page["_items"]] == [
        ("visit-1", owner),
        ("visit-3", owner),
    ]


@pytest.mark.parametrize(
    "path,answer",
    [
        pytest.param(
            VISITS.replace("webInsight", "orders"),
            (404, "insightData:collectionNotFound"),
            id="no such collection",
        ),
        pytest.param(
            "/insightData/v3/contacts/email/x@b.example/webInsight",
            (404, "insightData:contactNotFound"),
            id="no such contact",
        ),
        pytest.param(
            f"{VISITS}?limit=5001", (400, "insightData:invalidFilter"), id="page too large"
        ),
        pytest.param(
            f"{VISITS}?~modified=soon", (400, "insightData:invalidFilter"), id="since some time"
        ),
    ],
)
async def test_what_is_wrong_is_named(v3: V3, path: str, answer: tuple[int, str]) -> None:
    path, _, query = path.partition("?")
    assert await v3.refused("GET", path, params=query) == answer
