"""Takes a page of contacts into our tables: one transaction, a handful of statements.

What each contact comes to is decided in `contact_news`; who is to be written is decided once more
when they are held.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from app.clients.dotdigital import Contact
from app.db import PoolConnection
from app.services.contacts_let_go import let_go
from app.services.erasure import EmailHashes, erased_among
from app.sync.contacts.contact_news import asks_for_erasures, judge, needs_bearers
from app.sync.contacts.contact_work import LinkWrite, Plans, Standing, Work
from app.sync.contacts.page_batches import SQL
from app.sync.contacts.taking_plan import Row
from app.sync.engine import JobContext
from app.sync.people.address_opt_outs import keep_opted_out
from app.sync.people.imports import SQL as IMPORTS_SQL
from app.sync.rules.email_match import matched_by
from app.sync.turns import sparingly


class ContactPages:
    """Takes pages of contacts, all by the same plans."""

    def __init__(self, context: JobContext, plans: Plans) -> None:
        """Take what they are held against."""
        self._context = context
        self._plans = plans
        self._hashes = EmailHashes.of(context.settings)

    async def take(
        self, connection: PoolConnection, contacts: Sequence[Contact], snapshot: str
    ) -> list[Work]:
        """Write what these contacts come to; returns it all, what came to nothing too.

        ``snapshot``: what was committed when the page was asked for. Nothing is written in a dry
        run.
        """
        contacts = _once_each(contacts)
        works = await self._judged(connection, contacts, snapshot)
        busy = [work for work in works if not work.is_empty]
        if not busy or self._context.run.is_dry:
            return works
        await self._hold(connection, busy)
        held = {person_id for work in busy for person_id in _people_of(work)}
        numbers = {work.contact_id for work in busy}
        again = [contact for contact in contacts if contact.contact_id in numbers]
        settled = await self._judged(connection, again, snapshot)
        for work in settled:
            # Somebody got the address meanwhile: another time.
            if not held.issuperset(_people_of(work)):
                work.is_deferred = True
        await self._write(connection, [work for work in settled if not work.is_deferred])
        return [work for work in works if work.contact_id not in numbers] + settled

    async def _judged(
        self, connection: PoolConnection, contacts: Sequence[Contact], snapshot: str
    ) -> list[Work]:
        account_id = self._context.account_id
        ids = [contact.contact_id for contact in contacts]
        rows = await connection.fetch(SQL["holders"], account_id, ids, snapshot)
        holders = {row["asked_for"]: row for row in rows}
        asking = [each for each in contacts if needs_bearers(each, holders.get(each.contact_id))]
        emails = storable(each.email for each in asking)
        bearers: dict[str, list[Row]] = {}
        kept: dict[str, Row] = {}
        if emails:
            for row in await connection.fetch(SQL["bearers"], account_id, emails, snapshot):
                bearers.setdefault(row["asked_for"], []).append(row)
            rows = await connection.fetch(SQL["kept"], account_id, emails)
            kept = {row["asked_for"]: row for row in rows}
        erased = await erased_among(
            connection,
            storable(
                each.email
                for each in contacts
                if asks_for_erasures(each, holders.get(each.contact_id))
            ),
            self._hashes,
        )
        works = []
        async for contact in sparingly(self._context.clock, contacts):
            email = contact.email or ""
            standing = Standing(
                holder=holders.get(contact.contact_id),
                bearers=bearers.get(email, ()),
                kept=kept.get(email),
                is_erased=email in erased,
            )
            works.append(judge(contact, standing, self._plans))
        return works

    async def _hold(self, connection: PoolConnection, works: Sequence[Work]) -> None:
        """Hold everybody who is to be written, people before their links."""
        if any(work.new_person is not None for work in works):
            await connection.execute(SQL["making_people"])
        ids = sorted({person_id for work in works for person_id in _people_of(work)})
        await connection.fetch(SQL["hold_people"], ids)
        await connection.fetch(SQL["hold_links"], self._context.account_id, ids)

    async def _write(self, connection: PoolConnection, works: Sequence[Work]) -> None:
        await announce(self._context, connection)
        gone = [work.contact_id for work in works if work.unlinks]
        await unlink_gone(self._context, connection, gone)
        changes: dict[int, dict[str, Any]] = {}
        for work in works:
            for person_id, columns in work.people.items():
                changes.setdefault(person_id, {}).update(columns)
        await change_people(connection, changes)
        await self._make_people(connection, works)
        await self._write_links(connection, [work for work in works if work.link is not None])
        await self._write_addresses(connection, works)
        await self._write_conflicts(connection, works)
        await mark_due(
            self._context,
            connection,
            changed=changes,
            due=[work.person_id for work in works if work.is_due and work.person_id is not None],
        )

    async def _make_people(self, connection: PoolConnection, works: Sequence[Work]) -> None:
        makers = [work for work in works if work.new_person is not None]
        if not makers:
            return
        ids = await connection.fetchval(SQL["new_ids"], len(makers))
        for work, person_id in zip(makers, ids, strict=True):
            work.person_id = person_id
        await connection.execute(SQL["make_people"], ids, [work.new_person for work in makers])

    async def _write_links(self, connection: PoolConnection, works: Sequence[Work]) -> None:
        account_id, now = self._context.account_id, self._context.clock.now()
        new = [work for work in works if work.link is not None and work.link.is_new]
        known = [work for work in works if work.link is not None and not work.link.is_new]
        if new:
            ids = [work.person_id for work in new]
            await connection.execute(
                SQL["link_people"],
                account_id,
                ids,
                [work.contact_id for work in new],
                *_columns([work.link for work in new if work.link is not None]),
                now,
            )
            if await connection.fetchval(IMPORTS_SQL["any_waiting_members"], account_id):
                await connection.execute(IMPORTS_SQL["wake_members"], ids, now)
        if known:
            await connection.execute(
                SQL["update_links"],
                account_id,
                [work.person_id for work in known],
                *_columns([work.link for work in known if work.link is not None]),
            )

    async def _write_addresses(self, connection: PoolConnection, works: Sequence[Work]) -> None:
        account_id = self._context.account_id
        lifted = [
            (work.lifted_email, work.lifted_at) for work in works if work.lifted_email is not None
        ]
        if lifted:
            await connection.execute(
                SQL["lift"], account_id, [email for email, _ in lifted], [at for _, at in lifted]
            )
        freed = [work.freed_email for work in works if work.freed_email is not None]
        if freed:
            off = [
                (work.freed_email, work.freed_off_at)
                for work in works
                if work.freed_email is not None and work.freed_off_at is not None
            ]
            await keep_opted_out(self._context, connection, off, "old_address")
            await let_go(connection, [account_id], emails=freed)

    async def _write_conflicts(self, connection: PoolConnection, works: Sequence[Work]) -> None:
        found = [(work.person_id, each) for work in works for each in work.conflicts]
        if not found:
            return
        await connection.execute(
            SQL["record_conflicts"],
            self._context.account_id,
            [person_id for person_id, _ in found],
            [each.mapping_id for _, each in found],
            [each.name for _, each in found],
            [each.base for _, each in found],
            [each.ours for _, each in found],
            [each.theirs for _, each in found],
            [each.rule for _, each in found],
            [each.winner for _, each in found],
            self._context.clock.now(),
        )


async def unlink_gone(
    context: JobContext, connection: PoolConnection, contact_ids: Sequence[int]
) -> None:
    """Let go of contacts that are gone there; nobody whose contact it was is sent by that."""
    if not contact_ids:
        return
    gone = await connection.fetch(SQL["unlink_gone"], context.account_id, list(contact_ids))
    await let_go(
        connection,
        [context.account_id],
        emails=[row["email_key"] for row in gone],
        numbers=[row["mobile_sent"] for row in gone],
        apart_from=[row["person_id"] for row in gone],
    )


async def announce(context: JobContext, connection: PoolConnection) -> None:
    """Say that what this transaction writes of people came from the account, which knows it."""
    await connection.execute(
        "SELECT set_config('dotsync.origin_account', $1, true)", str(context.account_id)
    )


async def change_people(connection: PoolConnection, changes: dict[int, dict[str, Any]]) -> None:
    """Set these columns of these people, who are held."""
    if changes:
        await connection.execute(SQL["change_people"], list(changes), list(changes.values()))


async def mark_due(
    context: JobContext,
    connection: PoolConnection,
    *,
    changed: Iterable[int],
    due: Sequence[int],
) -> None:
    """Make people due for the account, and see that no send that began earlier settles the rest."""
    ids = list(changed)
    if ids:
        await connection.execute(SQL["mark_changed"], context.account_id, ids)
    if due:
        await connection.execute(SQL["make_due"], context.account_id, list(due))


def counts_of(works: Iterable[Work], counted: Collection[int] = ()) -> Counter[str]:
    """Return what these works add to a run's counts.

    ``counted``: people whose consent has been counted, though it was not written.
    """
    counts: Counter[str] = Counter()
    for work in works:
        counts["seen"] += 1
        if work.is_deferred:
            continue
        added = Counter(work.counts)
        for person_id in counted and work.people:
            if person_id in counted:
                added["opted_out"] -= work.people[person_id].get("no_email") is True
                added["undeliverable"] -= work.people[person_id].get("email_undeliverable") is True
        counts.update(+added)
        counts["conflicts"] += len(work.conflicts)
        counts["unchanged"] += not +added and not work.conflicts
    return counts


def _people_of(work: Work) -> set[int]:
    ids = set(work.people)
    if work.person_id is not None:
        ids.add(work.person_id)
    return ids


def _once_each(contacts: Sequence[Contact]) -> list[Contact]:
    """Leave out repeats: of the same contact the last reading, of the same email the first."""
    by_id = {contact.contact_id: contact for contact in contacts}
    emails: set[str] = set()
    once = []
    for contact in by_id.values():
        key = matched_by(contact.email) if contact.email else ""
        if key and key in emails:
            continue
        emails.add(key)
        once.append(contact)
    return once


def storable(emails: Iterable[str | None]) -> list[str]:
    """Return these emails once each, without those that Postgres couldn't be asked for."""
    return list({email for email in emails if email and "\x00" not in email and _is_text(email)})


def _is_text(email: str) -> bool:
    try:
        email.encode()
    except UnicodeEncodeError:
        return False
    return True


def _columns(links: Sequence[LinkWrite]) -> list[list[Any]]:
    return [
        [link.email for link in links],
        [link.mobile_sent for link in links],
        [link.account_status for link in links],
        [link.acknowledged for link in links],
        [link.last_read for link in links],
        [link.fingerprint for link in links],
        [link.state for link in links],
        [link.opt_in_asked for link in links],
    ]
