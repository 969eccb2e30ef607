"""Who an account is and where it lives, as account-info tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from app.clients.dotdigital import inferred
from app.clients.dotdigital.errors import ProtocolError


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """One Dotdigital account; v2-account.yaml [spec]."""

    #: Two connections with the same id share one account, and one set of limits.
    id: int
    name: str
    main_email: str
    #: Scheme and host, without a path.
    endpoint: str
    #: ``r1``, ``r2`` or ``r3``; None where the host's name doesn't tell.
    region: str | None
    #: Both mean something under the old flat scheme alone [inferred].
    calls_in_last_hour: int | None
    calls_remaining: int | None
    #: Every property as given, by its name as given; values are text.
    properties: Mapping[str, str]


def account_info_from(body: bytes, asked: str) -> AccountInfo:
    """Read an answer of account-info; ``asked`` is the endpoint that gave it.

    That one is the account's own where the answer names none. Raises ProtocolError where it isn't
    such an answer.
    """
    try:
        given = {key.lower(): value for key, value in orjson.loads(body).items()}
        account_id = int(given["id"])
        properties = dict(map(_property, given.get("properties") or ()))
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError):
        raise ProtocolError("the answer is not an account's") from None
    by_name = {name.lower(): value for name, value in properties.items()}
    endpoint = inferred.modern_endpoint(by_name.get("apiendpoint", "")) or asked
    return AccountInfo(
        id=account_id,
        name=by_name.get("name", ""),
        main_email=by_name.get("mainemail", ""),
        endpoint=endpoint,
        region=region_of(endpoint),
        calls_in_last_hour=_whole(by_name.get("apicallsinlasthour")),
        calls_remaining=_whole(by_name.get("apicallsremaining")),
        properties=properties,
    )


def region_of(endpoint: str) -> str | None:
    """Return the region that an endpoint's host tells, if it does."""
    try:
        return inferred.region_of(urlsplit(endpoint).hostname or "")
    except ValueError:
        return None


def _property(given: Mapping[str, Any]) -> tuple[str, str]:
    read = {key.lower(): value for key, value in given.items()}
    value = read.get("value")
    return str(read["name"]), "" if value is None else str(value)


def _whole(text: str | None) -> int | None:
    try:
        return int(text or "")
    except ValueError:
        return None
