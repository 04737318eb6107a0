import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities import audit, fetch, notify
from stops import stop

MINUTE = timedelta(minutes=1)


@workflow.defn
class Stoppage:
    """Things that run beside the rest, and are stopped by others than those who started them."""

    @workflow.run
    async def run(self, text: str) -> str:
        self.kept = asyncio.create_task(asyncio.sleep(3600))
        given = asyncio.create_task(asyncio.sleep(7200))
        awaited = asyncio.create_task(asyncio.sleep(9000))
        left = asyncio.create_task(asyncio.sleep(9900))
        await workflow.execute_activity(fetch, 1, start_to_close_timeout=MINUTE)
        stop(given)
        await workflow.execute_activity(audit, text, start_to_close_timeout=MINUTE)
        self.kept.cancel()
        await workflow.execute_activity(notify, text, start_to_close_timeout=MINUTE)
        await self._end(awaited)
        await workflow.execute_activity(audit, text, start_to_close_timeout=MINUTE)
        workflow.logger.info("left: %s", left.done())
        return "stopped"

    async def _end(self, task: asyncio.Task) -> None:
        task.cancel()
        try:
            await task
        except (asyncio.CancelledError, ActivityError):
            return
