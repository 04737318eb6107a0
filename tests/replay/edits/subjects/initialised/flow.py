from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow

from activities import audit, charge, notify

MINUTE = timedelta(minutes=1)


@dataclass
class Plan:
    name: str
    months: int
    trial: bool = False


@workflow.defn
class Subscription:
    @workflow.init
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.months = plan.months

    @workflow.run
    async def run(self, plan: Plan) -> int:
        if self.plan.trial:
            await workflow.execute_activity(notify, "trial", start_to_close_timeout=MINUTE)
        paid = 0
        while self.months > 0:
            paid += await workflow.execute_activity(charge, 1, start_to_close_timeout=MINUTE)
            self.months -= 1
        await workflow.execute_activity(audit, f"{paid}", start_to_close_timeout=MINUTE)
        return paid
