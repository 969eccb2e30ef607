"""``python -m app``: the commands that people type."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from app.db import Database
from app.models import Account
from app.services.cipher import CredentialsCipher
from app.settings import Settings
from sandbox.server import RunningSandbox
from tests.factories.engines import make_usable_account
from tests.factories.people import make_people
from tests.shared import ROOT

pytestmark = pytest.mark.slow


async def started(
    settings: Settings, *arguments: str, **environment: str
) -> asyncio.subprocess.Process:
    own = {name: value for name, value in os.environ.items() if not name.startswith("DOTSYNC_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app",
        *arguments,
        cwd=ROOT,
        env={
            **own,
            "DOTSYNC_DATABASE_URL": settings.database_url or "",
            "DOTSYNC_DATA_DIR": str(settings.data_dir),
            "DOTSYNC_DISCOVERY_URL": settings.discovery_url,
            "DOTSYNC_ALLOWED_HOSTS": "127.0.0.1",
            "DOTSYNC_LOG_LEVEL": "error",
            **environment,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def command(settings: Settings, *arguments: str) -> tuple[int | None, str, str]:
    process = await started(settings, *arguments)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
async def account(database: Database, settings: Settings, sandbox: RunningSandbox) -> Account:
    return await make_usable_account(
        database,
        settings,
        username=sandbox.username,
        password=sandbox.password,
        endpoint=sandbox.url,
        dotdigital_account_id=sandbox.account.id,
    )


async def test_job_runs_to_its_end_from_the_command_line(
    database: Database, settings: Settings, account: Account, sandbox: RunningSandbox
) -> None:
    await make_people(database, 3)
    code, out, err = await command(settings, "run", "send_people", "--account-id", str(account.id))
    assert (code, json.loads(out)["status"], json.loads(out)["counts"]["created"]) == (
        0,
        "succeeded",
        3,
    ), err
    assert len(list(sandbox.account.contacts)) == 3


async def test_paused_account_is_left_alone_unless_it_is_asked_for(
    database: Database, settings: Settings, account: Account, sandbox: RunningSandbox
) -> None:
    await make_people(database, 1)
    await database.pool.execute("UPDATE accounts SET state = 'paused'")
    run = ("run", "send_people", "--account-id", str(account.id))
    code, out, err = await command(settings, *run)
    assert (code, out, "Traceback" in err) == (2, "", False)
    assert "Sync is stopped for this account" in err
    assert "--even-paused" in err
    assert len(list(sandbox.account.contacts)) == 0

    code, out, err = await command(settings, *run, "--even-paused")
    assert (code, json.loads(out)["counts"]["created"]) == (0, 1), err
    assert len(list(sandbox.account.contacts)) == 1
    assert await database.pool.fetchval("SELECT state FROM accounts") == "paused"
    detail = await database.pool.fetchval(
        "SELECT detail FROM audit_log WHERE action = 'run_triggered'"
    )
    assert detail == {"mode": "changes", "even_paused": True}


async def test_service_says_where_it_listens_that_it_is_ready_and_that_it_ends(
    settings: Settings,
) -> None:
    process = await started(
        settings, "serve", "--port", "0", DOTSYNC_LOG_LEVEL="info", DOTSYNC_LOGLEVEL="debug"
    )
    assert process.stderr
    told: list[str] = []
    async with asyncio.timeout(60):
        while not told or "service_ready" not in told[-1]:
            told.append((await process.stderr.readline()).decode())
            assert told[-1], told
    process.terminate()
    out, rest = await asyncio.wait_for(process.communicate(), 60)
    told += rest.decode().splitlines()
    assert (process.returncode, out) == (0, b"")

    def line(event: str) -> str:
        return next(each for each in told if event in each)

    assert "DOTSYNC_LOG_LEVEL" in line("unknown_setting")
    assert re.search(r"docs=http://127\.0\.0\.1:[1-9]\d*/docs", line("service_listens"))
    assert "schema=" in line("database_ready")
    assert "create-key" in line("no_api_key_yet")
    assert line("service_stops") < line("service_stopped")


async def test_what_a_command_can_not_do_is_told_in_a_sentence(settings: Settings) -> None:
    code, _, err = await command(settings, "run", "send_people", "--account-id", "77")
    assert (code, "There is no account 77." in err, "Traceback" in err) == (2, True, False)
    code, _, err = await command(settings, "run", "send_letters", "--account-id", "1")
    assert (code, "send_letters" in err, "Traceback" in err) == (2, True, False)


async def test_people_are_imported_from_a_file(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("email,first_name\na@example.com,Ann\nnonsense,Bob\n")
    code, out, err = await command(settings, "import-people", str(file))
    assert (code, json.loads(out)["created"], json.loads(out)["rejected"]) == (1, 1, 1), err
    assert await database.pool.fetchval("SELECT first_name FROM people") == "Ann"


async def test_refused_file_is_told_of_in_a_sentence(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("Email Address,Surname\na@example.com,Lee\n")
    code, out, err = await command(settings, "import-people", str(file))
    assert (code, out, len(err.strip().splitlines())) == (2, "", 1), err
    assert 'columns={"Email Address": "email", "Surname": "last_name"}' in err

    options = ("--columns", '{"Email Address": "email"}', "--dry-run")
    code, out, err = await command(settings, "import-people", str(file), *options)
    assert (code, json.loads(out)["likely_fields"]) == (0, {"Surname": "last_name"}), err
    assert await database.pool.fetchval("SELECT count(*) FROM people") == 0


async def test_file_lifts_opt_outs_from_the_command_line_only_where_that_is_asked_for(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    await make_people(database, 1, no_email=True)
    file = tmp_path / "people.csv"
    file.write_text("external_ref,Opt out\nP1,no\n")
    code, out, err = await command(settings, "import-people", str(file))
    assert (code, out, "'Opt out' says who is not to be mailed" in err) == (2, "", True), err
    mapped = ("import-people", str(file), "--columns", '{"Opt out": "no_email"}')
    code, out, err = await command(settings, *mapped)
    assert (code, json.loads(out)["opt_outs_kept"]) == (0, 1), err
    code, out, err = await command(settings, *mapped, "--lift-opt-outs")
    assert (code, json.loads(out)["opt_outs_kept"]) == (0, 0), err
    assert await database.pool.fetchval("SELECT no_email FROM people") is False


async def test_made_credentials_key_is_one_that_the_settings_take(settings: Settings) -> None:
    code, out, err = await command(settings, "create-credentials-key")
    assert (code, len(CredentialsCipher([out.strip()]).encrypt("x")) > 0) == (0, True), err


async def test_key_is_made_from_the_command_line(database: Database, settings: Settings) -> None:
    code, out, err = await command(settings, "create-key", "Shop", "--scopes", "read,sync")
    assert (code, out.startswith("dsk_")) == (0, True), err
    assert await database.pool.fetchval("SELECT scopes FROM api_keys") == ["read", "sync"]
    assert "The key works for the service on " in err
    name = await database.pool.fetchval("SELECT current_database()")
    assert name in err


async def test_key_is_made_in_no_database_that_nobody_serves(
    settings: Settings, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"
    environment = {"DOTSYNC_DATABASE_URL": "", "DOTSYNC_DATA_DIR": str(nowhere)}
    process = await started(settings, "create-key", "lost", **environment)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, out) == (2, b"")
    assert f"There is no database in {nowhere}/postgres" in err.decode()
    assert not nowhere.exists()
