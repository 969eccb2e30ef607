"""Work in the background, and its end."""

import asyncio
from typing import Any


async def cancelled(task: asyncio.Task[Any] | None) -> None:
    """Cancel the task, if there is one, and wait until it is over, whatever it ends with."""
    if task is None:
        return
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        # Looked at, so that asyncio doesn't complain of it.
        task.exception()
