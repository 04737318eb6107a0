from datetime import timedelta

from temporalio import workflow

from activities import audit, notify, ship

MINUTE = timedelta(minutes=1)


@workflow.defn
class Part:
    @workflow.run
    async def run(self, item: str) -> str:
        return item


@workflow.defn
class Draw:
    """The ids of its children are drawn."""

    @workflow.run
    async def run(self, item: str) -> str:
        await workflow.execute_activity(notify, item, start_to_close_timeout=MINUTE)
        token = str(workflow.uuid4())
        await workflow.execute_child_workflow(Part.run, item, id=f"part-{token}")
        await workflow.execute_child_workflow(Part.run, item)
        await workflow.execute_activity(audit, token, start_to_close_timeout=MINUTE)
        return token
