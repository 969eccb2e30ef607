"""Insight data of contacts, as far as it holds visits to web sites: `insight-data-v3.json` [spec].

The collection is there in every account; other collections are not kept.
"""

import base64
import re
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from sandbox.answers import Refusal, json_answer, v3_refusal
from sandbox.calls import Call, Operation
from sandbox.clock import read_instant, text_of
from sandbox.state.visits import COLLECTION, Visit

MAX_LIMIT = 5000
FEATURE = "insight-data"

_SINCE = re.compile(r"gte::\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z")
_NAME = re.compile(r"[-A-Za-z_][-A-Za-z0-9_]{1,255}")


async def list_of_contacts(call: Call) -> Response:
    """Return the records of a collection over all contacts, oldest first."""
    _check_collection(call)
    return _page(call, None)


async def list_of_contact(call: Call) -> Response:
    """Return the records of a collection that belong to one contact."""
    _check_collection(call)
    identifier, value = call.path["identifier"], call.path["value"]
    contact = call.account.find(identifier, value)
    if contact is None:
        raise v3_refusal(
            404,
            "insightData:contactNotFound",
            "The following contacts could not be found",
            [(value, f"Not found using the identifier '{identifier}'")],
        )
    return _page(call, contact.id)


def _check_collection(call: Call) -> None:
    name = call.path["collectionName"]
    if not _NAME.fullmatch(name):
        text = f"The collectionName value '{name}' is invalid"
        raise v3_refusal(400, "insightData:invalidId", text)
    if name.lower() != COLLECTION.lower():
        text = "The collection could not be found"
        raise v3_refusal(404, "insightData:collectionNotFound", text, [(name, "Not found")])


def _page(call: Call, contact_id: int | None) -> Response:
    limit, after = _limit(call), _marker(call)
    found = call.account.visits.after(after, _since(call))
    meant = (each for each in found if contact_id in {None, each.contact_id})
    visits = list(islice(meant, limit + 1))
    links = {"self": _link(call, after), "first": _link(call, 0)}
    if len(visits) > limit:
        links["next"] = _link(call, visits[limit - 1].number)
    return json_answer({"_links": links, "_items": [_visit_json(each) for each in visits[:limit]]})


def _visit_json(visit: Visit) -> dict[str, Any]:
    at = text_of(visit.recorded_ms)
    return {
        "key": visit.key,
        "json": visit.contents,
        "created": at,
        "updated": at,
        "ownerContactId": visit.contact_id,
    }


def _invalid(value: str) -> Refusal:
    """Refuse a parameter; no code is documented, so it is that of the contacts [inferred]."""
    return v3_refusal(400, "insightData:invalidFilter", f"The filter value '{value}' is invalid")


def _limit(call: Call) -> int:
    text = call.parameter("limit")
    if text is None:
        return MAX_LIMIT
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= MAX_LIMIT:
        raise _invalid(text)
    return int(text)


def _since(call: Call) -> int | None:
    text = call.parameter("~modified")
    if text is None:
        return None
    try:
        if _SINCE.fullmatch(text):
            return read_instant(text.removeprefix("gte::"))
    except ValueError:
        pass
    raise _invalid(text)


def _marker(call: Call) -> int:
    """Return the number of the record after which the page begins."""
    text = call.parameter("marker")
    if not text:
        return 0
    try:
        return max(0, int(base64.b64decode(text, validate=True).decode().removeprefix("i1:")))
    except ValueError:
        raise _invalid(text) from None


def _link(call: Call, after: int) -> dict[str, str]:
    marker = base64.b64encode(f"i1:{after}".encode()).decode() if after else ""
    asked = [(key, text) for key, text in call.query.multi_items() if key.lower() != "marker"]
    if marker:
        asked.append(("marker", marker))
    query = urlencode(asked, quote_via=quote, safe="~:")
    link = f"{call.sandbox.hosts[call.account.region]}{call.request.url.path}"
    return {"marker": marker, "link": link + (f"?{query}" if query else "")}


_CONTACTS = "/insightData/v3/contacts"

OPERATIONS = (
    Operation("GET", f"{_CONTACTS}/{{collectionName}}", list_of_contacts, feature=FEATURE),
    Operation(
        "GET",
        f"{_CONTACTS}/{{identifier}}/{{value}}/{{collectionName}}",
        list_of_contact,
        feature=FEATURE,
    ),
)
