from datetime import timedelta

from temporalio import workflow
from temporalio.workflow import ParentClosePolicy

from activities import audit, notify, ship

MINUTE = timedelta(minutes=1)


@workflow.defn
class Leg:
    @workflow.run
    async def run(self, item: str) -> str:
        return await workflow.execute_activity(ship, item, start_to_close_timeout=MINUTE)


@workflow.defn
class ReturnLeg:
    @workflow.run
    async def run(self, item: str) -> str:
        return await workflow.execute_activity(ship, item, start_to_close_timeout=MINUTE)


@workflow.defn
class Journey:
    @workflow.run
    async def run(self, item: str) -> str:
        there = await workflow.execute_child_workflow(
            Leg.run,
            item,
            id=f"leg-{item}-{workflow.info().workflow_id}",
            parent_close_policy=ParentClosePolicy.TERMINATE,
        )
        back = await workflow.execute_child_workflow(
            ReturnLeg.run, item, id=f"return-{item}-{workflow.info().workflow_id}"
        )
        await workflow.execute_activity(notify, there, start_to_close_timeout=MINUTE)
        return f"{there} {back}"
