"""Reading what an import is given: a file of rows, as JSON or as a form, or contacts as JSON."""

import base64
import binascii
import csv
import io
from collections.abc import AsyncGenerator
from pathlib import PurePosixPath
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from sandbox.calls import Call
from sandbox.v2.contact_bodies import EMAIL_ORDER, INVALID, OPT_IN_ORDER
from sandbox.v2.import_runs import Row
from sandbox.v2.refusals import invalid_file, refused
from sandbox.v2.requests import Fields, content_type, read_fields

#: Excel files are taken by the vendor too; the sandbox reads CSV alone.
_EXTENSIONS = {"", ".csv", ".txt"}


async def read_file(call: Call) -> tuple[list[str], list[Row]]:
    """Return the columns, in lower case, and the rows of the file that was sent."""
    name, contents = await read_upload(call)
    if PurePosixPath(name.lower()).suffix not in _EXTENSIONS:
        raise refused("IMPORT_UNSUPPORTED_FORMAT")
    return _parse(contents)


async def read_upload(call: Call) -> tuple[str, bytes]:
    """Return the name and the contents of the file that was sent, as a form or in JSON."""
    if content_type(call) == "multipart/form-data":
        return await _from_form(call)
    return _from_json(call)


def read_contacts(given: list[Any]) -> tuple[list[str], list[Row]]:
    """Return the same for contacts in JSON: their fixed columns, then their data fields."""
    columns = ["email"]
    rows = []
    for each in given:
        contact = Fields(each, INVALID)
        values: dict[str, Any] = {"email": contact.raw("email")}
        for name, order in (("emailType", EMAIL_ORDER), ("optInType", OPT_IN_ORDER)):
            if (value := contact.raw(name)) is not None:
                is_place = isinstance(value, int) and 0 <= value < len(order)
                values[name.lower()] = order[value] if is_place else value
        for name in ("dataFields", "consentFields"):
            for pair in contact.items(name):
                fields = Fields(pair, INVALID)
                if (key := fields.text("key")) is None:
                    raise refused(INVALID)
                values[key.lower()] = fields.raw("value")
        columns += [name for name in values if name not in columns]
        rows.append(Row(values, mobile=contact.text("mobileNumberId")))
    return columns, rows


def _from_json(call: Call) -> tuple[str, bytes]:
    body = read_fields(call, "MALFORMED_REQUEST")
    name, data = body.text("fileName"), body.text("data")
    if name is None or data is None:
        raise invalid_file()
    try:
        return name, base64.b64decode(data, validate=True)
    except binascii.Error:
        raise refused("IMPORT_UNSUPPORTED_FORMAT") from None


async def _from_form(call: Call) -> tuple[str, bytes]:
    """Read a multipart form: one file, with a name [doc, sdk issue]."""

    async def chunks() -> AsyncGenerator[bytes, None]:
        yield call.body

    try:
        form = await MultiPartParser(call.request.headers, chunks()).parse()
    except (MultiPartException, KeyError):
        raise invalid_file() from None
    try:
        files = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
        if len(files) > 1:
            raise refused("MULTI_FILE_UPLOAD_NOT_ALLOWED")
        if not files or not files[0].filename:
            raise invalid_file()
        return files[0].filename, await files[0].read()
    finally:
        await form.close()


def _parse(contents: bytes) -> tuple[list[str], list[Row]]:
    try:
        text = contents.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = contents.decode("cp1252", errors="replace")
    if "\0" in text:
        raise refused("IMPORT_UNSUPPORTED_FORMAT")
    lines = csv.reader(io.StringIO(text, newline=""))
    columns = [name.strip().lower() for name in next(lines, [])]
    if "email" not in columns:
        raise refused("NO_EMAIL_COLUMN")
    try:
        return columns, [
            Row(dict(zip(columns, cells, strict=False))) for cells in lines if any(cells)
        ]
    except csv.Error:
        raise refused("IMPORT_UNSUPPORTED_FORMAT") from None
