"""Holds every answer of the sandbox against the vendor's documents, good input and bad."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.app import OPERATIONS
from tests.contract.sandbox_calls import Walk, beginning_walk
from tests.contract.sandbox_walk import walk_everywhere
from tests.contract.vendor_documents import VendorDocuments

#: Operations that refuse nothing that is theirs to refuse: they take no input.
CAREFREE = {
    "GET /v2/account-info",
    "GET /v2/server-time",
    "GET /v2/data-fields",
    "GET /v2/contacts/count",
    "POST /v2/accounts/empty-recycle-bin",
    "GET /v2/document-folders",
}


@pytest.fixture(scope="session")
def vendor(shared_dir: Path) -> VendorDocuments:
    return VendorDocuments(shared_dir)


@pytest.fixture
async def walk() -> AsyncIterator[Walk]:
    async with beginning_walk() as walk:
        yield walk


async def test_every_answer_fits_the_vendors_documents(vendor: VendorDocuments, walk: Walk) -> None:
    await walk_everywhere(walk)
    faults = [
        f"{answer.method} {answer.path} {answer.status}: {fault}"
        for answer in walk.answers
        for fault in vendor.answer_faults(answer.method, answer.path, answer.status, answer.body)
    ]
    assert not faults, "\n".join(faults)


async def test_every_operation_is_exercised_with_good_input_and_bad(walk: Walk) -> None:
    await walk_everywhere(walk)
    calls = walk.sandbox.calls.recent
    assert len(calls) == len(walk.answers)
    good = {f"{call.method} {call.template}" for call in calls if call.status < 400}
    bad = {f"{call.method} {call.template}" for call in calls if call.status >= 400}
    every = {f"{operation.method} {operation.template}" for operation in OPERATIONS}
    assert every - good == set()
    assert every - bad - CAREFREE == set()


def test_the_vendor_has_every_operation(vendor: VendorDocuments) -> None:
    listed = {(method, _without_names(template)) for method, template in vendor.operations()}
    made_up = [
        operation
        for operation in OPERATIONS
        if (operation.method, _without_names(operation.template)) not in listed
    ]
    assert made_up == []


def _without_names(template: str) -> str:
    parts = template.strip("/").split("/")
    return "/".join("{}" if part.startswith("{") else part for part in parts)
