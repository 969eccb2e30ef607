"""Insight data of contacts, where site visits lie; insight-data-v3.json [spec].

The visits that the account's site tracking saw are the collection ``webInsight`` [doc]. What stands
in its records isn't documented: they are handed on as they come.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.clients.dotdigital.calls import Call, Caller
from app.clients.dotdigital.paging import by_marker
from app.clients.dotdigital.wire import dated, id_of, in_query, next_marker, reading

#: Records in one page, at most [spec].
MAX_RECORDS: Final = 5000
#: The collection of site visits [doc].
WEB_INSIGHT: Final = "webInsight"


@dataclass(slots=True)
class InsightRecord:
    """One record of a collection that belongs to contacts."""

    #: Unique in the collection.
    key: str
    contact_id: int | None
    created_at: datetime | None
    #: Each text is a date as it was given: beside a None it is one that can't be read.
    created_at_text: str | None
    updated_at: datetime | None
    updated_at_text: str | None
    #: As given.
    contents: Mapping[str, Any]


@dataclass(slots=True)
class InsightPage:
    """Up to 5000 records, ascending [spec]; by what isn't stated."""

    items: list[InsightRecord]
    #: Where to go on from, after a stop; None at the end.
    next_marker: str | None


class InsightDataResource:
    """Reads what the account knows of its contacts beside their fields."""

    def __init__(self, caller: Caller) -> None:
        """Take what makes the calls."""
        self._caller = caller

    def contact_records(
        self,
        collection: str = WEB_INSIGHT,
        *,
        modified_since: datetime | None = None,
        limit: int = MAX_RECORDS,
        marker: str | None = None,
    ) -> AsyncIterator[InsightPage]:
        """Yield pages of a collection over all contacts, from the start or from a marker on.

        A call each; the bound is inclusive and means seconds. Raises NotFound where the account
        has no such collection, NotPermitted where its package lacks insight data, ValueError for a
        page of more than 5000.
        """
        if not 1 <= limit <= MAX_RECORDS:
            raise ValueError(f"a page has 1 to {MAX_RECORDS} records, not {limit}")
        query: dict[str, str | int | None] = {
            "~modified": None if modified_since is None else f"gte::{in_query(modified_since)}",
            "limit": limit,
        }

        async def fetch(marker: str | None) -> InsightPage:
            return await self._caller.send(
                Call(
                    "GET",
                    "/insightData/v3/contacts/{collectionName}",
                    read=reading(_page),
                    path={"collectionName": collection},
                    query={**query, "marker": marker},
                )
            )

        return by_marker(fetch, marker)


def _page(given: Mapping[str, Any]) -> InsightPage:
    return InsightPage([_record(row) for row in given["_items"]], next_marker(given))


def _record(row: Mapping[str, Any]) -> InsightRecord:
    created_at, created_at_text = dated(row.get("created"))
    updated_at, updated_at_text = dated(row.get("updated"))
    return InsightRecord(
        key=str(row["key"]),
        contact_id=id_of(row.get("ownerContactId")),
        created_at=created_at,
        created_at_text=created_at_text,
        updated_at=updated_at,
        updated_at_text=updated_at_text,
        contents=row.get("json") or {},
    )
