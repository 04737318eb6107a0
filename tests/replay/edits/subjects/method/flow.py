from datetime import timedelta

from temporalio import workflow

from desk import Desk

MINUTE = timedelta(minutes=1)


@workflow.defn
class Letters:
    @workflow.run
    async def run(self, text: str) -> str:
        opened = await workflow.execute_activity_method(Desk.open, text, start_to_close_timeout=MINUTE)
        return await workflow.execute_activity_method(Desk.stamp, opened, start_to_close_timeout=MINUTE)
