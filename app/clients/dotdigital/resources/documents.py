"""Documents that lie in the account's folders; v2-documents.yaml [spec].

A click in a campaign on one of them is a download: its url holds the document's path [inferred].
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from app.clients.dotdigital.calls import Call, Caller
from app.clients.dotdigital.errors import NotFound
from app.clients.dotdigital.wire import Count, Incoming, Instant, Text, many


class Document(Incoming):
    """A document, as it was uploaded."""

    id: int
    name: Text = None
    #: A path, such as ``/cmpdoc/1/2/files/8_annual-report.pdf``, without a host.
    file_name: Text = None
    #: The vendor doesn't say in what; up to 10 MB is taken [doc].
    file_size: Count = 0
    created_at: Instant = None
    #: Each text is a date as it was given: beside a None it is one that can't be read.
    created_at_text: Text = None
    modified_at: Instant = None
    modified_at_text: Text = None

    spellings: ClassVar = {"datecreated": "created_at", "datemodified": "modified_at"}


class DocumentFolder(Incoming):
    """A folder of documents, with the folders in it."""

    id: int
    name: Text = None
    child_folders: Annotated[list["DocumentFolder"], BeforeValidator(lambda given: given or [])] = (
        Field(default_factory=list)
    )

    def walk(self) -> Iterator["DocumentFolder"]:
        """Yield this folder and all below it."""
        yield self
        for child in self.child_folders:
            yield from child.walk()


class DocumentsResource:
    """Reads folders and documents."""

    def __init__(self, caller: Caller) -> None:
        """Take what makes the calls."""
        self._caller = caller

    async def folders(self) -> list[DocumentFolder]:
        """Return the top folders, with all others in them. One call."""
        return await self._caller.send(
            Call("GET", "/v2/document-folders", read=many(DocumentFolder))
        )

    async def in_folder(self, folder_id: int) -> list[Document]:
        """Return the documents of a folder, without those of the folders in it. One call.

        Raises NotFound.
        """
        return await self._caller.send(
            Call(
                "GET",
                "/v2/document-folders/{folderId}/documents",
                read=many(Document),
                path={"folderId": folder_id},
            )
        )

    async def all(self) -> list[Document]:
        """Return every document. One call for the folders, and one for each of them.

        A folder that goes meanwhile is passed over.
        """
        found: dict[int, Document] = {}
        for top in await self.folders():
            for folder in top.walk():
                try:
                    documents = await self.in_folder(folder.id)
                except NotFound:
                    continue
                found.update((document.id, document) for document in documents)
        return list(found.values())
