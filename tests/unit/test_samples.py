import csv
import json
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from app.services.person_values import PersonFaults, clean_person
from samples import generate
from samples.names import BAD_NUMBERS, MALFORMED_EMAILS
from samples.people import Figures, csv_chunks, figures, people, write_csv, write_ndjson

FOLDER = Path(generate.__file__).parent

#: What the README says of the demo's 10,000.
TEN_THOUSAND = Figures(
    created=9800,
    rejected=200,
    blank_email=200,
    not_synced=200,
    no_email=300,
    leads=800,
    shared_emails=200,
    behind_another=300,
    shared_numbers=100,
)


def cleaned(count: int) -> tuple[list[dict[str, Any]], int]:
    """Clean so many people; return those that can be imported, and how many can't."""
    clean, rejected = [], 0
    for person in people(count):
        try:
            clean.append(clean_person(person, "GB"))
        except PersonFaults:
            rejected += 1
    return clean, rejected


def count_from(clean: list[dict[str, Any]], rejected: int) -> Figures:
    """Count the same figures from what came out of the cleaning."""
    emails = [person["email"].lower() for person in clean if person.get("email")]
    numbers = [person["mobile_number"] for person in clean if person.get("mobile_number")]
    return Figures(
        created=len(clean),
        rejected=rejected,
        blank_email=len(clean) - len(emails),
        not_synced=sum(person.get("sync_with_mailer") is False for person in clean),
        no_email=sum(person.get("no_email", False) for person in clean),
        leads=sum(person["kind"] == "lead" for person in clean),
        shared_emails=sum(emails.count(email) > 1 for email in set(emails)),
        behind_another=len(emails) - len(set(emails)),
        shared_numbers=len(numbers) - len(set(numbers)),
    )


@pytest.mark.parametrize("count", [0, 1, 14, 32, 50, 100, 1050])
def test_figures_are_what_becomes_of_the_people(count: int) -> None:
    assert figures(count) == count_from(*cleaned(count))


def test_figures_of_the_demo_are_the_ones_that_the_readme_gives() -> None:
    assert figures(10_000) == TEN_THOUSAND
    readme = (FOLDER / "README.md").read_text()
    for name, figure in asdict(TEN_THOUSAND).items():
        assert f"| `{name}` | {figure} |" in readme


def test_nobody_depends_on_how_many_there_are() -> None:
    assert list(islice(people(1000), 50)) == list(people(50))
    assert list(people(30, start=20)) == list(people(50))[20:]


def test_every_ref_and_every_number_is_ones_own() -> None:
    clean, _ = cleaned(2000)
    refs = [person["external_ref"] for person in clean]
    assert len(set(refs)) == len(refs)


@pytest.mark.parametrize("email", MALFORMED_EMAILS)
def test_malformed_emails_are_refused(email: str) -> None:
    with pytest.raises(PersonFaults, match="email: "):
        clean_person({"email": email}, "GB")


@pytest.mark.parametrize("number", BAD_NUMBERS)
def test_bad_numbers_are_refused(number: str) -> None:
    with pytest.raises(PersonFaults, match="mobile_number: "):
        clean_person({"mobile_number": number}, "GB")


@pytest.mark.parametrize(
    "awkward",
    [
        pytest.param("+news/2026@", id="plus address"),
        pytest.param("@EXAMPLE", id="capitals"),
        pytest.param('"   "', id="blank email"),
        pytest.param('\\n\\"The Barn', id="newline and quote"),
        pytest.param("❤️", id="emoji"),
        pytest.param("e\u0301", id="accent that stands apart"),
        pytest.param("İ", id="letter whose lower case is two"),
        pytest.param("Ελένη", id="Greek"),
        pytest.param("שרה", id="right to left"),
        pytest.param("さくら", id="Japanese"),
        pytest.param("n/a", id="no number"),
        pytest.param('"no_email": true', id="opted out"),
        pytest.param('"sync_with_mailer": false', id="not to be synced"),
        pytest.param('"lead"', id="lead"),
        pytest.param('}, {"sku"', id="several orders"),
        pytest.param("Deputy assistant to the deputy assistant. " * 20, id="long text"),
    ],
)
def test_first_fifty_are_awkward_in_every_way(awkward: str) -> None:
    assert awkward in json.dumps(list(people(50)), ensure_ascii=False)


def test_example_files_are_the_ones_that_the_generator_writes(tmp_path: Path) -> None:
    write_csv(tmp_path / "people.csv", generate.ROWS)
    write_ndjson(tmp_path / "people.ndjson", generate.ROWS)
    for name in ("people.csv", "people.ndjson"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), (
            "write them anew: python -m samples.generate"
        )


def test_csv_and_ndjson_hold_the_same_people(tmp_path: Path) -> None:
    with (FOLDER / "people.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = (FOLDER / "people.ndjson").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    objects = [json.loads(line) for line in lines]
    assert [row["external_ref"] for row in rows] == [each["external_ref"] for each in objects]
    assert [row["email"] for row in rows] == [each.get("email", "") for each in objects]
    assert [json.loads(row["custom.orders"] or "null") for row in rows] == [
        each["custom"].get("orders") for each in objects
    ]


def test_chunks_are_the_same_file_in_pieces(tmp_path: Path) -> None:
    write_csv(tmp_path / "people.csv", 300)
    chunks = list(csv_chunks(300))
    assert b"".join(chunks) == (tmp_path / "people.csv").read_bytes()
    assert len(chunks) == 5
