"""How figures are judged and shown; nothing here measures anything."""

import asyncio

import pytest
from rich.console import Console

from app.services.people_filter import PersonFilter
from benchmarks.__main__ import GROUPS
from benchmarks.filters import Asked
from benchmarks.load import Connection, Plan, requests_of
from benchmarks.report import Cpu, Figure, Target, as_markdown, as_table, summary

MET = Figure(
    "rows", "rows/s", 61_234.5, 100_000, Target(0.5, at_least=True, of_limit=True), Cpu(1.25, 0.5)
)
MISSED = Figure("start", "s", 2.5, target=Target(2), cpu=Cpu(0.00042, per="a request"))
NOT_YET = Figure("something of the next version")
SHOWN_ONLY = Figure("copy", "rows/s", 10, 40)


@pytest.mark.parametrize(
    "figure, verdict",
    [
        pytest.param(MET, "yes", id="more than enough of the limit"),
        pytest.param(MISSED, "no", id="longer than it may take"),
        pytest.param(Figure("x", "ms", 50, target=Target(50)), "yes", id="just so"),
        pytest.param(
            Figure("x", "ms", 30, 10, Target(3, of_limit=True)), "yes", id="three times the limit"
        ),
        pytest.param(
            Figure("x", "ms", 30.1, 10, Target(3, of_limit=True)), "no", id="more than that"
        ),
        pytest.param(
            Figure("x", "ms", 30, None, Target(3, of_limit=True)), "no", id="no limit to keep to"
        ),
        pytest.param(
            Figure("x", "ms", 1, target=Target(50), spoilt=True), "no", id="quick but spoilt"
        ),
        pytest.param(SHOWN_ONLY, "-", id="without a target"),
        pytest.param(NOT_YET, "-", id="not there yet"),
    ],
)
def test_figure_is_held_to_its_target(figure: Figure, verdict: str) -> None:
    assert figure.verdict == verdict


@pytest.mark.parametrize(
    "figure, cells",
    [
        pytest.param(
            MET,
            ["61,234 rows/s", "100,000 rows/s", "0.61", "≥ 0.5 x limit", "yes", "1.25 s / 500 ms"],
            id="beside a limit",
        ),
        pytest.param(MISSED, ["2.5 s", "", "", "≤ 2 s", "no", "420 µs a request"], id="alone"),
        pytest.param(NOT_YET, ["not there yet", "", "", "", "-", ""], id="not there yet"),
        pytest.param(
            Figure("x", "MiB", 3, cpu=Cpu(None)),
            ["3 MiB", "", "", "", "-", "?"],
            id="not to be had",
        ),
    ],
)
def test_figure_shows_numbers_with_their_units(figure: Figure, cells: list[str]) -> None:
    assert list(figure.cells()[1:-1]) == cells


def test_page_names_the_circumstances_and_every_figure() -> None:
    page = as_markdown([MET, MISSED, SHOWN_ONLY], "Figures", ["On a quiet machine."])

    lines = page.splitlines()
    assert lines[0] == "# Figures"
    assert "On a quiet machine." in lines
    assert [line.split(" | ")[0] for line in lines if line.startswith("| ")][2:] == [
        "| rows",
        "| start",
        "| copy",
    ]
    assert lines[-1] == "1 of 2 targets are met."
    assert summary([MET, SHOWN_ONLY]) == "1 of 1 targets are met."


def test_cells_cannot_break_the_table() -> None:
    assert "| a\\|b |" in as_markdown([Figure("a|b", "", 1)], "Figures", [])


def test_terminal_shows_a_row_a_figure() -> None:
    console = Console(width=200, record=True, quiet=False, file=None, force_terminal=False)
    with console.capture() as shown:
        console.print(as_table([MET, MISSED], "Two figures"))

    assert "61,234 rows/s" in shown.get()
    assert "start" in shown.get()


def test_every_group_says_what_it_measures() -> None:
    assert all(group.__doc__ for group in GROUPS.values())


@pytest.mark.parametrize(
    "asked, name, target",
    [
        pytest.param(Asked(PersonFilter()), "everyone", "/v1/people?limit=100", id="nothing"),
        pytest.param(
            Asked(PersonFilter(email="a+b@mail.example", no_email=False)),
            "email=a+b@mail.example no_email=false",
            "/v1/people?email=a%2Bb%40mail.example&no_email=false&limit=100",
            id="an address and an answer of no",
        ),
        pytest.param(
            Asked(PersonFilter(deleted=True)),
            "deleted=true",
            "/v1/people?deleted=true&limit=100",
            id="the deleted ones",
        ),
    ],
)
def test_filters_are_asked_for_by_their_names(asked: Asked, name: str, target: str) -> None:
    assert asked.name == name
    assert asked.target() == target


def test_load_makes_whole_requests() -> None:
    plan = Plan(port=1, key="dsk_x", kinds=["create"], people=9, salt="s", seconds=1)
    first, second = (request for request, _ in zip(requests_of(plan, "create"), "ab", strict=False))

    head, _, body = first.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/people HTTP/1.1\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b'"external_ref":"s-1"' in first
    assert b'"external_ref":"s-2"' in second


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([b"HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\nbody"], id="at once"),
        pytest.param(
            [b"HTTP/1.1 201 Crea", b"ted\r\ncontent-length: 4\r\n\r", b"\nbo", b"dy"], id="in parts"
        ),
        pytest.param([b"HTTP/1.1 201 Created\r\n\r\n"], id="without a body"),
    ],
)
async def test_connection_answers_once_the_whole_answer_is_here(pieces: list[bytes]) -> None:
    connection = Connection()
    sent: list[bytes] = []
    connection.connection_made(_Recorder(sent))
    asking = asyncio.ensure_future(connection.ask(b"GET / HTTP/1.1\r\n\r\n"))
    await asyncio.sleep(0)
    for piece in pieces:
        assert not asking.done()
        connection.data_received(piece)

    assert await asking == 201
    assert sent == [b"GET / HTTP/1.1\r\n\r\n"]


async def test_connection_that_is_lost_tells_whoever_waits() -> None:
    connection = Connection()
    connection.connection_made(_Recorder([]))
    asking = asyncio.ensure_future(connection.ask(b"GET / HTTP/1.1\r\n\r\n"))
    await asyncio.sleep(0)
    connection.connection_lost(None)

    with pytest.raises(ConnectionError, match="hung up"):
        await asking
    with pytest.raises(ConnectionError, match="closed"):
        await connection.ask(b"")


class _Recorder(asyncio.Transport):
    def __init__(self, sent: list[bytes]) -> None:
        super().__init__()
        self._sent = sent

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._sent.append(bytes(data))
