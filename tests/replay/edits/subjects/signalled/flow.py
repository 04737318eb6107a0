from datetime import timedelta

from temporalio import workflow

from activities import audit, notify, ship, store

MINUTE = timedelta(minutes=1)


@workflow.defn
class Basket:
    def __init__(self) -> None:
        self.items: list[str] = []
        self.closed = False

    @workflow.signal
    async def add(self, item: str) -> None:
        await workflow.execute_activity(notify, item, start_to_close_timeout=MINUTE)
        self.items.append(item)

    @workflow.signal
    def close(self) -> None:
        self.closed = True

    @workflow.query
    def count(self) -> int:
        return len(self.items)

    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(lambda: self.closed)
        await workflow.execute_activity(store, len(self.items), start_to_close_timeout=MINUTE)
        return len(self.items)
