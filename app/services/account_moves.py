"""An account of ours that is to stand for another Dotdigital account than so far."""

from sqlmodel import col, select

from app.db import WriteSession, raw_connection
from app.errors import Conflict
from app.models import Account, Mapping
from app.services.account_survey import Survey

#: What would mean something else, or nothing, in another Dotdigital account.
_TIES = """
SELECT
    (SELECT count(*) FROM contact_links WHERE account_id = $1 AND contact_id IS NOT NULL)
        AS "linked people",
    (SELECT count(*) FROM import_records WHERE account_id = $1) AS "people in flight",
    (SELECT count(*) FROM lists WHERE account_id = $1 AND dotdigital_list_id IS NOT NULL)
        AS "bound lists",
    (SELECT count(*) FROM mailshots WHERE account_id = $1) AS mailshots,
    (SELECT count(*) FROM mappings WHERE account_id = $1 AND preference_id IS NOT NULL)
        AS "preference mappings",
    (SELECT count(*) FROM runs WHERE account_id = $1 AND status IN ('queued', 'running'))
        AS "active runs"
"""
#: Why nobody was linked so far, how far the other account was read, what came without a mailshot,
#: and what that account was told.
_FORGET = (
    "DELETE FROM contact_links WHERE account_id = $1",
    "DELETE FROM watermarks WHERE account_id = $1",
    "DELETE FROM failures WHERE account_id = $1",
    "DELETE FROM online_activities WHERE account_id = $1",
    "DELETE FROM activity_rematches WHERE account_id = $1",
    "DELETE FROM activity_matching WHERE account_id = $1",
    "DELETE FROM consents_told WHERE account_id = $1",
    """
    UPDATE address_opt_outs SET confirmed_at = NULL, refusal = NULL, dotdigital_import_id = NULL
    WHERE account_id = $1
    """,
    """
    INSERT INTO person_changes AS due (account_id, person_id, version, reason)
    SELECT $1, id, version, 'new_account' FROM people WHERE deleted_at IS NULL ORDER BY id
    ON CONFLICT (account_id, person_id) DO UPDATE
        SET changed_at = clock_timestamp(), attempts = 0, next_attempt_at = '-infinity'
    """,
)


async def start_over(session: WriteSession, found: Account, survey: Survey) -> None:
    """Forget the first Dotdigital account, and make everyone due as for a new account.

    Raises Conflict where anything ties the account to the first one, or a mapping has no data field
    of its type in the other.
    """
    connection = await raw_connection(session)
    ties = await connection.fetchrow(_TIES, found.id)
    tied = {name: number for name, number in ties.items() if number}
    if tied:
        counted = ", ".join(f"{number} {name}" for name, number in tied.items())
        raise Conflict(
            f"These credentials belong to Dotdigital account {survey.info.id}, and this account "
            f"stands for {found.dotdigital_account_id}, with {counted}. Make a new account for "
            "them.",
            extensions={
                "dotdigital_account_id": found.dotdigital_account_id,
                "other_dotdigital_account_id": survey.info.id,
            },
        )
    await _refuse_lost_targets(session, found, survey)
    for statement in _FORGET:
        await connection.execute(statement, found.id)


async def _refuse_lost_targets(session: WriteSession, found: Account, survey: Survey) -> None:
    there = {(field.name.lower(), field.type) for field in survey.data_fields}
    mappings = await session.execute(select(Mapping).where(col(Mapping.account_id) == found.id))
    lost = [
        mapping.dotdigital_field
        for mapping in mappings.scalars()
        if (mapping.dotdigital_field.lower(), mapping.data_field_type) not in there
    ]
    if lost:
        raise Conflict(
            f"Dotdigital account {survey.info.id} lacks data fields that are mapped: "
            f"{', '.join(lost)}. Make them there first, or delete the mappings.",
            extensions={"dotdigital_fields": lost},
        )
