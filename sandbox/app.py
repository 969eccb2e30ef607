"""Puts the sandbox's parts together: the operations of both APIs, the control calls, the wire."""

from sandbox import account_info, v2, v3
from sandbox.calls import Operation
from sandbox.control.routes import control_app
from sandbox.routing import Router
from sandbox.sandbox import Sandbox
from sandbox.wire import Wire

#: All that the sandbox answers outside ``/_sandbox``.
OPERATIONS: tuple[Operation, ...] = (
    *account_info.OPERATIONS,
    *v2.OPERATIONS,
    *v3.OPERATIONS,
)


def create_app(
    sandbox: Sandbox, *, region: str = "r1", region_of_port: dict[int, str] | None = None
) -> Wire:
    """Make the ASGI app: the host of one region, or of the region that the port stands for."""
    return Wire(
        sandbox,
        Router(OPERATIONS),
        control_app(sandbox),
        region=region,
        region_of_port=region_of_port,
    )
