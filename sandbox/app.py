"""Puts the sandbox's parts together: the operations of both APIs, the control calls, the wire."""

from sandbox import account_info, v2, v3
from sandbox.control.routes import control_app
from sandbox.routing import Router
from sandbox.sandbox import Sandbox
from sandbox.wire import Wire


def create_app(
    sandbox: Sandbox, *, region: str = "r1", region_of_port: dict[int, str] | None = None
) -> Wire:
    """Make the ASGI app: the host of one region, or of the region that the port stands for."""
    operations = (*account_info.OPERATIONS, *v2.OPERATIONS, *v3.OPERATIONS)
    return Wire(
        sandbox,
        Router(operations),
        control_app(sandbox),
        region=region,
        region_of_port=region_of_port,
    )
