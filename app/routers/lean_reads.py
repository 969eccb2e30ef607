"""The route class of the busiest read: one thing, by its id.

FastAPI works out an endpoint's parameters anew for each request, which takes as long as the read
itself. What is plain goes straight to the endpoint here; anything else goes FastAPI's way, and so
do the documents.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Final, cast

from fastapi import Request, Response

from app.routers.dependencies import KeyWithScope
from app.routers.idempotent import Handler, IdempotentRoute
from app.services.api_keys import Caller

LeanEndpoint = Callable[[Caller, Request, int], Awaitable[Response]]

_PLAIN_ID: Final = re.compile(r"[1-9][0-9]{0,17}")
_MAY_READ: Final = KeyWithScope("read")


class LeanRead(IdempotentRoute):
    """An APIRoute for a `LeanEndpoint`, which needs the scope ``read``, with one id in its path."""

    def get_route_handler(self) -> Handler:
        """Go past FastAPI's own handler where the request is plain."""
        inner = super().get_route_handler()
        endpoint = cast(LeanEndpoint, self.endpoint)
        (name,) = (parameter.name for parameter in self.dependant.path_params)

        async def handle(request: Request) -> Response:
            given = request.path_params[name]
            if request.scope["query_string"] or not _PLAIN_ID.fullmatch(given):
                return await inner(request)
            return await endpoint(await _MAY_READ(request), request, int(given))

        return handle
