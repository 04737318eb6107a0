import asyncio
from datetime import timedelta

from temporalio import workflow

from activities import audit, charge, notify, reserve

MINUTE = timedelta(minutes=1)


@workflow.defn
class Checks:
    @workflow.run
    async def run(self, item: str) -> list[str]:
        results = await asyncio.gather(
            workflow.execute_activity(reserve, item, start_to_close_timeout=MINUTE),
            workflow.execute_activity(audit, item, start_to_close_timeout=MINUTE),
            workflow.execute_activity(charge, 5, start_to_close_timeout=MINUTE),
        )
        await workflow.execute_activity(notify, item, start_to_close_timeout=MINUTE)
        return [str(it) for it in results]
