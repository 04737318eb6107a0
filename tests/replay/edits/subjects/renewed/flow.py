from datetime import timedelta

from temporalio import workflow

from activities import audit, fetch, store

MINUTE = timedelta(minutes=1)


@workflow.defn
class Poller:
    @workflow.run
    async def run(self, page: int) -> int:
        value = await workflow.execute_activity(fetch, page, start_to_close_timeout=MINUTE)
        await workflow.execute_activity(store, value, start_to_close_timeout=MINUTE)
        if page < 2:
            workflow.continue_as_new(page + 1)
        return page
