from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities import audit, charge, deliver, notify, refund, release, reserve

MINUTE = timedelta(minutes=1)


@workflow.defn
class Booking:
    """Takes back what it has done, in the opposite order."""

    @workflow.run
    async def run(self, item: str) -> str:
        undo: list[Callable[[], Awaitable[object]]] = []
        try:
            undo.append(lambda: workflow.execute_activity(release, item, start_to_close_timeout=MINUTE))
            await workflow.execute_activity(reserve, item, start_to_close_timeout=MINUTE)
            undo.append(lambda: workflow.execute_activity(refund, 2, start_to_close_timeout=MINUTE))
            await workflow.execute_activity(charge, 2, start_to_close_timeout=MINUTE)
            await workflow.execute_activity(deliver, item, start_to_close_timeout=MINUTE)
        except ActivityError:
            for step in reversed(undo):
                await step()
            return "undone"
        return "booked"
