"""The documents of an account and the folders that they lie in."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

#: Host that documents are read from, before the account's own name for it.
PUBLIC_HOST: Final = "i.sandbox.example"
MAX_BYTES: Final = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Document:
    """A file that campaigns may link to or carry."""

    id: int
    name: str
    #: A path, `/cmpdoc/1/2/files/8_annual-report.pdf` [doc].
    file_name: str
    size: int
    folder_id: int
    created_ms: int
    modified_ms: int

    @property
    def url(self) -> str:
        """Where it is read; links in campaigns lead there [inferred]."""
        return f"https://{PUBLIC_HOST}{self.file_name}"


@dataclass(slots=True)
class Folder:
    """A folder with those within it."""

    id: int
    name: str
    parent_id: int | None = None
    children: list["Folder"] = field(default_factory=list)


class Documents:
    """The tree of folders and what lies in them."""

    def __init__(self, account_id: int) -> None:
        self._account_id = account_id
        self._folders: dict[int, Folder] = {}
        self._documents: dict[int, Document] = {}

    def __iter__(self) -> Iterator[Document]:
        return iter(self._documents.values())

    def roots(self) -> list[Folder]:
        """Return the folders that are in no other."""
        return [folder for folder in self._folders.values() if folder.parent_id is None]

    def folder(self, folder_id: int) -> Folder | None:
        """Return the folder of this id."""
        return self._folders.get(folder_id)

    def find(self, document_id: int) -> Document | None:
        """Return the document of this id."""
        return self._documents.get(document_id)

    def within(self, folder: Folder) -> list[Document]:
        """Return the documents of a folder, without those of the folders within it."""
        return [document for document in self if document.folder_id == folder.id]

    def add_folder(self, name: str, parent: Folder | None = None) -> Folder:
        """Make a folder."""
        folder = Folder(len(self._folders) + 1, name, None if parent is None else parent.id)
        self._folders[folder.id] = folder
        if parent is not None:
            parent.children.append(folder)
        return folder

    def add(self, folder: Folder, file_name: str, size: int, now_ms: int) -> Document:
        """Put a file into a folder; its name is the file's without the ending."""
        document_id = len(self._documents) + 1
        path = f"/cmpdoc/{self._account_id}/{folder.id}/files/{document_id}_{file_name}"
        name = file_name.rpartition(".")[0] or file_name
        document = Document(document_id, name, path, size, folder.id, now_ms, now_ms)
        self._documents[document_id] = document
        return document
