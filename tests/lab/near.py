"""The router at our end of a line, whose interface counts what others send over it, and nothing of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.lab.router import Port, Router

__all__ = ["others_send"]

STEP_SECONDS = 0.1


@asynccontextmanager
async def others_send(bits_per_second: float) -> AsyncIterator[int]:
    """Run its agent, interface ``wan``, in whose both directions others send so much; gives the agent's port."""
    router = Router(ports={3: Port(name="wan")})
    agent, port = router.agent(), router.ports[3]

    async def count() -> None:
        while True:
            await asyncio.sleep(STEP_SECONDS)
            router.uptime += STEP_SECONDS
            port.in_octets += round(bits_per_second * STEP_SECONDS / 8)
            port.out_octets += round(bits_per_second * STEP_SECONDS / 8)
            router.update(agent)

    _host, there = await agent.start()
    router.update(agent)
    counting = asyncio.create_task(count())
    try:
        yield there
    finally:
        counting.cancel()
        await asyncio.gather(counting, return_exceptions=True)
        agent.close()
