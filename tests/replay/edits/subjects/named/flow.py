from datetime import timedelta

from temporalio import workflow

from activities import audit, charge

MINUTE = timedelta(minutes=1)


@workflow.defn(name="Billing")
class BillingWorkflow:
    def __init__(self) -> None:
        self.paused = False

    @workflow.signal(name="hold")
    async def pause(self) -> None:
        self.paused = True
        await workflow.execute_activity(audit, "held", start_to_close_timeout=MINUTE)

    @workflow.run
    async def run(self, amount: int) -> int:
        await workflow.wait_condition(lambda: self.paused)
        return await workflow.execute_activity(charge, amount, start_to_close_timeout=MINUTE)
