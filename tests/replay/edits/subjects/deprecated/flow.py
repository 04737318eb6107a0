from datetime import timedelta

from temporalio import workflow

from activities import audit, charge, notify, reserve, ship

MINUTE = timedelta(minutes=1)


@workflow.defn
class Settled:
    """The second of three steps: nobody is on the old branch any more."""

    @workflow.run
    async def run(self, item: str) -> str:
        await workflow.execute_activity(reserve, item, start_to_close_timeout=MINUTE)
        workflow.deprecate_patch("audit-first")
        await workflow.execute_activity(audit, item, start_to_close_timeout=MINUTE)
        await workflow.execute_activity(ship, item, start_to_close_timeout=MINUTE)
        return item
