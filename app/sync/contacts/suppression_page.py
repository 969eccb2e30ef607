"""Suppressions of Dotdigital taken into our tables, a page at a time.

What each of them means for a person is decided in `rules.consent_news`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.clients.dotdigital import Suppression
from app.db import PoolConnection
from app.sync.contacts.contact_page import announce, change_people, mark_due, storable
from app.sync.contacts.contact_work import consent_of, off_at_of
from app.sync.contacts.field_news import later
from app.sync.contacts.page_batches import SQL
from app.sync.contacts.taking_plan import Row
from app.sync.engine import JobContext
from app.sync.rules.consent_news import (
    OptOutNews,
    SuppressionThere,
    is_own,
    news_of,
)
from app.sync.rules.mailability import RESUBSCRIBING, awaits_opt_in, is_suppressed


@dataclass(slots=True)
class SuppressionNews:
    """What a page comes to."""

    people: dict[int, dict[str, Any]] = field(default_factory=dict)
    #: Account status and since when, by the linked person; a status of None is let stand.
    links: dict[int, tuple[str, datetime | None]] = field(default_factory=dict)
    due: set[int] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    #: When those happened that may be older than what is known here: left for another time.
    held: list[datetime | None] = field(default_factory=list)

    def concerns(self) -> list[int]:
        """Return whom it writes."""
        return sorted({*self.people, *self.links, *self.due})


async def take_suppressions(
    context: JobContext,
    connection: PoolConnection,
    page: Sequence[Suppression],
    snapshot: str,
    now: datetime,
) -> SuppressionNews:
    """Write what these suppressions come to; return it. ``now``: by Dotdigital's clock."""
    news = await _news(context, connection, page, snapshot, now)
    if context.run.is_dry or not news.concerns():
        return news
    ids = news.concerns()
    await connection.fetch(SQL["hold_people"], ids)
    await connection.fetch(SQL["hold_links"], context.account_id, ids)
    news = await _news(context, connection, page, snapshot, now)
    await announce(context, connection)
    await change_people(connection, news.people)
    await connection.execute(
        SQL["note_status"],
        context.account_id,
        list(news.links),
        [status for status, _ in news.links.values()],
        [None if at is None else at.isoformat() for _, at in news.links.values()],
    )
    await mark_due(context, connection, changed=news.people, due=sorted(news.due))
    return news


async def _news(
    context: JobContext,
    connection: PoolConnection,
    page: Sequence[Suppression],
    snapshot: str,
    now: datetime,
) -> SuppressionNews:
    account_id = context.account_id
    ids = [each.contact.id for each in page if each.contact.id]
    holders = {
        row["asked_for"]: row
        for row in await connection.fetch(SQL["holders"], account_id, ids, snapshot)
    }
    emails = storable(each.contact.email for each in page)
    bearers: dict[str, list[Row]] = {}
    for row in await connection.fetch(SQL["bearers"], account_id, emails, snapshot):
        if row["gone_at"] is None:
            bearers.setdefault(row["asked_for"], []).append(row)
    kept = {
        row["asked_for"]: row for row in await connection.fetch(SQL["kept"], account_id, emails)
    }
    news = SuppressionNews()
    # The latest last, so that it stands; one without a date may be the latest.
    for each in sorted(
        page, key=lambda each: (each.date_removed is None, each.date_removed or now)
    ):
        holder = holders.get(each.contact.id or 0)
        _take(
            news,
            each,
            holder,
            bearers.get(each.contact.email, ()),
            kept.get(each.contact.email),
            now,
        )
    return news


def _take(
    news: SuppressionNews,
    each: Suppression,
    holder: Row | None,
    bearers: Sequence[Row],
    kept: Row | None,
    now: datetime,
) -> None:
    if holder is None and each.contact.id is None:
        # Then it is the contact of whoever has the address.
        holder = next((row for row in bearers if row["linked_to"] is not None), None)
    if holder is not None and not holder["is_settled"]:
        news.held.append(each.date_removed)
        return
    suppressed_at = None
    if holder is not None:
        suppressed_at = holder["suppressed_at"]
    elif kept is not None:
        suppressed_at = kept["confirmed_at"]
    there = SuppressionThere(
        each.reason, each.date_removed, suppressed_at, is_contact=holder is not None
    )
    people = {row["person_id"]: row for row in bearers}
    if holder is not None:
        people[holder["person_id"]] = holder
    opted_in_since = _judge_people(news, there, list(people.values()), now)
    if holder is not None:
        _judge_link(news, there, holder, opted_in_since=opted_in_since)


def _judge_people(
    news: SuppressionNews, there: SuppressionThere, people: Sequence[Row], now: datetime
) -> bool:
    """Note what it means for everybody who has the address; says whether one opted in since."""
    opted_in_since = False
    for row in people:
        person_id = row["person_id"]
        changes = news.people.get(person_id, {})
        match news_of(there, consent_of({**row, **changes})):
            case OptOutNews.OPTED_OUT:
                at = later(there.removed_at or now, row["opted_in_at"])
                changes |= {"no_email": True, "opted_out_at": at, "opt_out_reason": there.reason}
                news.counts["opted_out"] += 1
            case OptOutNews.UNDELIVERABLE:
                changes |= {"email_undeliverable": True}
                news.counts["undeliverable"] += 1
            case OptOutNews.OLDER:
                opted_in_since = True
            case OptOutNews.NONE:
                pass
        if changes:
            news.people[person_id] = changes
    return opted_in_since


def _judge_link(
    news: SuppressionNews, there: SuppressionThere, holder: Row, *, opted_in_since: bool
) -> None:
    person_id, known = holder["person_id"], holder["account_status"]
    known = news.links.get(person_id, (known, None))[0]
    if not is_suppressed(there.reason) or is_own(there):
        return
    was_asked = awaits_opt_in(known) or known == RESUBSCRIBING
    out = news.people.get(person_id, {})
    if was_asked and not out.get("no_email"):
        return
    status = known if is_suppressed(known) and not out.get("no_email") else there.reason
    off_at = later(off_at_of(holder), later(there.removed_at, out.get("opted_out_at")))
    if status != known or off_at != off_at_of(holder):
        news.links[person_id] = (status or there.reason, off_at)
    if opted_in_since:
        # It is for the send job to ask for the contact back.
        news.due.add(person_id)
