"""Many people in a database or a file, as plain and as quick as it gets."""

from pathlib import Path

from app.db import Database

#: Eight mapped fields, the way real accounts have them.
MAPPINGS = (
    ("first_name", "FIRSTNAME", "String"),
    ("last_name", "LASTNAME", "String"),
    ("full_name", "FULLNAME", "String"),
    ("postcode", "POSTCODE", "String"),
    ("organisation", "COMPANY", "String"),
    ("city", "CITY", "String"),
    ("custom.points", "POINTS", "Numeric"),
    ("custom.birthday", "BIRTHDAY", "Date"),
)
#: What a file of people has; all of them columns of ours.
CSV_COLUMNS = (
    "external_ref",
    "email",
    "first_name",
    "last_name",
    "organisation",
    "city",
    "postcode",
    "country",
)

_FILL = """
INSERT INTO people (external_ref, email, first_name, last_name, organisation, city, postcode,
                    country, custom)
SELECT 'ref-' || n, 'person' || n || '@mail.example', 'First' || n, 'Last' || n,
       'Company ' || n % 5000, 'City ' || n % 300, 'AB' || n % 99 || ' 1CD', 'GB',
       jsonb_build_object('points', n % 1000, 'birthday', '1990-05-01', 'tier', 'gold')
FROM generate_series($1::bigint, $2::bigint) AS n
"""


async def fill(database: Database, people: int) -> None:
    """Store so many people, no two with the same email."""
    step = 100_000
    for first in range(1, people + 1, step):
        await database.pool.execute(_FILL, first, min(first + step - 1, people), timeout=600)
    await tidy(database)


async def change_some(database: Database, people: int, changed: int) -> int:
    """Change so many people, evenly spread among all of them; return how many it were."""
    told: str = await database.pool.execute(
        "UPDATE people SET job_title = NULL, first_name = first_name || 'x' WHERE id = ANY ($1)",
        [1 + place * people // changed for place in range(changed)],
        timeout=600,
    )
    return int(told.rpartition(" ")[2])


async def tidy(database: Database) -> None:
    """Do at once what autovacuum does some time after many rows were written."""
    for table in ("people", "person_changes", "contact_links", "import_records", "list_members"):
        await database.pool.execute(f"VACUUM ANALYZE {table}", timeout=600)


def write_csv(path: Path, people: int) -> None:
    """Write a file of so many people."""
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(CSV_COLUMNS) + "\n")
        file.writelines(
            f"ref-{n},person{n}@mail.example,First{n},Last{n},Company {n % 5000},City {n % 300},"
            f"AB{n % 99} 1CD,GB\n"
            for n in range(1, people + 1)
        )
