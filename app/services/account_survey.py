"""Looks at a Dotdigital account: who it is, where it lives, and what is used of it.

No session is held here: Dotdigital may take its time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.clients.dotdigital import AccountInfo, DataField, DotdigitalError
from app.models import Account
from app.services.dotdigital import DotdigitalConnector, problem_of
from app.services.mapping_targets import count_by_type


@dataclass(frozen=True, slots=True)
class Survey:
    """What an API user's account is at one moment."""

    info: AccountInfo
    #: Scheme and host where the account lives.
    endpoint: str
    data_fields: Sequence[DataField]
    lists_used: int

    def usage(self) -> dict[str, Any]:
        """Return what the account row keeps of it."""
        return {
            "calls_last_hour": self.info.calls_in_last_hour,
            "calls_left": self.info.calls_remaining,
            "lists_used": self.lists_used,
            "fields_used": count_by_type(self.data_fields),
        }


async def survey(
    connector: DotdigitalConnector, username: str, password: str, region_url: str | None = None
) -> Survey:
    """Ask Dotdigital who this API user is, which data fields there are, and count the lists.

    The region first, one call; the rest at the account's own endpoint, one call for the data fields
    and one for each thousand lists.

    Raises BadCredentials, HostNotAllowed (nothing was sent to that host), DotdigitalUnreachable and
    Invalid where the API user lacks a permission, each a `Problem` ready to be shown.
    """
    info = await connector.detect(username, password, region_url)
    endpoint = info.endpoint or ""
    client = connector.client_for_caller(
        # Not stored yet, or not as it will be: what a client is made from, and no more.
        Account(
            name="",
            username=username,
            password_encrypted=connector.encrypt(password),
            endpoint=endpoint,
            dotdigital_account_id=info.id,
        )
    )
    try:
        data_fields = await client.data_fields.all()
        lists_used = len(await client.lists.all())
    except DotdigitalError as error:
        raise problem_of(error) from error
    return Survey(info, endpoint, data_fields, lists_used)
