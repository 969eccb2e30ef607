"""Calls during which somebody changes something here."""

from collections.abc import Awaitable, Callable

from app.clients.dotdigital import Transport
from app.clients.dotdigital.transport import Answer, Credentials


class ChangingTransport(Transport):
    """A transport that has something changed here before each call of one kind."""

    def __init__(self, fragment: str, change: Callable[[], Awaitable[object]]) -> None:
        """Take a part of the URLs of those calls."""
        super().__init__(("127.0.0.1",))
        self._fragment, self._change = fragment, change

    async def send(
        self, method: str, url: str, credentials: Credentials, body: bytes | None = None
    ) -> Answer:
        """Change it, and make the call."""
        if self._fragment in url:
            await self._change()
        return await super().send(method, url, credentials, body)
