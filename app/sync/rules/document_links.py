"""Which links lead to a document: a click on one of those is a download [inferred]."""

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote

#: Endings of files that are read, not visited.
ENDINGS = (
    *("pdf", "doc", "docx", "dot", "dotx", "odt", "rtf", "txt", "epub"),
    *("xls", "xlsx", "xlsm", "ods", "csv"),
    *("ppt", "pptx", "pps", "ppsx", "odp", "key"),
    *("zip", "ics"),
)
#: Where Dotdigital keeps an account's documents [doc by example].
_FOLDER = "/cmpdoc/"
_REMEMBERED = 4096


class DocumentLinks:
    """The documents of an account, as links to them are recognised."""

    def __init__(self, paths: Iterable[str] = ()) -> None:
        """Take the paths of the documents, such as ``/cmpdoc/1/2/files/8_annual-report.pdf``."""
        self._paths = tuple(sorted({path.lower() for path in paths if path.strip("/")}))
        self.leads_to_document = lru_cache(maxsize=_REMEMBERED)(self._leads_to_document)

    def _leads_to_document(self, url: str | None) -> bool:
        """Say whether this url leads to a document."""
        if not url:
            return False
        plain = unquote(url).lower()
        if _FOLDER in plain or any(path in plain for path in self._paths):
            return True
        path = plain.partition("#")[0].partition("?")[0].partition("://")[2].partition("/")[2]
        return path.rpartition(".")[2] in ENDINGS and "." in path
