"""Options of lists as they stand in the database: from before, from later, and by hand."""

from typing import Any

import httpx
import pytest
from alembic import command
from sqlalchemy.engine import Connection

from app.clock import Clock
from app.db import Database, WriteSession, migrate
from app.migrations import alembic_config
from app.models import MailingList
from app.services import members
from app.settings import Settings
from tests.clock import START
from tests.factories.accounts import make_account
from tests.factories.engines import make_usable_account, replica
from tests.factories.lists import make_list, make_members
from tests.factories.people import make_people

CHOSEN = {
    "sync_mode": "one_time",
    "entry_action": "unsubscribe",
    "exit_action": "ignore",
    "resubscribe_mode": "challenge",
    "trigger_join_actions": False,
    "sync_status": True,
    "visibility": "public",
}
DEFAULTS = {
    "sync_mode": "continuous",
    "entry_action": "add",
    "exit_action": "remove",
    "resubscribe_mode": "never",
    "trigger_join_actions": False,
    "sync_status": False,
    "visibility": "private",
}


async def store(database: Database, mailing_list: MailingList, options: dict[str, Any]) -> None:
    await database.pool.execute(
        "UPDATE lists SET options = $2 WHERE id = $1", mailing_list.id, options
    )


async def stored(database: Database, mailing_list: MailingList) -> Any:  # noqa: ANN401 - JSON
    return await database.pool.fetchval("SELECT options FROM lists WHERE id = $1", mailing_list.id)


async def take_back(database: Database, revision: str) -> None:
    def downgrade(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)

    async with database.engine.begin() as connection:
        await connection.run_sync(downgrade)


async def test_what_was_chosen_before_is_carried_there_and_back(unmigrated_url: str) -> None:
    database = Database(unmigrated_url, pool_size=2)
    try:
        await migrate(database.engine, "0014")
        await database.open()
        names = ", ".join(CHOSEN)
        await database.pool.execute(
            f"INSERT INTO lists (name, {names}) VALUES ('Chosen', $1, $2, $3, $4, $5, $6, $7)",
            *CHOSEN.values(),
        )
        await database.pool.execute("INSERT INTO lists (name) VALUES ('Plain')")
        await migrate(database.engine, "0015")
        rows = await database.pool.fetch("SELECT options FROM lists ORDER BY id")
        assert [row["options"] for row in rows] == [CHOSEN, DEFAULTS]
        # What the columns can't hold: an option of later, and a word of later.
        await database.pool.execute(
            """UPDATE lists SET options = '{"greeting": "mail", "exit_action": "archive"}'
               WHERE name = 'Plain'"""
        )
        await take_back(database, "0014")
        rows = await database.pool.fetch(f"SELECT {names} FROM lists ORDER BY id")
        assert [dict(row) for row in rows] == [CHOSEN, DEFAULTS]
    finally:
        await database.close()


async def test_a_list_made_by_hand_stands_at_the_defaults(
    api: httpx.AsyncClient, database: Database
) -> None:
    made = await database.pool.fetchval("INSERT INTO lists (name) VALUES ('Plain') RETURNING id")
    shown = (await api.get(f"/v1/lists/{made}")).json()
    assert shown | DEFAULTS == shown


async def test_options_of_a_later_version_are_kept_and_words_of_it_until_they_are_set(
    api: httpx.AsyncClient, database: Database
) -> None:
    mailing_list = await make_list(database)
    later = {"exit_action": "archive", "greeting": "mail"}
    await store(database, mailing_list, later)
    path = f"/v1/lists/{mailing_list.id}"
    renamed = await api.patch(path, json={"name": "Writers"})
    assert (renamed.status_code, renamed.json()["exit_action"]) == (200, "remove")
    assert "greeting" not in renamed.json()
    assert await stored(database, mailing_list) == later
    assert (await api.patch(path, json={"exit_action": "remove"})).status_code == 200
    assert await stored(database, mailing_list) == {**DEFAULTS, "greeting": "mail"}


async def test_a_run_guesses_nothing_that_it_can_not_read(
    database: Database, settings: Settings, clock: Clock
) -> None:
    account = await make_usable_account(database, settings)
    mailing_list = await make_list(database, account)
    await store(database, mailing_list, {"entry_action": "bury"})
    async with replica(database, clock, settings) as here:
        run = await here.run(account, "send_lists")
    assert run["status"] == "failed"
    assert run["error"]["detail"] == (
        f"This version can't read what list {mailing_list.id} has as entry_action: set it anew "
        f"with PATCH /v1/lists/{mailing_list.id}."
    )


@pytest.mark.parametrize(
    "options, expected",
    [
        pytest.param({}, [], id="never sent, so gone at once"),
        pytest.param({"entry_action": "unsubscribe"}, ["leaving"], id="told an audience's way"),
    ],
)
async def test_members_leave_a_list_whose_options_were_never_stored(
    database: Database, session: WriteSession, options: dict[str, Any], expected: list[str]
) -> None:
    mailing_list = await make_list(database, await make_account(database))
    await store(database, mailing_list, options)
    people = await make_people(database, 1)
    await make_members(database, mailing_list, people)
    assert await members.leave(session, mailing_list.id, [people[0].id], START) == {people[0].id}
    await session.commit()
    rows = await database.pool.fetch("SELECT sync_state FROM list_members")
    assert [row["sync_state"] for row in rows] == expected
