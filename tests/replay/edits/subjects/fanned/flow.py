import asyncio
from datetime import timedelta

from temporalio import workflow

from activities import audit, notify, reserve, ship

MINUTE = timedelta(minutes=1)


@workflow.defn
class Batch:
    async def one(self, item: str) -> str:
        await workflow.execute_activity(reserve, item, start_to_close_timeout=MINUTE)
        return await workflow.execute_activity(ship, item, start_to_close_timeout=MINUTE)

    @workflow.run
    async def run(self, items: list[str]) -> str:
        results = await asyncio.gather(*[self.one(item) for item in items])
        await workflow.execute_activity(notify, ", ".join(results), start_to_close_timeout=MINUTE)
        return str(len(results))
