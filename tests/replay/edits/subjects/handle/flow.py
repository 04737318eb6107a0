from datetime import timedelta

from temporalio import workflow

from activities import audit, notify

MINUTE = timedelta(minutes=1)


@workflow.defn
class Worker:
    def __init__(self) -> None:
        self.told = False

    @workflow.signal
    def tell(self, text: str) -> None:
        self.told = True

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self.told)
        return "told"


@workflow.defn
class Foreman:
    """Starts a child and talks to it."""

    @workflow.run
    async def run(self, text: str) -> str:
        child = await workflow.start_child_workflow(Worker.run, id=f"worker-of-{workflow.info().workflow_id}")
        await workflow.execute_activity(notify, text, start_to_close_timeout=MINUTE)
        await child.signal(Worker.tell, text)
        answer = await child
        await workflow.execute_activity(audit, answer, start_to_close_timeout=MINUTE)
        return answer
