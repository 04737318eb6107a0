import asyncio
from datetime import timedelta

from temporalio import workflow

from activities import audit, charge, notify, reserve, ship
from names import FETCH

MINUTE = timedelta(minutes=1)


@workflow.defn
class Grouped:
    @workflow.run
    async def run(self, item: str) -> str:
        async with asyncio.TaskGroup() as group:
            first = group.create_task(self.one(item))
            second = group.create_task(self.other(4))
        handles = [
            workflow.start_activity(FETCH, page, result_type=int, start_to_close_timeout=MINUTE)
            for page in range(2)
        ]
        total = 0
        for handle in handles:
            total += await handle
        await workflow.execute_activity(notify, f"{first.result()} {second.result()} {total}", start_to_close_timeout=MINUTE)
        return item

    async def one(self, item: str) -> str:
        await workflow.execute_activity(reserve, item, start_to_close_timeout=MINUTE)
        return await workflow.execute_activity(ship, item, start_to_close_timeout=MINUTE)

    async def other(self, amount: int) -> int:
        return await workflow.execute_activity(charge, amount, start_to_close_timeout=MINUTE)
