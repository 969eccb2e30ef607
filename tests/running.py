"""Runs an ASGI app's lifespan around a test."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI


@contextlib.asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[FastAPI]:
    """Start the app and stop it at the end, both in one task of their own.

    pytest-asyncio sets a fixture up in one task and tears it down in another, which a task group
    inside the lifespan would not survive.
    """
    started, finish = asyncio.Event(), asyncio.Event()

    async def lifespan() -> None:
        async with app.router.lifespan_context(app):
            started.set()
            await finish.wait()

    life = asyncio.create_task(lifespan(), name="lifespan")
    start = asyncio.create_task(started.wait())
    await asyncio.wait({life, start}, return_when=asyncio.FIRST_COMPLETED)
    if life.done():
        start.cancel()
        await life
    try:
        yield app
    finally:
        finish.set()
        await life
