"""The sandbox as people start it, and steer it by the README's lines."""

import asyncio
import re
import sys

import httpx
import pytest

from sandbox.server import RunningSandbox
from tests.shared import ROOT

_CONTROL_LINE = re.compile(r"curl -s -X POST http://127\.0\.0\.1:9000(/_sandbox\S+)(?: -d '(.+)')?")


async def test_control_lines_of_the_readme_do_what_it_says(sandbox: RunningSandbox) -> None:
    sandbox.control.add_contacts([{"identifiers": {"email": "anna.lee.1@example.org"}}])
    lines = _CONTROL_LINE.findall((ROOT / "README.md").read_text())
    assert len(lines) == 2
    async with httpx.AsyncClient(base_url=sandbox.url) as client:
        for path, body in lines:
            answer = await client.post(path, content=body)
            assert answer.status_code == 200, answer.text
        overview = (await client.get("/_sandbox")).json()
        assert overview["accounts"][0]["contacts"] == 1
        assert (await client.get("/_sandbox/faults")).json()[0]["kind"] == "rate_limited"
    contact = sandbox.control.read_contact("anna.lee.1@example.org")
    assert contact["channelProperties"]["email"]["status"] == "unsubscribed"


@pytest.mark.slow
async def test_ports_that_are_taken_are_told_of_with_what_to_do(sandbox: RunningSandbox) -> None:
    port = sandbox.url.rpartition(":")[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", "--port", port, cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    _, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert b"with --port, or any with --port 0" in err
