from datetime import timedelta

from temporalio import workflow

from activities import audit, fetch, notify, store

MINUTE = timedelta(minutes=1)


@workflow.defn
class Quick:
    @workflow.run
    async def run(self, page: int) -> int:
        value = await workflow.execute_local_activity(fetch, page, start_to_close_timeout=MINUTE)
        await workflow.execute_activity(notify, f"{value}", start_to_close_timeout=MINUTE)
        await workflow.execute_local_activity(store, value, start_to_close_timeout=MINUTE)
        return value
