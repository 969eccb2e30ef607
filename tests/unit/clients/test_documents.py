"""Documents, in whatever folder they lie."""

from datetime import UTC, datetime

import pytest
import respx

from app.clients.dotdigital import DotdigitalClient, NotFound
from tests.factories.dotdigital import example


async def test_folders_are_read_with_those_in_them(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/v2/document-folders").respond(json=example("v2-document-folders"))
    [top] = await client.documents.folders()
    assert [(folder.id, folder.name) for folder in top.walk()] == [(1, "Reports"), (2, "2026")]


async def test_folders_are_walked_to_any_depth(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    third = {"id": 3, "name": "Offers", "childFolders": None}
    second = {"id": 2, "childFolders": [third, {"id": 4}]}
    dotdigital.get("/v2/document-folders").respond(json=[{"id": 1, "childFolders": [second]}])
    [top] = await client.documents.folders()
    assert [folder.id for folder in top.walk()] == [1, 2, 3, 4]


async def test_a_document_is_read_as_it_stands(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/v2/document-folders/2/documents").respond(json=example("v2-documents"))
    [document] = await client.documents.in_folder(2)
    assert (document.id, document.name, document.file_size) == (8, "Annual report", 884213)
    assert document.file_name == "/cmpdoc/1/2/files/8_annual-report.pdf"
    assert document.created_at == datetime(2026, 2, 20, 12, tzinfo=UTC)
    assert document.modified_at_text == "2026-02-20T12:00:00Z"


async def test_all_documents_are_those_of_every_folder_that_is_there(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/v2/document-folders").respond(
        json=[*example("v2-document-folders"), {"id": 3, "name": "Gone meanwhile"}]
    )
    dotdigital.get("/v2/document-folders/1/documents").respond(json=[])
    dotdigital.get("/v2/document-folders/2/documents").respond(json=example("v2-documents"))
    dotdigital.get("/v2/document-folders/3/documents").respond(404, json={"message": "Error:"})
    assert [document.id for document in await client.documents.all()] == [8]


async def test_a_folder_that_is_gone_is_not_found(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/v2/document-folders/3/documents").respond(404, json={"message": "Error:"})
    with pytest.raises(NotFound):
        await client.documents.in_folder(3)
