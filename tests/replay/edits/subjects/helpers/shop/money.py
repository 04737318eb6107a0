from datetime import timedelta

from temporalio import workflow

from activities import charge, notify

MINUTE = timedelta(minutes=1)


async def pay(amount: int) -> int:
    paid = await workflow.execute_activity(charge, amount, start_to_close_timeout=MINUTE)
    await workflow.execute_activity(notify, f"paid {paid}", start_to_close_timeout=MINUTE)
    return paid
