"""Shows that true bodies pass by the vendor's documents, and spoilt ones don't."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.contract.vendor_amendments import Json
from tests.contract.vendor_documents import VendorDocuments

#: What the words in the fixtures' table of calls stand for.
EXAMPLES = {
    "{id or email}": "700101",
    "{identifier}/{value}": "email/ines.okafor@mail.example",
    "{date}": "2026-01-02T03:04:05Z",
    "{importId}": "af4ac4bc-e1e7-4817-8a66-73fb59e91ce6",
    "{deleteId}": "af4ac4bc-e1e7-4817-8a66-73fb59e91ce6",
    "{subscriptionId}": "af4ac4bc-e1e7-4817-8a66-73fb59e91ce6",
    "{email}": "ines.okafor@mail.example",
    "{value}": "ines.okafor@mail.example",
    "{contactId}": "700101",
    "{name}": "SEATS",
    "{id}": "5501",
}
#: Calls that the table gives in words.
WORDS = {
    "any v2 call, wrong credentials": "GET /v2/contacts",
    "any v2 call but account-info, wrong region": "GET /v2/contacts",
    "v2 call for a feature outside the package": "GET /v2/preferences",
    "any v2 call, flat scheme used up": "GET /v2/contacts",
    "any call, tier used up (see headers below)": "GET /v2/contacts",
    "POST or GET /v2/segments/refresh/{id}": "POST /v2/segments/refresh/{id}",
}
#: Fixtures that no document can judge, with the reason.
UNJUDGED = {
    "v3-events-subscriptions.json": "the document closes the object that it extends by `allOf`",
}


@pytest.fixture(scope="session")
def vendor(shared_dir: Path) -> VendorDocuments:
    return VendorDocuments(shared_dir)


@pytest.fixture(scope="session")
def fixtures(shared_dir: Path) -> Path:
    return shared_dir / "reference" / "dotdigital-fixtures"


def _listed(fixtures: Path) -> Iterator[tuple[str, str, str, str]]:
    """Yield file, method, path and status of each row in the fixtures' tables."""
    for row in (fixtures / "README.md").read_text().splitlines():
        if not (matched := re.match(r"\| `([\w-]+\.json)` \| `([^`]+)` \| ([^|]+) \|", row)):
            continue
        name, call, status = matched.groups()
        call = WORDS.get(call, call).removeprefix("request body of ").split("?")[0].split(";")[0]
        for word, example in EXAMPLES.items():
            call = call.replace(word, example)
        method, path = call.split(" ")[:2]
        yield name, method, path, status.split()[0]


def test_every_fixture_passes(vendor: VendorDocuments, fixtures: Path) -> None:
    faults = {}
    judged = 0
    for name, method, path, status in _listed(fixtures):
        body = json.loads((fixtures / name).read_text())
        judged += 1
        if name in UNJUDGED:
            continue
        if status == "-":
            faults[name] = vendor.request_faults(method, path, {}, body)
        else:
            faults[name] = vendor.answer_faults(method, path, int(status), body)
    assert {name: found for name, found in faults.items() if found} == {}
    assert judged == len(list(fixtures.glob("*.json")))


def _set(*path: str | int, to: object) -> Callable[[Json], None]:
    def change(body: Json) -> None:
        for step in path[:-1]:
            body = body[step]
        body[path[-1]] = to

    return change


def _without(*path: str | int) -> Callable[[Json], None]:
    def change(body: Json) -> None:
        for step in path[:-1]:
            body = body[step]
        del body[path[-1]]

    return change


@pytest.mark.parametrize(
    "name, call, status, spoil",
    [
        pytest.param(
            "v3-contact.json",
            "GET /contacts/v3/email/a@b.example",
            200,
            _without("contactId"),
            id="a v3 contact without its id",
        ),
        pytest.param(
            "v3-contact.json",
            "GET /contacts/v3/email/a@b.example",
            200,
            _set("channelProperties", "email", "status", to="Subscribed"),
            id="a v3 status in the capitals of v2",
        ),
        pytest.param(
            "v3-contact.json",
            "GET /contacts/v3/email/a@b.example",
            200,
            _set("updated", to="yesterday"),
            id="a time that is none",
        ),
        pytest.param(
            "v3-contact.json",
            "GET /contacts/v3/email/a@b.example",
            200,
            _without("preferences", 0, "name"),
            id="a v3 preference without a name",
        ),
        pytest.param(
            "v3-contacts-page.json",
            "GET /contacts/v3",
            200,
            _without("_links", "next", "marker"),
            id="a page's link without a marker",
        ),
        pytest.param(
            "v3-import-finished.json",
            "GET /contacts/v3/import/1",
            200,
            _set("status", to="Done"),
            id="a status that no import has",
        ),
        pytest.param(
            "v3-import-accepted.json",
            "PUT /contacts/v3/import",
            200,
            _set("importId", to="1"),
            id="an import accepted by the wrong status",
        ),
        pytest.param(
            "error-v3-404-contact.json",
            "GET /contacts/v3/email/a@b.example",
            404,
            _without("errorCode"),
            id="a v3 error without a code",
        ),
        pytest.param(
            "v2-contact.json",
            "GET /v2/contacts/700101",
            200,
            _set("id", to="700101"),
            id="a v2 contact's id as text",
        ),
        pytest.param(
            "v2-suppressed-since.json",
            "GET /v2/contacts/suppressed-since/2026-01-02",
            200,
            _set(0, "dateRemoved", to=None),
            id="a suppression without a date",
        ),
        pytest.param(
            "v2-preferences.json",
            "GET /v2/preferences",
            200,
            _set(0, "order", to=0),
            id="a preference's order as a number",
        ),
        pytest.param(
            "v2-campaigns-metrics.json",
            "GET /v2/campaigns/metrics",
            200,
            _set(0, "openRate", to=0.5),
            id="metrics with a figure of our own",
        ),
        pytest.param(
            "error-v2-404-contact.json",
            "GET /v2/contacts/1",
            404,
            _set("message", to="Error: ERROR_NO_SUCH_CONTACT"),
            id="a v2 error with a code that the vendor hasn't",
        ),
        pytest.param(
            "error-v2-404-contact.json",
            "GET /v2/contacts/1",
            404,
            _set("detail", to="Not Found"),
            id="a v2 error with more than a message",
        ),
        pytest.param(
            "v2-address-books.json",
            "GET /v2/adress-books",
            200,
            lambda _: None,
            id="a path that is not there",
        ),
    ],
)
def test_a_spoilt_answer_is_refused(
    vendor: VendorDocuments,
    fixtures: Path,
    name: str,
    call: str,
    status: int,
    spoil: Callable[[Json], None],
) -> None:
    body = json.loads((fixtures / name).read_text())
    spoil(body)
    method, path = call.split(" ")
    assert vendor.answer_faults(method, path, status, body)


IMPORT = {
    "mergeOption": "overwrite",
    "contacts": [{"matchIdentifier": "email", "identifiers": {"email": "a@b.example"}}],
}


@pytest.mark.parametrize(
    "method, path, query, body",
    [
        pytest.param(
            "GET",
            "/contacts/v3",
            {
                "~modified": "gte::2026-01-02T03:04:05Z",
                "include": "lists|preferences",
                "data-fields": "[[ALL]]",
                "limit": "5000",
            },
            None,
            id="a page of changed contacts",
        ),
        pytest.param("PUT", "/contacts/v3/import", {}, IMPORT, id="an import"),
        pytest.param("PATCH", "/contacts/v3/contactId/7", {}, {"lists": [1]}, id="a v3 change"),
        pytest.param("GET", "/v2/contacts/a%40b.example", {}, None, id="a contact by its email"),
        pytest.param(
            "GET",
            "/v2/contacts/suppressed-since/2026-01-02T03:04:05Z",
            {"select": "1000", "skip": "0"},
            None,
            id="the first page of suppressions",
        ),
        pytest.param(
            "GET", "/v2/address-books/private", {"select": "5", "limit": "5"}, None, id="both sizes"
        ),
        pytest.param(
            "PUT", "/v2/contacts/suppress-contacts", {}, [{"id": 7}], id="contacts to suppress"
        ),
        pytest.param(
            "POST", "/v2/address-books/7/contacts/delete", {}, [1, 2], id="members to remove"
        ),
    ],
)
def test_a_true_request_passes(
    vendor: VendorDocuments, method: str, path: str, query: dict[str, str], body: object
) -> None:
    assert vendor.request_faults(method, path, query, body) == []


@pytest.mark.parametrize(
    "method, path, query, body, fault",
    [
        pytest.param("GET", "/contacts/v4", {}, None, "no document", id="no such path"),
        pytest.param("POST", "/contacts/v3/import", {}, IMPORT, "no document", id="wrong verb"),
        pytest.param("GET", "/contacts/v3", {"page": "2"}, None, "page", id="unknown parameter"),
        pytest.param(
            "GET", "/contacts/v3", {"limit": "5001"}, None, "maximum", id="page too large"
        ),
        pytest.param("GET", "/contacts/v3", {"limit": "all"}, None, "integer", id="size in words"),
        pytest.param(
            "GET", "/contacts/v3", {"~modified": "2026-01-02"}, None, "match", id="bare filter"
        ),
        pytest.param(
            "GET", "/contacts/v3", {"include": "lists|fields"}, None, "fields", id="no such part"
        ),
        pytest.param("PUT", "/contacts/v3/import", {}, None, "no body", id="import of nothing"),
        pytest.param(
            "PUT", "/contacts/v3/import", {}, {"contacts": []}, "non-empty", id="import of nobody"
        ),
        pytest.param(
            "PUT",
            "/contacts/v3/import",
            {},
            {"contacts": [{**IMPORT["contacts"][0], "lists": list(range(101))}]},  # type: ignore[dict-item]
            "maxItems",
            id="too many lists",
        ),
        pytest.param(
            "PUT",
            "/contacts/v3/import",
            {},
            {
                "contacts": [
                    {
                        "matchIdentifier": "email",
                        "identifiers": {"email": "a@b.example"},
                        "channelProperties": {"email": {"emailType": "Html"}},
                    }
                ]
            },
            "Html",
            id="a type in the capitals of answers",
        ),
        pytest.param("GET", "/contacts/v3", None, {"a": 1}, "body", id="body on a GET"),
        pytest.param("GET", "/v2/address-books/seven", {}, None, "integer", id="id in words"),
        pytest.param(
            "GET", "/v2/contacts", {"select": "1001"}, None, "maximum", id="v2 page too large"
        ),
        pytest.param("GET", "/v2/contacts", {"select": "0"}, None, "minimum", id="v2 page of none"),
        pytest.param("GET", "/v2/contacts", {"skip": "-1"}, None, "minimum", id="skip backwards"),
        pytest.param(
            "GET", "/v2/surveys", {"select": "501"}, None, "maximum", id="survey page too large"
        ),
        pytest.param(
            "GET", "/v2/contacts/modified-since/soon", {}, None, "date", id="since some time"
        ),
        pytest.param("POST", "/v2/address-books", {}, {}, "name", id="list without a name"),
        pytest.param(
            "POST",
            "/v2/data-fields",
            {},
            {"name": "SEATS", "type": "Number"},
            "Number",
            id="no such type",
        ),
        pytest.param(
            "POST", "/v2/address-books/7/contacts/delete", {}, ["x"], "integer", id="ids as text"
        ),
    ],
)
def test_a_false_request_is_refused(
    vendor: VendorDocuments,
    method: str,
    path: str,
    query: dict[str, str] | None,
    body: object,
    fault: str,
) -> None:
    faults = vendor.request_faults(method, path, query or {}, body)
    assert fault in " ".join(faults)


def test_the_more_particular_path_is_meant(vendor: VendorDocuments) -> None:
    assert vendor.answer_faults("GET", "/v2/contacts/count", 200, 42) == []
    assert vendor.answer_faults("GET", "/v2/contacts/count", 200, {"id": 1, "email": "a@b.example"})


def test_a_silent_document_leaves_the_word_to_the_other(vendor: VendorDocuments) -> None:
    assert vendor.answer_faults("GET", "/v2/preferences", 200, {"id": 1})
    assert vendor.answer_faults("DELETE", "/v2/preferences/1", 200, "It was deleted") == []


def test_all_operations_are_listed(vendor: VendorDocuments) -> None:
    operations = vendor.operations()
    assert ("PUT", "/contacts/v3/import") in operations
    assert ("POST", "/v2/accounts/empty-recycle-bin") in operations
    assert ("GET", "/v2/contacts/with-preference/{preferenceId}") in operations
    assert len(operations) == len(set(operations)) > 200
