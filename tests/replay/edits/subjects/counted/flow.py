from datetime import timedelta

from temporalio import workflow

import activities

MINUTE = timedelta(minutes=1)


@workflow.defn
class Import:
    @workflow.run
    async def run(self) -> int:
        total = 0
        for page in range(3):
            value = await workflow.execute_activity(activities.fetch, page, start_to_close_timeout=MINUTE)
            total += value
            await workflow.execute_activity(activities.store, value, start_to_close_timeout=MINUTE)
        await workflow.execute_activity(activities.audit, f"total {total}", start_to_close_timeout=MINUTE)
        return total
