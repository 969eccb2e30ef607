"""Finds likely mappings of one account: what people have, what Dotdigital has, what is mapped."""

from app.clients.dotdigital import DotdigitalClient, NotPermitted
from app.db import Database
from app.services.account_calls import ask
from app.services.custom_values import seen_paths
from app.services.dotdigital import DotdigitalConnector
from app.services.mapping_proposals import preferences_there
from app.services.mapping_suggestions import Offered, Suggestion, suggest
from app.services.mapping_targets import DataFieldThere, PreferenceThere
from app.services.mappings import mapped_targets
from app.services.person_fields import FIELDS


async def suggestions_for(
    database: Database, connector: DotdigitalConnector, account_id: int
) -> list[Suggestion]:
    """Return likely pairs that have no mapping yet, the surest first. Two calls.

    Raises NotFound, and a `Problem` for what Dotdigital says no to.
    """
    data_fields, preferences = await ask(database, connector, account_id, _there)
    async with database.reading() as session:
        mapped = await mapped_targets(session, account_id)
        seen = await seen_paths(session)
    offered = [
        *(Offered(field.name, field.type) for field in FIELDS.values()),
        *(Offered(each.path, each.type) for each in seen),
    ]
    return suggest(offered, data_fields, preferences, mapped)


async def _there(
    client: DotdigitalClient,
) -> tuple[list[DataFieldThere], list[PreferenceThere]]:
    data_fields = await client.data_fields.all()
    try:
        tree = await client.preferences.tree()
    except NotPermitted:
        # The account's package lacks preferences, and so there are none to suggest.
        tree = []
    return [*data_fields], preferences_there(tree)
