"""Holds the whole tree to the house rules, and shows of each rule that it can fail."""

import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.contract.source_rules import RULES, Rule, Source
from tests.shared import ROOT

#: For each rule, a file that breaks it.
BROKEN = {
    "one commit a request or batch": Source(
        "app/services/people.py", "async def f(session):\n    await session.commit()\n"
    ),
    "time comes from the clock": Source(
        "app/services/people.py", "import datetime\nat = datetime.datetime.now(datetime.UTC)\n"
    ),
    "few broad excepts": Source(
        "app/services/people.py", "try:\n    pass\nexcept (ValueError, Exception):\n    pass\n"
    ),
    "one HTTP client": Source("app/services/people.py", "from httpx import AsyncClient\n"),
    "no calls inside a transaction": Source(
        "app/services/people.py",
        "async def f(self):\n"
        "    async with self.database.writing() as session:\n"
        "        await self.client.contacts.get(1)\n",
    ),
    "kinds of mapping are asked": Source(
        "app/sync/people/payloads.py", 'kept = [each for each in given if each.kind != "field"]\n'
    ),
    "files end": Source("sandbox/server.py", "x = 1\n" * 501),
    "functions end": Source("tests/unit/test_x.py", "def f():\n" + "    x = 1\n" * 60),
    "logs are events with keys": Source("app/main.py", 'logger.info(f"sent {count}")\n'),
    "no prints": Source("app/main.py", 'print("sent")\n'),
    "modules have a subject": Source("app/services/people_utils.py", ""),
    "client and rules are documented": Source(
        "app/sync/rules/consent.py", "def decide():\n    return 1\n"
    ),
    "no places of one machine": Source("README.md", "Open /" + "home/ann/dotsync/docs.\n"),
}

ALSO_BROKEN = [
    pytest.param("time comes from the clock", "import time\ntime.time()\n", id="time.time"),
    pytest.param("time comes from the clock", "import asyncio\nasyncio.sleep(1)\n", id="sleep"),
    pytest.param("time comes from the clock", "from asyncio import sleep\n", id="sleep imported"),
    pytest.param("few broad excepts", "try:\n    f()\nexcept:\n    pass\n", id="bare except"),
    pytest.param("few broad excepts", "with suppress(Exception):\n    f()\n", id="suppress"),
    pytest.param("one HTTP client", "import httpx\n", id="import httpx"),
    pytest.param("logs are events with keys", 'self._log.info("sent %s", n)\n', id="percent"),
    pytest.param("logs are events with keys", 'log.info("sent " + n)\n', id="joined"),
    pytest.param(
        "no calls inside a transaction",
        "async def f(context):\n"
        "    async with context.run.fenced() as connection:\n"
        "        await context.client.contacts.get(1)\n",
        id="fenced",
    ),
    pytest.param(
        "no calls inside a transaction",
        "async def f(context):\n"
        "    async with context.database.batch() as connection:\n"
        "        await context.client.contacts.get(1)\n",
        id="batch",
    ),
]

KEPT = [
    pytest.param("logs are events with keys", 'log.info("people sent", count=n)\n', id="event"),
    pytest.param(
        "time comes from the clock", "clock.now()\nawaited = clock.sleep(1)\n", id="clock"
    ),
    pytest.param("few broad excepts", "try:\n    f()\nexcept ValueError:\n    pass\n", id="narrow"),
    pytest.param(
        "no calls inside a transaction",
        "async def f(self):\n"
        "    found = await self.client.contacts.get(1)\n"
        "    async with self.database.writing() as session:\n"
        "        await session.execute(found)\n",
        id="call first",
    ),
]


def rule(name: str) -> Rule:
    return next(rule for rule in RULES if rule.name == name)


@cache
def sources() -> list[Source]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        paths = [path for path in ROOT.rglob("*.*") if not _is_made(path)]
    else:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    found = [_read(path) for path in paths if path.is_file()]
    return [source for source in found if source is not None]


def _is_made(path: Path) -> bool:
    """Say whether it lies in a folder that commands make; only asked where there is no git."""
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def _read(path: Path) -> Source | None:
    try:
        return Source(path.relative_to(ROOT).as_posix(), path.read_text())
    except UnicodeDecodeError:
        return None


@pytest.mark.parametrize("kept", RULES, ids=lambda each: each.name)
def test_tree_keeps_the_rule(kept: Rule) -> None:
    broken = [line for source in sources() for line in kept.broken_by(source)]
    assert not broken, f"{kept.reason}:\n" + "\n".join(broken)


@pytest.mark.parametrize("broken", RULES, ids=lambda each: each.name)
def test_rule_can_fail(broken: Rule) -> None:
    assert broken.broken_by(BROKEN[broken.name])


@pytest.mark.parametrize("name,text", ALSO_BROKEN)
def test_rule_finds_other_spellings(name: str, text: str) -> None:
    assert rule(name).broken_by(Source("app/services/people.py", text))


@pytest.mark.parametrize("name,text", KEPT)
def test_rule_lets_the_right_way_pass(name: str, text: str) -> None:
    assert not rule(name).broken_by(Source("app/services/people.py", text))


def test_every_exception_is_of_a_file_that_needs_it() -> None:
    idle = [
        f"{path}: {each.name}"
        for each in RULES
        for path in each.except_in
        if (ROOT / path).exists() and not list(each.check(Source(path, (ROOT / path).read_text())))
    ]
    assert not idle, "these may come off the list:\n" + "\n".join(idle)


def test_the_tree_is_read() -> None:
    assert {"app/db.py", "pyproject.toml"} <= {source.path for source in sources()}
