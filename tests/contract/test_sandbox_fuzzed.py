"""Throws odd input at every operation of the sandbox: each answer is still one of Dotdigital's."""

import random
from pathlib import Path
from urllib.parse import quote

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.app import OPERATIONS
from sandbox.calls import Operation
from tests.contract.sandbox_calls import UNKNOWN_GUID, Json, beginning_walk
from tests.contract.sandbox_walk import walk_inside
from tests.contract.vendor_documents import VendorDocuments

NAMES = (
    "addressBookIds",
    "campaignId",
    "categoryId",
    "channelProperties",
    "consentFields",
    "consentRecords",
    "contact",
    "contactId",
    "contactIds",
    "contacts",
    "data",
    "dataFields",
    "dateTimeConsented",
    "defaultValue",
    "Email",
    "email",
    "emailType",
    "fields",
    "fileName",
    "FIRSTNAME",
    "fromName",
    "htmlContent",
    "Id",
    "id",
    "identifiers",
    "ipAddress",
    "IsOptedIn",
    "isOptedIn",
    "isPreference",
    "key",
    "lists",
    "matchIdentifier",
    "mergeOption",
    "mobileNumber",
    "mobileNumberId",
    "name",
    "optInType",
    "order",
    "plainTextContent",
    "preferences",
    "privateName",
    "publicName",
    "replyAction",
    "resubscribeOptions",
    "SEATS",
    "sendDate",
    "sms",
    "status",
    "subject",
    "text",
    "type",
    "unsubscribedContact",
    "url",
    "userAgent",
    "value",
    "visibility",
    "withFullData",
)
TEXTS = (
    "",
    "1",
    "ann@b.example",
    "ANN@B.EXAMPLE",
    "contactId",
    "email",
    "Html",
    "mobileNumber",
    "+447700900123",
    "overwrite",
    "Preference:Topics>Events",
    "subscribed",
    "top",
    "RW1haWwKYW5uQGIuZXhhbXBsZQ==",
    "2026-01-02T03:04:05Z",
    UNKNOWN_GUID,
    "x" * 300,
)
#: What stands in a path's parameters.
PLACES = (
    *TEXTS[1:8],
    TEXTS[14],
    "5501",
    "77",
    "webInsight",
    "9001",
    "61",
    "10000001",
    "0",
    "-1",
    "99999999999",
    "%",
    "a b",
    "é@b.example",
)

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, 61, 5501, 9001, 10_000_001, -1, 2**31, 2**62, 0.5]),
    st.sampled_from(TEXTS),
    st.text(max_size=5),
)
bodies = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
    max_leaves=12,
)
queries = st.dictionaries(
    st.sampled_from(
        (
            "select",
            "Skip",
            "withFullData",
            "minContactId",
            "assignedToAddressBookOnly",
            "startDate",
            "endDate",
            "~statuses",
            "~sentDate",
            "limit",
            "marker",
            "include",
            "data-fields",
            "~modified",
            "~created",
            "~listId",
            "~segmentId",
            "merge-option",
        )
    ),
    st.sampled_from((*TEXTS[:4], "0", "5000", "-1", "lists|x", "gte::2026-01-02T03:04:05Z")),
    max_size=2,
)


@pytest.fixture(scope="session")
def vendor(shared_dir: Path) -> VendorDocuments:
    return VendorDocuments(shared_dir)


def _path(operation: Operation, places: list[str]) -> str:
    left = iter(places)
    parts = operation.template.strip("/").split("/")
    return "/" + "/".join(
        quote(next(left), safe="") if part.startswith("{") else part for part in parts
    )


#: What takes the place of one value in a body that is right; `GONE` takes it out.
GONE = object()
ODD: tuple[Json, ...] = (
    GONE,
    None,
    "",
    0,
    -1,
    2**40,
    0.5,
    True,
    [],
    {},
    "x" * 300,
    "\x00",
    ["x"],
    {"x": 1},
)


def _places_in(body: Json, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path to everything within a body."""
    inner = body.items() if isinstance(body, dict) else enumerate(body)
    found = []
    for step, value in inner:
        found.append((*path, step))
        if isinstance(value, dict | list):
            found += _places_in(value, (*path, step))
    return found


def _spoilt(body: Json, path: tuple[str | int, ...], odd: Json) -> Json:
    """Return a copy of a body with something odd in one place."""
    spoilt = orjson.loads(orjson.dumps(body))
    holder = spoilt
    for step in path[:-1]:
        holder = holder[step]
    if odd is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = odd
    return spoilt


async def test_a_body_with_one_odd_value_gets_an_answer_of_dotdigitals(
    vendor: VendorDocuments,
) -> None:
    drawn = random.Random(20260302)
    async with beginning_walk() as go:
        await walk_inside(go)
        sent = [
            call
            for call in go.sandbox.calls.recent
            if call.status < 400 and (call.body or b"")[:1] in {b"{", b"["}
        ]
        faults = []
        for _ in range(200):
            call = drawn.choice(sent)
            body = orjson.loads(call.body or b"")
            if not (places := _places_in(body)):
                continue
            spoilt = _spoilt(body, drawn.choice(places), drawn.choice(ODD))
            answer = await go.call(call.method, call.path, spoilt)
            found = vendor.answer_faults(answer.method, answer.path, answer.status, answer.body)
            faults += [f"{answer.method} {answer.path} {spoilt}: {fault}" for fault in found]
        assert not faults, "\n".join(faults)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    operations=st.lists(
        st.tuples(
            st.sampled_from(OPERATIONS),
            st.lists(st.sampled_from(PLACES), min_size=3, max_size=3),
            queries,
            bodies,
        ),
        min_size=1,
        max_size=4,
    )
)
async def test_any_input_gets_an_answer_of_dotdigitals(
    vendor: VendorDocuments, operations: list[tuple[Operation, list[str], dict[str, str], Json]]
) -> None:
    async with beginning_walk() as go:
        go.control.add_contacts([{"identifiers": {"email": "ann@b.example"}}])
        go.control.add_list("News")
        go.control.add_preference("Topics > Events")
        campaign = go.control.campaigns.add()
        go.control.campaigns.send(campaign.id, opens=1, clicks=1, page_views=1)
        go.control.forms.add()
        go.control.documents.add()
        for operation, places, query, body in operations:
            options: Json = {"params": query}
            if operation.method in {"POST", "PUT", "PATCH"}:
                options |= {
                    "content": orjson.dumps(body),
                    "headers": {"Content-Type": "application/json"},
                }
            answer = await go.call(operation.method, _path(operation, places), **options)
            assert (
                vendor.answer_faults(answer.method, answer.path, answer.status, answer.body) == []
            )
