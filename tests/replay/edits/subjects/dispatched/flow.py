from datetime import timedelta

from temporalio import workflow

MINUTE = timedelta(minutes=1)
BY_KIND = {"parcel": "ship", "letter": "notify"}


@workflow.defn
class Dispatch:
    """Which activity runs is in a table."""

    @workflow.run
    async def run(self, kind: str, item: str) -> str:
        await workflow.execute_activity("audit", item, start_to_close_timeout=MINUTE)
        name = BY_KIND[kind]
        return await workflow.execute_activity(name, item, result_type=str, start_to_close_timeout=MINUTE)
