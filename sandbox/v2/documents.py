"""v2: documents that campaigns link to or carry, and the folders that they lie in."""

from typing import Any

from starlette.responses import Response

from sandbox.answers import json_answer
from sandbox.calls import Call, Operation
from sandbox.state.documents import MAX_BYTES, Folder
from sandbox.v2.campaign_shapes import document_json
from sandbox.v2.import_files import read_upload
from sandbox.v2.refusals import refused
from sandbox.v2.requests import path_id, read_fields


async def list_folders(call: Call) -> Response:
    """Return the tree of folders."""
    return json_answer([_folder_json(folder) for folder in call.account.documents.roots()])


async def create_folder(call: Call) -> Response:
    """Make a folder within another."""
    parent = _find_folder(call)
    name = read_fields(call, "DOCUMENT_FOLDER_INVALID").text("name")
    if name is None:
        raise refused("DOCUMENT_FOLDER_INVALID")
    return json_answer(_folder_json(call.account.documents.add_folder(name, parent)), 201)


async def list_documents(call: Call) -> Response:
    """Return the documents of a folder."""
    found = call.account.documents.within(_find_folder(call))
    return json_answer([document_json(document) for document in found])


async def upload(call: Call) -> Response:
    """Put a document into a folder, from JSON or from a form; 200 as the generated document has it.

    The YAML answers 201 with a folder, which can't be meant.
    """
    folder = _find_folder(call)
    name, contents = await read_upload(call)
    if not contents:
        raise refused("DOCUMENT_DATAEMPTY")
    if len(contents) > MAX_BYTES:
        raise refused("DOCUMENT_TOOLARGE")
    if "/" in name or "." not in name.strip("."):
        raise refused("DOCUMENT_NAMEINVALID")
    now_ms = call.account.clock.stamp()
    document = call.account.documents.add(folder, name, len(contents), now_ms)
    return json_answer(document_json(document))


def _find_folder(call: Call) -> Folder:
    folder = call.account.documents.folder(path_id(call, "folderId"))
    if folder is None:
        raise refused("DOCUMENT_FOLDER_NOT_FOUND")
    return folder


def _folder_json(folder: Folder) -> dict[str, Any]:
    """Return a folder; one that holds no other has null in place of an empty array [spec]."""
    children = [_folder_json(child) for child in folder.children]
    return {"id": folder.id, "name": folder.name, "childFolders": children or None}


_DOCUMENTS = "/v2/document-folders/{folderId}/documents"

OPERATIONS = (
    Operation("GET", "/v2/document-folders", list_folders),
    Operation("POST", "/v2/document-folders/{folderId}", create_folder),
    Operation("GET", _DOCUMENTS, list_documents),
    Operation("POST", _DOCUMENTS, upload),
)
