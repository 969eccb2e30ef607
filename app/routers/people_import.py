"""`/v1/people/import`: a file of people, streamed."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, Literal

import phonenumbers
from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from app.clock import Clock
from app.errors import Conflict, Invalid, TooLarge, UnsupportedMediaType
from app.routers.dependencies import ServiceParts, Writer
from app.routers.idempotent import StreamedIdempotentRoute
from app.routers.problem_handlers import problems
from app.schemas.people_import import ImportOut
from app.services.column_map import read_columns
from app.services.csv_rows import delimiter_named
from app.services.decoding import known_charset
from app.services.import_outcome import ImportInterrupted
from app.services.import_rows import Unreadable
from app.services.people_file import FileFormat, FileOptions
from app.services.people_import import import_people as store_people

router = APIRouter(prefix="/v1/people", tags=["people"], route_class=StreamedIdempotentRoute)

_FORMATS: Final[dict[str, FileFormat]] = {
    "text/csv": "csv",
    "application/csv": "csv",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
}
_PIECE_BYTES: Final = 65_536
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": "external_ref,email,First Name\nC-1,anna@example.com,Anna\n",
            },
            "application/x-ndjson": {
                "schema": {"type": "string"},
                "example": '{"external_ref": "C-1", "email": "anna@example.com"}\n',
            },
        },
    }
}

ColumnsText = Annotated[
    str | None,
    Query(
        alias="columns",
        max_length=50_000,
        description="A JSON object from header to person field: "
        '`{"phone1": "mobile_number", "tier": "custom.tier"}`. null ignores a column. Headers that '
        "are field names need none, see above.",
    ),
]
PhoneRegion = Annotated[
    str | None,
    Query(
        min_length=2,
        max_length=2,
        description="Where numbers without a country code are dialled, such as `US`; "
        "`DOTSYNC_DEFAULT_PHONE_REGION` unless given.",
    ),
]
Delimiter = Annotated[
    str | None,
    Query(
        max_length=9,
        description="`comma`, `semicolon`, `tab` or `pipe`, or the character; by the first line "
        "unless given.",
    ),
]
Blank = Annotated[
    Literal["clear", "keep"],
    Query(description="What a blank cell of CSV does to the field: clears it, or nothing."),
]
FromLine = Annotated[
    int, Query(ge=1, le=2**63 - 1, description="Pass over rows that begin before this line.")
]
LiftOptOuts = Annotated[
    bool,
    Query(
        description="Let `no_email` = no opt those in who have opted out. Only where the file is "
        "newer than every opt-out."
    ),
]
DryRun = Annotated[bool, Query(description="Try it all, and store nothing.")]


@router.post(
    "/import",
    responses=problems(Conflict, TooLarge, UnsupportedMediaType, Unreadable, ImportInterrupted),
    openapi_extra=_BODY,
)
async def import_people(
    caller: Writer,
    parts: ServiceParts,
    request: Request,
    columns: ColumnsText = None,
    phone_region: PhoneRegion = None,
    delimiter: Delimiter = None,
    blank: Blank = "clear",
    from_line: FromLine = 1,
    *,
    lift_opt_outs: LiftOptOuts = False,
    dry_run: DryRun = False,
) -> ImportOut:
    """Store the people of a CSV or NDJSON file, of any size, as it comes in.

    A row with an `external_ref` changes the person that has it, or makes one; a row without one
    makes a new person, so a file sent twice makes everybody twice. Bad rows are rejected and named
    by line, good ones kept, 5000 a transaction. Where an import ends midway (the file can't be read
    on, is too long, or the database went), the answer says under `stored` what stands; send the
    file again with `from_line` to go on. What is refused for its headers or parameters (422, 415)
    has no `stored`, since nothing is. CSV is UTF-8 unless the content type names a charset; curl
    sends it whole by `--data-binary`.

    Whoever has opted out stays out: a row whose `no_email` says no lifts no opt-out, for the file
    may be older than that, and is counted in `opt_outs_kept`; `lift_opt_outs=true` heeds it. A
    deleted person is restored by the row that has its `external_ref`, and counted in `restored`.

    The first line of CSV names the columns. Headers that are fields of a person map by themselves,
    in any case, with blanks, hyphens or nothing between their words: `First Name`, `firstName`. So
    do values inside `custom`: `custom.tier`. A column `id` counts only where `columns` says
    `{"id": "id"}`. Any other column is ignored, and `likely_fields` says which field it looks like;
    where no column is `email`, `external_ref` or `id`, the file is refused, unless `columns` says
    what its columns are. Values in `custom` stay text as they stand in the file (`"987"`, `"1"`),
    but for JSON objects and arrays. `sync_with_mailer`, `no_email` and `email_undeliverable` take
    true, yes, y, t, on and 1, or false, no, n, f, off and 0, in any case.
    """
    file_format, charset = _content_of(request)
    options = FileOptions(
        format=file_format,
        charset=charset,
        columns=read_columns(columns),
        phone_region=_region(phone_region) or parts.settings.default_phone_region,
        delimiter=_delimiter(delimiter),
        keeps_blank=blank == "keep",
        from_line=from_line,
    )
    chunks = _chunks_of(request, parts.clock, parts.settings.max_import_bytes)
    outcome = await store_people(
        parts.database,
        chunks,
        options,
        actor=caller.actor,
        dry_run=dry_run,
        lift_opt_outs=lift_opt_outs,
    )
    return ImportOut.model_validate(outcome)


def _content_of(request: Request) -> tuple[FileFormat, str]:
    """Return the body's format and charset; raises UnsupportedMediaType for what is not taken."""
    given = request.headers.get("content-type", "")
    media_type, *parameters = (part.strip() for part in given.split(";"))
    file_format = _FORMATS.get(media_type.lower())
    if file_format is None:
        raise UnsupportedMediaType(
            "This takes text/csv or application/x-ndjson; the body came as "
            f"{media_type or 'no type at all'}."
        )
    if (encoding := request.headers.get("content-encoding", "identity")) != "identity":
        raise UnsupportedMediaType(f"Send the file as it is: {encoding} is not unpacked here.")
    named = dict(part.lower().split("=", 1) for part in parameters if "=" in part)
    charset = named.get("charset", "utf-8").strip('" ')
    known = known_charset(charset)
    if known is None or (file_format == "ndjson" and known not in {"utf-8", "ascii"}):
        raise UnsupportedMediaType(
            f"The charset {charset!r} is not taken here: NDJSON is UTF-8, CSV is UTF-8, UTF-16, "
            "iso-8859-1 or another of its family, or windows-1252 or another of its."
        )
    return file_format, known


def _region(given: str | None) -> str | None:
    if given is None or given.upper() in phonenumbers.SUPPORTED_REGIONS:
        return given.upper() if given else None
    raise Invalid.at("/query/phone_region", f"{given!r} is no region; write it like US or GB.")


def _delimiter(given: str | None) -> str | None:
    if not given:
        return None
    try:
        return delimiter_named(given)
    except ValueError as error:
        raise Invalid.at("/query/delimiter", str(error)) from error


async def _chunks_of(request: Request, clock: Clock, limit: int) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            for begin in range(0, len(chunk), _PIECE_BYTES):
                yield chunk[begin : begin + _PIECE_BYTES]
                # What has arrived is read without a pause, and others want their turn.
                await clock.sleep(0)
    except ClientDisconnect as error:
        # Nobody reads this answer, but the log is not to say that it was a fault of ours.
        raise Unreadable.of("The connection was closed before the file's end.") from error
    except HTTPException as error:
        if error.status_code != 413:
            raise
        raise TooLarge(f"The file is over the limit of {limit} bytes: split it.") from error
