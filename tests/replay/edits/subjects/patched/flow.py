from datetime import timedelta

from temporalio import workflow

from activities import audit, charge, notify, reserve, ship

MINUTE = timedelta(minutes=1)


@workflow.defn
class Gated:
    """The first of three steps: both branches are there."""

    @workflow.run
    async def run(self, item: str) -> str:
        await workflow.execute_activity(reserve, item, start_to_close_timeout=MINUTE)
        if workflow.patched("audit-first"):
            await workflow.execute_activity(audit, item, start_to_close_timeout=MINUTE)
        else:
            await workflow.execute_activity(notify, item, start_to_close_timeout=MINUTE)
        await workflow.execute_activity(ship, item, start_to_close_timeout=MINUTE)
        await workflow.execute_activity(charge, 3, start_to_close_timeout=MINUTE)
        return item
