import asyncio
from datetime import timedelta

from temporalio import workflow

from activities import audit, notify, refund, ship

MINUTE = timedelta(minutes=1)


@workflow.defn
class Approval:
    def __init__(self) -> None:
        self.approved_by = ""

    @workflow.signal
    def approve(self, name: str) -> None:
        self.approved_by = name

    @workflow.run
    async def run(self, item: str, seconds: float) -> str:
        await workflow.execute_activity(notify, item, start_to_close_timeout=MINUTE)
        try:
            await workflow.wait_condition(lambda: self.approved_by != "", timeout=timedelta(seconds=seconds))
        except asyncio.TimeoutError:
            await workflow.execute_activity(refund, 1, start_to_close_timeout=MINUTE)
            return "too late"
        await workflow.execute_activity(ship, item, start_to_close_timeout=MINUTE)
        return self.approved_by
