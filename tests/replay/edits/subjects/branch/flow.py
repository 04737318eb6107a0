from datetime import timedelta

from temporalio import workflow

from activities import audit, charge, notify, ship

MINUTE = timedelta(minutes=1)
LIMIT = 100


@workflow.defn
class Payment:
    @workflow.run
    async def run(self, amount: int) -> int:
        if amount > LIMIT:
            await workflow.execute_activity(audit, "large", start_to_close_timeout=MINUTE)
        else:
            await workflow.execute_activity(notify, "small", start_to_close_timeout=MINUTE)
        paid = await workflow.execute_activity(charge, amount, start_to_close_timeout=MINUTE)
        return paid
