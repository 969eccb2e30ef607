"""Bytes to text, piece by piece: the charset that was named, or what the byte order mark says."""

import codecs
from collections.abc import Mapping
from typing import Final

from app.services.import_rows import Unreadable

#: Charsets by the names that Python gives them; all are a superset of ASCII, or have a mark.
CHARSETS: Final = frozenset(
    {
        "ascii",
        "utf-8",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        *(f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 7, 9, 10, 13, 14, 15, 16)),
        *(f"cp125{page}" for page in range(9)),
    }
)
_MARKS: Final[Mapping[bytes, str]] = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_LONGEST_MARK: Final = 3


def known_charset(name: str) -> str | None:
    """Return Python's name of this charset, or None where it is not one that imports take."""
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return found if found in CHARSETS else None


class Decoder:
    """Decodes what is fed to it; a byte order mark at the start goes before the charset named."""

    def __init__(self, charset: str = "utf-8") -> None:
        """Take one of `CHARSETS`."""
        self._charset = charset
        self._decoder: codecs.IncrementalDecoder | None = None
        self._start = b""
        self._lines = 0

    def feed(self, chunk: bytes, *, final: bool = False) -> str:
        """Return the text so far undelivered; raises Unreadable, naming the line."""
        if self._decoder is None:
            chunk = self._start + chunk
            if len(chunk) < _LONGEST_MARK and not final:
                self._start = chunk
                return ""
            self._decoder = self._begun(chunk)
        try:
            text = self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            raise self._explained(error) from error
        self._lines += _line_ends(text)
        return text

    def _begun(self, start: bytes) -> codecs.IncrementalDecoder:
        for mark, charset in _MARKS.items():
            if start.startswith(mark):
                self._charset = charset
        return codecs.getincrementaldecoder(self._charset)("strict")

    def _explained(self, error: UnicodeDecodeError) -> Unreadable:
        before = error.object[: error.start].decode(self._charset, "replace")
        line = self._lines + _line_ends(before) + 1
        name = "UTF-8" if self._charset.startswith("utf-8") else self._charset
        byte = error.object[error.start]
        return Unreadable.of(
            f"Line {line} is not {name} (byte 0x{byte:02X}). Save the file as UTF-8, or name its "
            "charset: Content-Type: text/csv; charset=iso-8859-1 (on the command line --charset "
            "iso-8859-1).",
        )


def _line_ends(text: str) -> int:
    return text.count("\n") or text.count("\r")
