from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities import audit, charge, deliver, notify, refund

MINUTE = timedelta(minutes=1)


@workflow.defn
class Delivery:
    @workflow.run
    async def run(self, item: str) -> str:
        await workflow.execute_activity(charge, 4, start_to_close_timeout=MINUTE)
        try:
            await workflow.execute_activity(deliver, item, start_to_close_timeout=MINUTE)
        except ActivityError:
            await workflow.execute_activity(refund, 4, start_to_close_timeout=MINUTE)
            return "refunded"
        await workflow.execute_activity(notify, item, start_to_close_timeout=MINUTE)
        return "delivered"
