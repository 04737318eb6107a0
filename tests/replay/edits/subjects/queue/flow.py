from collections import deque
from datetime import timedelta

from temporalio import workflow

from activities import audit, notify, store

MINUTE = timedelta(minutes=1)


@workflow.defn
class Inbox:
    """Signals fill a queue, and `run` empties it."""

    def __init__(self) -> None:
        self.waiting: deque[str] = deque()
        self.closed = False

    @workflow.signal
    def put(self, text: str) -> None:
        self.waiting.append(text)

    @workflow.signal
    def close(self) -> None:
        self.closed = True

    @workflow.run
    async def run(self) -> int:
        count = 0
        while True:
            await workflow.wait_condition(lambda: self.closed or len(self.waiting) > 0)
            if not self.waiting:
                break
            text = self.waiting.popleft()
            await workflow.execute_activity(notify, text, start_to_close_timeout=MINUTE)
            count += 1
        await workflow.execute_activity(store, count, start_to_close_timeout=MINUTE)
        return count
