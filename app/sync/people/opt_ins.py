"""Opt-ins: Dotdigital is asked to mail somebody again who, as far as is known, wants it.

Dotdigital keeps when an address opted out only in its list of suppressions, so that is read first,
from the oldest opt-in on. A challenge is mailed to the contact, so one whose outcome is in doubt is
looked up before it is asked for again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from app.clients.dotdigital import (
    NotFound,
    Rejected,
    ResubscribeOutcome,
    ResubscribeResult,
    Suppression,
)
from app.sync.engine import JobContext
from app.sync.failures import record_people
from app.sync.people.people_page import Return
from app.sync.people.person_failures import PersonFailure
from app.sync.rules.email_match import matched_by
from app.sync.rules.mailability import (
    PENDING_OPT_IN,
    RESUBSCRIBING,
    SUBSCRIBED,
    SUPPRESSED,
    is_suppressed,
)
from app.sync.rules.opt_in_order import opted_out_since
from app.sync.runs import Superseded
from app.sync.statements import statements

SQL = statements("opt_ins")

#: Two clocks, and a bound whose inclusiveness isn't stated.
_OVERLAP = timedelta(minutes=10)


async def bring_back(context: JobContext, returns: Sequence[Return]) -> int:
    """Have these addresses mailed again; returns how many, so that their fields follow.

    A call for each, and one for each 1000 suppressions since the oldest opt-in. Whose opt-out there
    is newer than the opt-in here is opted out here instead.
    """
    # Of an address that is still to be told out, the order of the two calls would not be known.
    ready = [each for each in returns if each.contact_id or each.suppressed_at or each.in_doubt]
    if not ready:
        return 0
    newest = await _suppressions(context, ready)
    brought = 0
    for each in ready:
        found = newest.get(matched_by(each.email))
        if found is not None and opted_out_since(
            each.opted_in_at,
            found.date_removed,
            found.reason,
            each.suppressed_at,
            is_contact=each.contact_id is not None,
        ):
            await _follow_opt_out(context, each, found)
        elif await _is_intended(context, each):
            brought += await _ask(context, each)
        await context.run.save()
    return brought


async def tell_again(context: JobContext) -> None:
    """Make opt-outs due again that a late call may have undone; `send_opt_outs` tells them.

    A call that a replica was about to make when it stalled reaches Dotdigital whenever it wakes up.
    """
    async with context.run.fenced() as connection:
        count = await connection.fetchval(
            SQL["tell_again"], context.account_id, context.clock.now(), RESUBSCRIBING
        )
    if count:
        await context.run.note("opt_outs_told_again", people=count)


async def _suppressions(context: JobContext, returns: Sequence[Return]) -> dict[str, Suppression]:
    """Return the newest suppression of each of these addresses since the oldest opt-in."""
    since = min(each.opted_in_at for each in returns) - _OVERLAP
    sought = {matched_by(each.email) for each in returns}
    newest: dict[str, Suppression] = {}
    async for page in context.client.suppressions.suppressed_since(since):
        for each in page.items:
            key = matched_by(each.contact.email)
            if key not in sought:
                continue
            before = newest.get(key)
            if before is None or _is_newer(each, before):
                newest[key] = each
    return newest


def _is_newer(one: Suppression, other: Suppression) -> bool:
    """Compare by date; one without a date may be the newest."""
    if one.date_removed is None or other.date_removed is None:
        return other.date_removed is not None
    return one.date_removed > other.date_removed


async def _is_intended(context: JobContext, each: Return) -> bool:
    async with context.run.fenced() as connection:
        return bool(
            await connection.fetch(
                SQL["intend"],
                context.account_id,
                [each.person_id],
                [each.opted_in_at],
                RESUBSCRIBING,
                [each.email_key],
                context.clock.now(),
            )
        )


@dataclass(slots=True)
class _Answer:
    status: str
    lifted: bool
    failure: tuple[str, str] | None = None


async def _ask(context: JobContext, each: Return) -> bool:
    answer = await _known_already(context, each) if each.in_doubt else None
    if answer is None:
        answer = await _asked(context, each)
    try:
        await _note_answer(context, each, answer)
    except Superseded:
        # Another attempt goes on, and may have told of an opt-out before the call arrived.
        now = context.clock.now()
        await context.database.pool.execute(SQL["doubt"], context.account_id, each.person_id, now)
        raise
    context.run.counts["resubscribed" if answer.lifted else "failed"] += 1
    return answer.lifted


async def _note_answer(context: JobContext, each: Return, answer: _Answer) -> None:
    async with context.run.fenced() as connection:
        await connection.execute(
            SQL["answered"],
            context.account_id,
            each.person_id,
            answer.status,
            each.opted_in_at,
            context.clock.now(),
            each.in_doubt,
        )
        if answer.lifted:
            await connection.execute(
                SQL["lift"], context.account_id, each.email_key, each.opted_in_at
            )
        else:
            await connection.execute(
                SQL["still_out"], context.account_id, each.email_key, context.clock.now()
            )
        if answer.failure is not None:
            failure = PersonFailure(each.person_id, each.version, each.changed_at, *answer.failure)
            await record_people(context, connection, [failure])


async def _known_already(context: JobContext, each: Return) -> _Answer | None:
    """Return how an earlier question ended, where the contact shows it."""
    try:
        found = await context.client.contacts.get("email", each.email)
    except NotFound:
        return None
    status = found.email_status
    if status is None or is_suppressed(status):
        return None
    return _Answer(status, lifted=True)


async def _asked(context: JobContext, each: Return) -> _Answer:
    try:
        result = await _resubscribe(context, each.email)
    except Rejected as error:
        # Also of an address that is mailed already.
        known = await _known_already(context, each)
        return known or _Answer(
            SUPPRESSED, lifted=False, failure=(error.code or "refused", error.message)
        )
    match result.outcome:
        case ResubscribeOutcome.ADDED:
            return _Answer(SUBSCRIBED, lifted=True)
        case ResubscribeOutcome.CHALLENGED:
            return _Answer(PENDING_OPT_IN, lifted=True)
        case _:
            text = f"Dotdigital does not mail this address again: {result.outcome.value}."
            return _Answer(SUPPRESSED, lifted=False, failure=("resubscribe_refused", text))


async def _resubscribe(context: JobContext, email: str) -> ResubscribeResult:
    suppressions = context.client.suppressions
    if context.account_settings.resubscribe_mode == "no_challenge":
        return await suppressions.resubscribe_no_challenge(email)
    return await suppressions.resubscribe(email)


async def _follow_opt_out(context: JobContext, each: Return, found: Suppression) -> None:
    async with context.run.fenced() as connection:
        await connection.execute(
            "SELECT set_config('dotsync.origin_account', $1, true)", str(context.account_id)
        )
        opted_out_at = await connection.fetchval(
            SQL["follow_opt_out"],
            each.person_id,
            each.opted_in_at,
            found.date_removed or context.clock.now(),
            found.reason,
        )
        await connection.execute(
            SQL["found_off"],
            context.account_id,
            each.person_id,
            found.reason,
            each.opted_in_at,
            opted_out_at,
        )
