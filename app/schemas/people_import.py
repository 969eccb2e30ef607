"""What an import answers with."""

from typing import Annotated

from pydantic import Field

from app.schemas.text import Schema


class RowErrorOut(Schema):
    """A row that was rejected."""

    line: Annotated[int, Field(description="The line of the file that the row begins on, from 1.")]
    detail: str


class ImportOut(Schema):
    """What became of the rows of a file."""

    created: int
    updated: int
    unchanged: Annotated[int, Field(description="Rows that say what stood there already.")]
    restored: Annotated[
        int, Field(description="Of those updated: deleted people who stand again by their row.")
    ]
    opt_outs_kept: Annotated[
        int,
        Field(
            description="Rows whose `no_email` says no of somebody who has opted out, which lifts "
            "no opt-out without `lift_opt_outs=true`; the rest of such a row is taken."
        ),
    ]
    rejected: int
    errors: Annotated[
        list[RowErrorOut], Field(description="Rejected rows by line, the first 1000 of them.")
    ]
    errors_truncated: Annotated[
        bool, Field(description="Whether more rows were rejected than `errors` names.")
    ]
    ignored_columns: Annotated[
        list[str], Field(description="Headers that are no person field and that no map names.")
    ]
    likely_fields: Annotated[
        dict[str, str],
        Field(
            description="Which field an ignored column looks like, by its header: if it is that "
            'one, send the file again with `columns`, such as `{"Surname": "last_name"}`.'
        ),
    ]
