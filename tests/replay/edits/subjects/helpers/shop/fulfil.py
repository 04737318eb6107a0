from datetime import timedelta

from temporalio import workflow

from activities import audit, reserve, ship

MINUTE = timedelta(minutes=1)


async def fulfil(item: str) -> str:
    await workflow.execute_activity(reserve, item, start_to_close_timeout=MINUTE)
    return await send(item)


async def send(item: str) -> str:
    return await workflow.execute_activity(ship, item, start_to_close_timeout=MINUTE)
