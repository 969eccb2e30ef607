"""Every request that the client can send fits the vendor's documents, and so does what it reads.

Each method of each resource is called here, in each of its forms; a method without a case fails.
"""

import inspect
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
import respx
from hypothesis import given, settings
from hypothesis import strategies as st

from app.clients.dotdigital import (
    ConsentRecord,
    ContactChange,
    DataFieldType,
    ImportContact,
    MergeOption,
    Resubscribe,
    Transport,
    detect_region,
    encode_contact,
)
from app.clients.dotdigital.regions import DISCOVERY_URL
from tests.clock import FakeClock
from tests.contract.client_reads import READS, SINCE, Act, Case, all_of
from tests.contract.vendor_documents import VendorDocuments
from tests.factories.dotdigital import CREDENTIALS, ENDPOINT, example, make_client

EMAIL = "ines.o'kafor+news@mail.example"
GUID = "b9f4b7f0-2a41-4c1f-8f0e-1d6a4b0c9e21"

FULL: dict[str, Any] = {
    "email": EMAIL,
    "mobile_number": "+447700900123",
    "custom_identifiers": {"crm-id": "C0001"},
    "data_fields": {
        "FIRSTNAME": "Ines",
        "SEATS": 3,
        "SHARE": 0.25,
        "VIP": True,
        "RENEWAL": SINCE,
        "POSTCODE": None,
    },
    "status": "subscribed",
    "opt_in_type": "verifiedDouble",
    "email_type": "plainText",
    "resubscribe": Resubscribe(
        no_challenge=False, preferred_locale="en-GB", redirect_url="https://a.example/thanks"
    ),
    "lists": [9021, 9022],
    "preferences": [(61, True), (62, False)],
    "consent_records": [
        ConsentRecord("Yes, please", SINCE, "https://a.example/form", "192.0.2.7", "Firefox"),
        ConsentRecord("And by post", SINCE, "https://a.example/form", "2001:db8::7", "Firefox"),
    ],
}


def _patch(option: MergeOption) -> Act:
    change = ContactChange(data_fields={"A": 1})
    return lambda client: client.contacts.patch("email", EMAIL, change, option)


def _create_field(kind: DataFieldType) -> Act:
    return lambda client: client.data_fields.create("RENEWAL_2-x", kind)


def _submit(merge_option: MergeOption, *contacts: ImportContact) -> Act:
    encoded = [encode_contact(contact) for contact in contacts]
    return lambda client: client.imports.submit(encoded, merge_option)


CASES = [
    *READS,
    Case("account.info", lambda c: c.account.info(), "account-info"),
    Case("account.server_time", lambda c: c.account.server_time(), "v2-server-time"),
    Case("contacts.get", lambda c: c.contacts.get("email", EMAIL), "v3-contact", form="by email"),
    Case("contacts.get", lambda c: c.contacts.get("contactId", 7), "v3-contact", form="by id"),
    Case(
        "contacts.get",
        lambda c: c.contacts.get("crm-id", "a/b?c#d%e"),
        "v3-contact",
        form="by an identifier that needs escaping",
    ),
    Case("contacts.pages", lambda c: all_of(c.contacts.pages()), "v3-contacts-last-page"),
    Case(
        "contacts.pages",
        lambda c: all_of(
            c.contacts.pages(
                modified_since=SINCE,
                list_id=9021,
                include=["channelProperties", "lists", "preferences", "consentRecords"],
                data_fields=["FIRSTNAME", "SEATS"],
                limit=2,
                marker="bzI6NzAwMTAy",
            )
        ),
        "v3-contacts-last-page",
        form="modified, with all there is",
    ),
    Case(
        "contacts.pages",
        lambda c: all_of(c.contacts.pages(created_since=SINCE, segment_id=3, data_fields="all")),
        "v3-contacts-last-page",
        form="created, of a segment",
    ),
    Case(
        "contacts.patch",
        lambda c: c.contacts.patch("contactId", 700101, ContactChange(**FULL)),
        "v3-contact",
        form="everything",
    ),
    *[
        Case(
            "contacts.patch",
            _patch(option),
            "v3-contact",
            201,
            form=option.value,
        )
        for option in MergeOption
    ],
    Case("contacts.delete", lambda c: c.contacts.delete("email", EMAIL), "v3-contact-deleted"),
    Case(
        "contacts.delete_many",
        lambda c: c.contacts.delete_many(
            contact_ids=[700101], emails=[EMAIL], mobile_numbers=["447700900123"]
        ),
        "v3-delete-accepted",
        202,
    ),
    Case("contacts.deletion", lambda c: c.contacts.deletion(GUID), "v3-delete-finished"),
    Case(
        "imports.submit",
        _submit(MergeOption.OVERWRITE, ImportContact(**FULL, contact_id=700101)),
        "v3-import-accepted",
        202,
        form="everything",
    ),
    Case(
        "imports.submit",
        _submit(
            MergeOption.OVERWRITE_IF_NOT_EMPTY,
            ImportContact(email=EMAIL),
            ImportContact(match_identifier="contactId", contact_id=1, email=EMAIL),
            ImportContact(match_identifier="mobileNumber", mobile_number="+447700900123"),
            ImportContact(match_identifier="crm-id", custom_identifiers={"crm-id": "C1"}),
            ImportContact(email=EMAIL, status="unsubscribed"),
            ImportContact(email=EMAIL, status="suppressed", opt_in_type="unknown"),
            ImportContact(match_identifier="contactId", contact_id=2, lists=[1]),
        ),
        "v3-import-accepted",
        202,
        form="one of each kind",
    ),
    Case(
        "imports.submit",
        _submit(MergeOption.OVERWRITE_IF_EMPTY, ImportContact(email=EMAIL)),
        "v3-import-accepted",
        202,
        form="the third merge option",
    ),
    Case("imports.status", lambda c: c.imports.status(GUID), "v3-import-finished"),
    Case("imports.status", lambda c: c.imports.status(GUID), "v3-import-running", form="running"),
    Case("lists.all", lambda c: c.lists.all(), "v2-address-books"),
    Case("lists.get", lambda c: c.lists.get(9021), "v2-address-book-created"),
    Case("lists.create", lambda c: c.lists.create("A"), "v2-address-book-created", 201),
    Case(
        "lists.create",
        lambda c: c.lists.create("n" * 128, "Public"),
        "v2-address-book-created",
        form="as the YAML answers",
    ),
    Case(
        "lists.update",
        lambda c: c.lists.update(9023, "Spring appeal 2", "Private"),
        "v2-address-book-updated",
    ),
    Case("lists.delete", lambda c: c.lists.delete(9023), None, 204),
    Case("lists.delete", lambda c: c.lists.delete(9023), None, form="as the swagger answers"),
    Case("lists.add_contact", lambda c: c.lists.add_contact(9021, EMAIL), "v2-contact-created"),
    Case("lists.remove_contact", lambda c: c.lists.remove_contact(9021, 700101), None, 204),
    Case(
        "lists.remove_contacts",
        lambda c: c.lists.remove_contacts(9021, [700101, 700102]),
        "v2-list-contacts-delete-accepted",
        202,
    ),
    Case("lists.removal_status", lambda c: c.lists.removal_status(GUID), "v2-deletion-completed"),
    Case("lists.unsubscribe", lambda c: c.lists.unsubscribe(9021, EMAIL), "v2-unsubscribe"),
    Case(
        "lists.resubscribe",
        lambda c: c.lists.resubscribe(9021, EMAIL),
        "v2-resubscribe-challenged",
    ),
    Case(
        "lists.resubscribe",
        lambda c: c.lists.resubscribe(
            9021, EMAIL, preferred_locale="sv-SE", return_url="https://a.example/thanks"
        ),
        "v2-resubscribe-refused",
        form="with a way back",
    ),
    Case(
        "lists.resubscribe_no_challenge",
        lambda c: c.lists.resubscribe_no_challenge(9021, EMAIL),
        "v2-resubscribe-added",
    ),
    Case(
        "lists.unsubscribed_since",
        lambda c: all_of(c.lists.unsubscribed_since(9021, SINCE)),
        "v2-unsubscribed-since",
    ),
    Case("data_fields.all", lambda c: c.data_fields.all(), "v2-data-fields"),
    *[
        Case(
            "data_fields.create",
            _create_field(kind),
            "v2-data-field-created",
            201,
            form=kind,
        )
        for kind in get_args(DataFieldType)
    ],
    Case(
        "data_fields.create",
        lambda c: c.data_fields.create("A", "Numeric", visibility="Public", default_value=7),
        "v2-data-field-created",
        201,
        form="with a default",
    ),
    Case(
        "data_fields.delete",
        lambda c: c.data_fields.delete("RENEWAL"),
        {"dependencies": None, "result": True},
    ),
    Case("preferences.tree", lambda c: c.preferences.tree(), "v2-preferences"),
    Case(
        "preferences.create",
        lambda c: c.preferences.create("Events", private_name="events", category_id=60),
        {"id": 64, "publicName": "Events", "isPreference": True, "categoryId": 60},
    ),
    Case(
        "preferences.create",
        lambda c: c.preferences.create("Topics", is_preference=False, is_public=False),
        {"id": 64, "publicName": "Topics", "isPreference": False},
        form="a category",
    ),
    Case(
        "suppressions.suppress_contacts",
        lambda c: c.suppressions.suppress_contacts(contact_ids=[700104], emails=[EMAIL]),
        "v2-suppress-contacts",
    ),
    Case("suppressions.unsubscribe", lambda c: c.suppressions.unsubscribe(EMAIL), "v2-unsubscribe"),
    Case(
        "suppressions.resubscribe",
        lambda c: c.suppressions.resubscribe(EMAIL),
        "v2-resubscribe-challenged",
    ),
    Case(
        "suppressions.resubscribe",
        lambda c: c.suppressions.resubscribe(
            EMAIL, preferred_locale="en-GB", return_url="https://a.example/thanks"
        ),
        "v2-resubscribe-challenged",
        form="with a way back",
    ),
    Case(
        "suppressions.resubscribe_no_challenge",
        lambda c: c.suppressions.resubscribe_no_challenge(EMAIL),
        "v2-resubscribe-added",
    ),
    Case(
        "suppressions.suppressed_since",
        lambda c: all_of(c.suppressions.suppressed_since(SINCE)),
        "v2-suppressed-since",
    ),
    Case(
        "suppressions.unsubscribed_since",
        lambda c: all_of(c.suppressions.unsubscribed_since(SINCE)),
        "v2-unsubscribed-since",
    ),
]


@pytest.fixture(scope="module")
def vendor(shared_dir: Path) -> VendorDocuments:
    return VendorDocuments(shared_dir)


@pytest.fixture(scope="module")
def certificates() -> ssl.SSLContext:
    return ssl.create_default_context()


@pytest.fixture
async def transport(certificates: ssl.SSLContext) -> AsyncIterator[Transport]:
    async with Transport(ssl_context=certificates) as transport:
        yield transport


def requests_of(router: respx.MockRouter) -> Iterator[tuple[str, str, dict[str, str], Any]]:
    """Yield method, path as it was escaped, query and body of each request."""
    for call in router.calls:
        request = call.request
        path = request.url.raw_path.decode().partition("?")[0]
        body = orjson.loads(request.content) if request.content else None
        yield request.method, path, dict(request.url.params), body


def body_of(case: Case) -> Any:  # noqa: ANN401 - it is what JSON is
    return example(case.answer) if isinstance(case.answer, str) else case.answer


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_every_request_fits_the_vendors_documents(
    case: Case, transport: Transport, clock: FakeClock, vendor: VendorDocuments
) -> None:
    client = make_client(transport, clock)
    body = body_of(case)
    with respx.mock(base_url=ENDPOINT) as router:
        router.route().respond(case.status, content=b"" if body is None else orjson.dumps(body))
        await case.act(client)
        sent = list(requests_of(router))
    assert sent
    for method, path, query, request_body in sent:
        assert vendor.request_faults(method, path, query, request_body) == []
        assert vendor.answer_faults(method, path, case.status, body) == [], "nor is it an answer"


async def test_the_search_for_a_region_fits_the_vendors_documents(
    transport: Transport, clock: FakeClock, vendor: VendorDocuments
) -> None:
    with respx.mock(base_url=DISCOVERY_URL) as router:
        router.route().respond(json=example("account-info"))
        await detect_region(transport, CREDENTIALS, clock=clock)
        sent = list(requests_of(router))
    assert [(method, path) for method, path, _, _ in sent] == [("GET", "/v2/account-info")]
    assert [vendor.request_faults(*each) for each in sent] == [[]]


async def test_no_method_is_left_out(transport: Transport, clock: FakeClock) -> None:
    resources = {
        name: each
        for name, each in vars(make_client(transport, clock)).items()
        if not name.startswith("_")
    }
    methods = {
        f"{name}.{method}"
        for name, resource in resources.items()
        for method, _ in inspect.getmembers(resource, inspect.ismethod)
        if not method.startswith("_")
    }
    assert methods == {case.method for case in CASES}


def test_a_request_that_does_not_fit_is_seen(vendor: VendorDocuments) -> None:
    contact = orjson.loads(encode_contact(ImportContact(email=EMAIL)))
    contact["matchIdentfier"] = contact.pop("matchIdentifier")
    assert vendor.request_faults("PUT", "/contacts/v3/import", {}, {"contacts": [contact]})
    assert vendor.request_faults("GET", "/contacts/v3", {"~modified": "gte::2026-01-02"}, None)
    assert vendor.request_faults("GET", "/v2/address-books", {"selct": "1000"}, None)


_instants = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)).map(  # noqa: DTZ001
    lambda instant: instant.replace(tzinfo=UTC)
)
_values = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.decimals(-1_000_000, 1_000_000, places=3),
    st.dates(),
    _instants,
)
_consents = st.builds(
    ConsentRecord,
    text=st.text(min_size=1, max_size=20).map(
        lambda text: text.encode("utf-8", "replace").decode()
    ),
    consented_at=_instants,
    url=st.just("https://a.example/form"),
    ip_address=st.ip_addresses().map(str),
    user_agent=st.just("Firefox"),
)
_changes = {
    "email": st.emails(),
    "mobile_number": st.none() | st.just("+447700900123"),
    "data_fields": st.none()
    | st.dictionaries(st.from_regex(r"[A-Z0-9_-]{1,20}", fullmatch=True), _values, max_size=6),
    "opt_in_type": st.sampled_from([None, "unknown", "single", "double", "verifiedDouble"]),
    "email_type": st.sampled_from([None, "html", "plainText"]),
    "lists": st.lists(st.integers(1, 2**31 - 1), max_size=100),
    "preferences": st.lists(st.tuples(st.integers(1, 2**31 - 1), st.booleans()), max_size=5),
    "consent_records": st.lists(_consents, max_size=5),
}
_statuses = st.one_of(
    st.fixed_dictionaries({"status": st.sampled_from([None, "unsubscribed", "suppressed"])}),
    st.fixed_dictionaries(
        {
            "status": st.just("subscribed"),
            "resubscribe": st.none()
            | st.builds(
                Resubscribe,
                no_challenge=st.booleans(),
                preferred_locale=st.sampled_from([None, "en-GB", "sv", "xx"]),
                redirect_url=st.sampled_from([None, "https://a.example/thanks"]),
            ),
        }
    ),
)


@settings(max_examples=60)
@given(
    change=st.fixed_dictionaries(_changes),
    status=_statuses,
    contact_id=st.none() | st.integers(1, 2**53),
)
def test_whatever_can_be_encoded_fits_the_vendors_documents(
    vendor: VendorDocuments,
    change: dict[str, Any],
    status: dict[str, Any],
    contact_id: int | None,
) -> None:
    match = "email" if contact_id is None else "contactId"
    contact = ImportContact(**change, **status, contact_id=contact_id, match_identifier=match)
    body = {"mergeOption": "overwrite", "contacts": [orjson.loads(encode_contact(contact))]}
    assert vendor.request_faults("PUT", "/contacts/v3/import", {}, body) == []
