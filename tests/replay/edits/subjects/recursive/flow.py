import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities import audit, deliver, fetch, notify, store

MINUTE = timedelta(minutes=1)


async def tree(depth: int) -> int:
    value = await workflow.execute_activity(fetch, depth, start_to_close_timeout=MINUTE)
    if depth > 0:
        value += await tree(depth - 1)
    return value


async def attempt(item: str, tries: int = 2) -> bool:
    for number in range(tries):
        try:
            await workflow.execute_activity(deliver, item, start_to_close_timeout=MINUTE)
        except ActivityError:
            workflow.logger.info("try %d failed", number)
            await asyncio.sleep(0.05)
        else:
            return True
    return False


@workflow.defn
class Recursive:
    @workflow.run
    async def run(self, depth: int, item: str) -> int:
        total = await tree(depth)
        if not await attempt(item):
            await workflow.execute_activity(notify, "given up", start_to_close_timeout=MINUTE)
        await workflow.execute_activity(store, total, start_to_close_timeout=MINUTE)
        return total
