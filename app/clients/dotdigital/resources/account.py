"""The account itself; v2-account.yaml [spec]."""

from datetime import datetime

import orjson

from app.clients.dotdigital.calls import Call, Caller, account_info
from app.clients.dotdigital.endpoints import AccountInfo
from app.clients.dotdigital.errors import ProtocolError
from app.clients.dotdigital.transport import Answer
from app.clients.dotdigital.wire import parse_instant


class AccountResource:
    """What Dotdigital says of the account and of the time."""

    def __init__(self, caller: Caller) -> None:
        """Take what makes the calls."""
        self._caller = caller

    async def info(self) -> AccountInfo:
        """Say who the account is and where it lives. One call."""
        return await self._caller.send(account_info(self._caller.endpoint))

    async def server_time(self) -> datetime:
        """Return Dotdigital's clock, in UTC, to measure "since" by. One call."""
        return await self._caller.send(Call("GET", "/v2/server-time", read=_instant))


def _instant(answer: Answer) -> datetime:
    """Read a bare timestamp: plain text in the YAML, a JSON string in the swagger [spec]."""
    text = answer.body.decode("utf-8", "replace").strip()
    if text.startswith('"'):
        try:
            text = str(orjson.loads(text))
        except orjson.JSONDecodeError:
            text = text.strip('"')
    read = parse_instant(text)
    if read is None:
        raise ProtocolError("the answer is no time")
    return read
