from datetime import timedelta

from temporalio import workflow

from activities import audit, fetch, notify, store

MINUTE = timedelta(minutes=1)
ATTEMPTS = 3


@workflow.defn
class Watch:
    @workflow.run
    async def run(self, wanted: int) -> int:
        attempt = 0
        while True:
            attempt += 1
            value = await workflow.execute_activity(fetch, attempt, start_to_close_timeout=MINUTE)
            if value >= wanted:
                break
            if attempt >= ATTEMPTS:
                await workflow.execute_activity(notify, "given up", start_to_close_timeout=MINUTE)
                return -1
            await workflow.sleep(0.1)
        await workflow.execute_activity(store, value, start_to_close_timeout=MINUTE)
        return value
