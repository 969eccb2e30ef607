"""The sandbox as its own process, as the demo and the benchmarks start it."""

import signal
import socket
import subprocess
import sys

import httpx

from tests.integration.sandbox.v3_calls import NO_TLS


def _free_ports() -> int:
    """Return the first of three ports in a row that are free."""
    for port in range(21_000, 30_000, 3):
        with socket.socket() as first, socket.socket() as second, socket.socket() as third:
            try:
                for offset, one in enumerate((first, second, third)):
                    one.bind(("127.0.0.1", port + offset))
            except OSError:
                continue
            return port
    raise AssertionError("there are no free ports")


def test_command_tells_where_it_listens_and_ends_when_told() -> None:
    port = _free_ports()
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "sandbox", "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = [process.stdout.readline().strip() for _ in range(7)]
        told = dict(line.split(": ", 1) for line in said[1:])
        assert [told[region] for region in ("r1", "r2", "r3")] == [
            f"http://127.0.0.1:{port + offset}/" for offset in range(3)
        ]
        with httpx.Client(auth=(told["username"], told["password"]), verify=NO_TLS) as http:
            answer = http.get(f"{told['r3']}v2/account-info")
        assert answer.status_code == 200
        in_the_way = subprocess.run(
            process.args, capture_output=True, text=True, check=False, timeout=30
        )
        assert in_the_way.returncode == 1
        assert f"can't listen on ports {port} to {port + 2}" in in_the_way.stderr
    finally:
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=30)
    assert (process.returncode, complaints) == (0, "")
