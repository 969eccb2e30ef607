"""Files that are no text at all, known by their first bytes."""

from typing import Final

from app.services.import_rows import Unreadable

_SAVE_AS_CSV: Final = (
    "Save it as CSV (in Excel: File > Save As > CSV UTF-8) and send that, one file a sheet."
)
#: First bytes, what has them, and what to do about it.
_KINDS: Final = (
    (b"PK\x03\x04", "a workbook (.xlsx or .ods) or another ZIP archive", _SAVE_AS_CSV),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook of an old kind (.xls)", _SAVE_AS_CSV),
    (b"\x1f\x8b", "packed with gzip", "Unpack it and send what is in it."),
    (b"%PDF-", "a PDF", "Export the data as CSV, and send that."),
)


class FileStart:
    """Looks at the first bytes of a file that comes in pieces."""

    def __init__(self) -> None:
        """Begin at the file's first byte."""
        self._held = b""
        self._is_text = False

    def passed(self, chunk: bytes, *, final: bool = False) -> bytes:
        """Return the bytes to read on with, those held back so far among them.

        Raises Unreadable where the file begins as no CSV or NDJSON does. Bytes are held back while
        they may turn out to be such a beginning; ``final`` says that no more come.
        """
        if self._is_text:
            return chunk
        self._held += chunk
        for start, what, to_do in _KINDS:
            if self._held.startswith(start):
                raise Unreadable.of(f"This file is {what}. {to_do}")
        if not final and any(start.startswith(self._held) for start, _, _ in _KINDS):
            return b""
        self._is_text = True
        return self._held
