import asyncio
from datetime import timedelta

from temporalio import workflow

from activities import audit, charge, notify, reserve

MINUTE = timedelta(minutes=1)


@workflow.defn
class Desk:
    @workflow.run
    async def run(self, item: str) -> str:
        reserving = asyncio.create_task(self.reserve(item))
        charging = workflow.start_activity(charge, 7, start_to_close_timeout=MINUTE)
        first = await reserving
        second = await charging
        await workflow.execute_activity(notify, f"{first} {second}", start_to_close_timeout=MINUTE)
        return first

    async def reserve(self, item: str) -> str:
        text = await workflow.execute_activity(reserve, item, start_to_close_timeout=MINUTE)
        await workflow.execute_activity(audit, text, start_to_close_timeout=MINUTE)
        return text
