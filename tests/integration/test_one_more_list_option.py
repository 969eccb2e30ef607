"""One more option of lists is a declaration in `app/list_options.py`: nothing else."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from tests.shared import ROOT

WORDS = {"type": "string", "enum": ["none", "mail", "letter"]}
SAID = {"title": "Greeting", "description": "What whoever joins is sent first."}


async def test_an_option_of_lists_is_added_in_one_room(database_url: str, tmp_path: Path) -> None:
    met = await with_the_option(database_url, tmp_path)
    assert met == {
        "made": "mail",
        "got": "mail",
        "left out of a change": "mail",
        "left out of a replacement": "none",
        "changed": "letter",
        "null": ["/body: Greeting can't be null: leave it out to keep it."],
        "an unknown word": ["/body/greeting: Input should be 'none', 'mail' or 'letter'."],
        "nonsense": ["/body/greeting: Nobody is greeted who is unsubscribed."],
        "listed": {"Older": "none", "Readers": "letter"},
        "documents": {
            "ListIn": WORDS | SAID | {"default": "none"},
            "ListChange": {"anyOf": [WORDS, {"type": "null"}]} | SAID,
            "ListOut": WORDS | SAID,
            "ListChanged": WORDS | SAID,
            "ListWithCounts": WORDS | SAID,
        },
        "required in": ["ListChanged", "ListOut", "ListWithCounts"],
        "on the page": 5,
        "the job reads": {"Older": "none", "Readers": "letter"},
    }


async def with_the_option(database_url: str, folder: Path) -> dict[str, Any]:
    """Run the service with the option, in a process that declares it before all else."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.one_more_list_option",
        database_url,
        str(folder),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    assert process.returncode == 0, complained.decode()
    met: dict[str, Any] = json.loads(said.splitlines()[-1])
    return met
