"""Finds likely mappings of one account: what people have, what Dotdigital has, what is mapped."""

from typing import Any

from app.clients.dotdigital import DotdigitalClient, NotPermitted
from app.db import Database
from app.services.account_calls import ask
from app.services.custom_values import seen_paths
from app.services.dotdigital import DotdigitalConnector
from app.services.mapping_kinds import KINDS
from app.services.mapping_kinds.kind import Offered, Suggestion
from app.services.mapping_suggestions import suggest
from app.services.mappings import mapped_targets
from app.services.person_fields import FIELDS


async def suggestions_for(
    database: Database, connector: DotdigitalConnector, account_id: int
) -> list[Suggestion]:
    """Return likely pairs that have no mapping yet, the surest first. A call for each kind.

    Raises NotFound, and a `Problem` for what Dotdigital says no to.
    """
    targets = await ask(database, connector, account_id, _targets)
    async with database.reading() as session:
        mapped = await mapped_targets(session, account_id)
        seen = await seen_paths(session)
    offered = [
        *(Offered(field.name, field.type) for field in FIELDS.values()),
        *(Offered(each.path, each.type) for each in seen),
    ]
    return suggest(offered, targets, mapped)


async def _targets(client: DotdigitalClient) -> dict[str, Any]:
    """Return what can be mapped to, by the kind's word."""
    found = {}
    for word, kind in KINDS.items():
        try:
            found[word] = await kind.targets(client)
        except NotPermitted:
            # Where the account's package lacks it, there is none to suggest.
            if not kind.is_extra:
                raise
    return found
