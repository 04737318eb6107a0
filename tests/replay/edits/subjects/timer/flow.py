import asyncio
from datetime import timedelta

from temporalio import workflow

from activities import audit, notify, reserve

MINUTE = timedelta(minutes=1)


@workflow.defn
class Reminder:
    @workflow.run
    async def run(self, text: str) -> str:
        await workflow.execute_activity(reserve, text, start_to_close_timeout=MINUTE)
        await asyncio.sleep(0.2)
        await workflow.execute_activity(notify, text, start_to_close_timeout=MINUTE)
        await workflow.sleep(timedelta(milliseconds=200))
        return text
