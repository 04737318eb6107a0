import asyncio
from datetime import timedelta

from temporalio import workflow

from activities import audit, charge, fetch, notify, refund

MINUTE = timedelta(minutes=1)


@workflow.defn
class Selected:
    def __init__(self) -> None:
        self.votes: dict[str, bool] = {}
        self.lock = asyncio.Lock()

    @workflow.signal
    async def vote(self, name: str, yes: bool) -> None:
        async with self.lock:
            await workflow.execute_activity(audit, name, start_to_close_timeout=MINUTE)
            self.votes[name] = yes

    @workflow.run
    async def run(self, wanted: int) -> str:
        await workflow.wait_condition(lambda: len(self.votes) >= wanted)
        if all(self.votes.values()):
            await workflow.execute_activity(charge, 1, start_to_close_timeout=MINUTE)
        elif any(self.votes.values()):
            await workflow.execute_activity(refund, 1, start_to_close_timeout=MINUTE)
        for name in sorted(self.votes):
            await workflow.execute_activity(notify, name, start_to_close_timeout=MINUTE)
        return ",".join(self.votes)
