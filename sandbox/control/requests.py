"""What a control call over HTTP is made of."""

from collections.abc import Callable
from typing import Any, TypeAlias

from starlette.requests import Request

from sandbox.control.control import Control
from sandbox.state import Account

#: Where the calls about one account begin; its id, or `default`.
ACCOUNT = "/accounts/{account}"

Action: TypeAlias = Callable[["ControlRequest"], Any]


class ControlRequest:
    """A control call: its JSON, its account, what its path names."""

    def __init__(self, control: Control, request: Request, body: dict[str, Any]) -> None:
        self.control = control
        self.sandbox = control.sandbox
        self.body = body
        self.path = request.path_params
        self.query = request.query_params

    @property
    def account_id(self) -> int | None:
        """The account in the path; None for `default`."""
        named = self.path.get("account", "default")
        return None if named == "default" else int(named)

    @property
    def account(self) -> Account:
        """The account itself."""
        return self.control.account(self.account_id)
