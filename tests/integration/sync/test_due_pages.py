"""People are read page by page, ahead of the work, and in pages that fit."""

import random
from collections.abc import Sequence

import pytest

from app.models import Account
from app.sync.engine import JobContext
from app.sync.people import due_people
from app.sync.people.person_records import Row
from sandbox.server import RunningSandbox
from tests.factories.engines import Replica
from tests.factories.people import make_people, make_person
from tests.integration.sync.traces import due


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Give the ids of each page as it is read."""
    read: list[list[int]] = []
    real = due_people.due_people

    async def noted(context: JobContext, after_id: int) -> Sequence[Row]:
        rows = await real(context, after_id)
        read.append([row["person_id"] for row in rows])
        return rows

    monkeypatch.setattr("app.sync.people.due_pages.due_people", noted)
    return read


async def test_people_with_much_of_their_own_come_in_smaller_pages(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    pages: list[list[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.sync.people.due_people._PAGE_BYTES", 5000)
    # What Postgres compresses well counts as what it is once it is read.
    notes = ("x" * 4000, random.Random(1).randbytes(2000).hex()) * 2
    for number, note in enumerate(notes):
        await make_person(here.database, email=f"much{number}@example.com", custom={"note": note})
    await make_people(here.database, 3)
    run = await here.run(sandboxed, "send_people")
    assert (run["status"], run["counts"]["created"]) == ("succeeded", 7)
    assert [len(page) for page in pages[:3]] == [2, 2, 3]
    assert len(list(sandbox.account.contacts)) == 7


async def test_two_with_one_email_on_two_pages_become_one_contact(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    pages: list[list[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second page is read before anybody on the first is written down as on the way."""
    monkeypatch.setattr("app.sync.people.due_people._PAGE", 1)
    first = await make_person(here.database, email="ann@example.com")
    second = await make_person(here.database, email="Ann@Example.com")
    run = await here.run(sandboxed, "send_people")
    assert pages[:2] == [[first.id], [second.id]]
    assert (run["counts"]["created"], run["counts"]["skipped"]) == (1, 1)
    assert len(list(sandbox.account.contacts)) == 1
    assert await due(here) == []
