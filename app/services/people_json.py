"""People as JSON that Postgres writes, in the shape of `schemas.people.PersonOut`."""
# ruff: noqa: S608 - the expression is put together from the names of our own columns

from typing import Final

from app.services.people_columns import COLUMNS

_INSTANT: Final = """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS {0}"""
_SHOWN: Final = ", ".join(
    [
        "id",
        *COLUMNS,
        _INSTANT.format("opted_out_at"),
        _INSTANT.format("opted_in_at"),
        "opt_out_reason",
        "merged_into_id",
        _INSTANT.format("deleted_at"),
        _INSTANT.format("created_at"),
        _INSTANT.format("updated_at"),
        "version",
    ]
)


def shown(source: str) -> str:
    """Return the expression of a person's JSON out of the row ``source``."""
    columns = f"SELECT {_SHOWN} FROM (SELECT {source}.*) AS one"
    return f"(SELECT row_to_json(shown) FROM ({columns}) AS shown)::text"
