"""Moving the world from outside: what Dotdigital's own people, pages and mail servers would do.

`Control` is for whoever holds the sandbox in process; `routes` gives the same over HTTP, under
``/_sandbox``, without credentials.
"""

from sandbox.control.control import Control

__all__ = ["Control"]
