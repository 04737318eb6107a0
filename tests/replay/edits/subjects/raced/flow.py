import asyncio
from datetime import timedelta

from temporalio import workflow

from activities import audit, fetch, notify

MINUTE = timedelta(minutes=1)


@workflow.defn
class Race:
    """An activity against a timer; the one that loses is cancelled."""

    @workflow.run
    async def run(self, page: int) -> str:
        work = asyncio.create_task(workflow.execute_activity(fetch, page, start_to_close_timeout=MINUTE))
        clock = asyncio.create_task(asyncio.sleep(60))
        done, pending = await workflow.wait([work, clock], return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await workflow.execute_activity(notify, f"{len(done)}", start_to_close_timeout=MINUTE)
        return "done"
