from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities import audit, charge, notify, reserve, ship

MINUTE = timedelta(minutes=1)


@workflow.defn
class Order:
    @workflow.run
    async def run(self, item: str, amount: int) -> str:
        await workflow.execute_activity(reserve, item, start_to_close_timeout=MINUTE)
        paid = await workflow.execute_activity(
            charge,
            amount,
            start_to_close_timeout=MINUTE,
            retry_policy=RetryPolicy(maximum_attempts=3),
        )
        await workflow.execute_activity(ship, item, start_to_close_timeout=MINUTE)
        workflow.logger.info("shipped %s", item)
        await workflow.execute_activity(notify, f"{item}: {paid}", start_to_close_timeout=MINUTE)
        return item
