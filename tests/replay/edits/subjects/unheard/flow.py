from datetime import timedelta

from temporalio import workflow

from activities import audit, notify, reserve

MINUTE = timedelta(minutes=1)


@workflow.defn
class Patient:
    """Is sent a signal that it has no handler for."""

    def __init__(self) -> None:
        self.done = False

    @workflow.signal
    def finish(self) -> None:
        self.done = True

    @workflow.run
    async def run(self) -> str:
        await workflow.execute_activity(notify, "begun", start_to_close_timeout=MINUTE)
        await workflow.wait_condition(lambda: self.done)
        await workflow.execute_activity(audit, "ended", start_to_close_timeout=MINUTE)
        return "done"
