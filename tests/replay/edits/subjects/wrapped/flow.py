from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial, wraps
from typing import Any

from temporalio import workflow

from activities import audit, charge, notify, release, reserve, ship

MINUTE = timedelta(minutes=1)
call = partial(workflow.execute_activity, start_to_close_timeout=MINUTE)


def audited(step: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(step)
    async def run(*args: Any) -> Any:
        result = await step(*args)
        await workflow.execute_activity(audit, step.__name__, start_to_close_timeout=MINUTE)
        return result

    return run


@asynccontextmanager
async def reserved(item: str):
    await call(reserve, item)
    try:
        yield item
    finally:
        await call(release, item)


@workflow.defn
class Wrapped:
    @workflow.run
    async def run(self, item: str) -> str:
        async with reserved(item) as it:
            await self.pay(6)
            await call(ship, it)
        await call(notify, item)
        return item

    @audited
    async def pay(self, amount: int) -> int:
        return await call(charge, amount)
