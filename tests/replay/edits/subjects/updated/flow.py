from datetime import timedelta

from temporalio import workflow

from activities import audit, charge, notify, store

MINUTE = timedelta(minutes=1)


@workflow.defn
class Account:
    def __init__(self) -> None:
        self.balance = 0
        self.closed = False

    @workflow.update
    async def deposit(self, amount: int) -> int:
        paid = await workflow.execute_activity(charge, amount, start_to_close_timeout=MINUTE)
        self.balance += paid
        return self.balance

    @deposit.validator
    def check(self, amount: int) -> None:
        if amount <= 0:
            raise ValueError("nothing to deposit")

    @workflow.update
    def rename(self, name: str) -> str:
        return name.title()

    @workflow.signal
    def close(self) -> None:
        self.closed = True

    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(lambda: self.closed)
        await workflow.execute_activity(store, self.balance, start_to_close_timeout=MINUTE)
        return self.balance
