"""What a caller wants mapped, checked against our side and Dotdigital's, and found there.

All of it goes before the transaction that stores the mapping: Dotdigital is called in here. What
depends on the mapping's kind is in `mapping_kinds`.
"""

from typing import Any

from app.db import Database
from app.errors import Conflict, Invalid
from app.models import Account, Mapping
from app.services.account_calls import ask
from app.services.custom_values import seen_paths, values_at
from app.services.dotdigital import DotdigitalConnector
from app.services.likely_paths import likely_meant
from app.services.mapping_kinds import KINDS
from app.services.mapping_kinds.kind import Kind, Target
from app.services.mapping_kinds.proposal import Proposal
from app.services.mapping_targets import DataFieldType
from app.services.mappings import check_direction, refuse_overlap
from app.services.person_fields import FieldPathError, parse_path


async def examine(
    database: Database,
    wanted: Mapping,
    data_field_type: DataFieldType | None = None,
    *,
    unseen: bool = False,
) -> Proposal:
    """Check what can be checked without Dotdigital. ``wanted`` belongs to no session.

    ``unseen``: a path that nobody has is meant, though it is much like one that somebody has.
    Raises Invalid for a path that is none, or that can't be written where it should be, and for an
    account that isn't there; Conflict for a mapping that stands in the way.
    """
    try:
        path = parse_path(wanted.person_field)
    except FieldPathError as error:
        raise Invalid.at("/body/person_field", str(error)) from error
    check_direction(path, wanted.direction)
    kind = _kind_of(wanted)
    if data_field_type is not None and not kind.has_type:
        raise Invalid.at("/body/data_field_type", f"A {kind.noun} has no type: leave it out.")
    async with database.reading() as session:
        if await session.get(Account, wanted.account_id) is None:
            raise Invalid.at("/body/account_id", f"There is no account {wanted.account_id}.")
        await refuse_overlap(session, wanted)
        seen = await values_at(session, path) if path.is_custom else []
        meant = None
        if path.is_custom and not seen and not unseen:
            paths = [each.path for each in await seen_paths(session)]
            meant = likely_meant(path.text, paths)
    return Proposal(wanted, path, seen, data_field_type, meant)


def keep_target(proposal: Proposal) -> None:
    """Raise Invalid where the target that the mapping has can't hold its person field."""
    _kind_of(proposal.wanted).check(proposal)


async def find_target(
    database: Database,
    connector: DotdigitalConnector,
    proposal: Proposal,
    *,
    create_missing: bool,
) -> Target:
    """Return what Dotdigital has at the other end; one call, two more to make it.

    Raises UnknownTarget, Invalid where it can't hold the person field, Conflict where the account
    takes no further data field, and whatever else Dotdigital says no to.
    """
    kind = _kind_of(proposal.wanted)
    return await ask(
        database,
        connector,
        proposal.wanted.account_id,
        lambda client: kind.find(client, proposal, create_missing=create_missing),
    )


def _kind_of(wanted: Mapping) -> Kind[Any]:
    kind = KINDS.get(wanted.kind)
    if kind is None:
        raise Conflict(
            f"This version of the service knows no mappings of kind {wanted.kind!r}: delete the "
            "mapping, or change it by the version that made it."
        )
    return kind
