"""Many people in a database, as plain and as quick as it gets."""

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
    await database.pool.execute("VACUUM ANALYZE people", timeout=600)
    await database.pool.execute("VACUUM ANALYZE person_changes", timeout=600)
