"""What a run of send_people would do, and what it will take."""

from app.clients.dotdigital import ADD_CALLS_A_MINUTE
from app.sync.engine import JobContext
from app.sync.people.due_people import count_due, counts_of, due_people, load_plan
from app.sync.people.people_page import Claims, sort_page
from app.sync.people.person_standing import policy_of
from app.sync.people.rehearsed import Rehearsed
from app.sync.rules.call_estimate import estimate
from app.sync.statements import statements

SQL = statements("send_people")


async def say_what_it_takes(context: JobContext) -> None:
    """Note in the timeline of a full run, or of a rehearsal, the calls and minutes to expect."""
    if context.run.mode == "changes":
        return
    allowed = await context.database.pool.fetchval(
        SQL["calls_a_minute"], str(context.account.dotdigital_account_id), "PUT /contacts/v3/import"
    )
    people, size = context.run.total or 0, context.account_settings.batch_size
    expected = estimate(people, size, allowed or ADD_CALLS_A_MINUTE)
    await context.run.note(
        "expected", people=people, calls=expected.calls, minutes=expected.minutes
    )


async def rehearse(context: JobContext) -> None:
    """Say what a run would do, and for whom; changes nothing on either side, and makes no call."""
    run = context.run
    run.total = await count_due(context)
    await say_what_it_takes(context)
    plan, _ = await load_plan(context)
    policy, claims = policy_of(context.account_settings), Claims()
    rehearsed = Rehearsed()
    after_id = 0
    while rows := await due_people(context, after_id):
        after_id = rows[-1]["person_id"]
        page = sort_page(rows, plan, policy, claims, resend=True)
        rehearsed.take(page)
        run.counts.update(counts_of(page), considered=len(rows))
        created = sum(entry.contact_id is None for entry in page.records)
        run.counts.update(created=created, updated=len(page.records) - created + len(page.fills))
        run.counts.update(
            deleted=sum(each.heir is None for each in page.departing),
            resubscribed=len(page.returning),
            suppressed=len(page.opting_out) + len(page.unknown_opted_out),
        )
        run.done += len(rows)
        await run.save()
    await rehearsed.note(run)
