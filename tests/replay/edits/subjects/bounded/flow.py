import asyncio
from datetime import timedelta

from temporalio import workflow

from activities import audit, reserve, ship

MINUTE = timedelta(minutes=1)
WIDTH = 2


@workflow.defn
class Fleet:
    """Not more than so many items at a time."""

    def __init__(self) -> None:
        self.free = asyncio.Semaphore(WIDTH)

    async def one(self, item: str) -> str:
        async with self.free:
            await workflow.execute_activity(reserve, item, start_to_close_timeout=MINUTE)
            return await workflow.execute_activity(ship, item, start_to_close_timeout=MINUTE)

    @workflow.run
    async def run(self, items: list[str]) -> list[str]:
        return list(await asyncio.gather(*(self.one(item) for item in items)))
