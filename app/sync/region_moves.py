"""An account that lives on another host than it did: found again, without anybody's help."""

import structlog

from app.db import Database
from app.errors import Problem
from app.models import Account
from app.services.dotdigital import DotdigitalConnector

log = structlog.get_logger(__name__)


async def follow_move(database: Database, connector: DotdigitalConnector, account: Account) -> bool:
    """Ask where the account lives and keep it; says whether that is somewhere else. One call.

    The same host again means that the refusal was about something else.
    """
    try:
        info = await connector.detect(
            account.username, connector.password_of(account), account.region_url
        )
    except Problem:
        return False
    same_account = info.id == account.dotdigital_account_id
    if info.endpoint == account.endpoint or not same_account:
        return False
    await database.pool.execute(
        "UPDATE accounts SET endpoint = $2, region = $3 WHERE id = $1",
        account.id,
        info.endpoint,
        info.region,
    )
    log.info("account_moved", account_id=account.id, region=info.region)
    return True
