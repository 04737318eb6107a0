import asyncio
from datetime import timedelta

from temporalio import workflow

from activities import audit, notify, release, reserve

MINUTE = timedelta(minutes=1)


@workflow.defn
class Lease:
    """Waits for ever, and tidies up when it is cancelled."""

    @workflow.run
    async def run(self, item: str) -> str:
        await workflow.execute_activity(reserve, item, start_to_close_timeout=MINUTE)
        try:
            await workflow.wait_condition(lambda: False)
        except asyncio.CancelledError:
            await workflow.execute_activity(release, item, start_to_close_timeout=MINUTE)
            raise
        return item
