"""`make demo`: the whole job end to end, as a caller of the service would do it.

The service and the sandbox run as processes of their own; everything goes over HTTP.
"""

from app.demo.story import run_demo

__all__ = ["run_demo"]
