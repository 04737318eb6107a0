from datetime import timedelta

from temporalio import workflow

from activities import audit, reserve, ship

MINUTE = timedelta(minutes=1)


@workflow.defn
class Parcels:
    @workflow.run
    async def run(self, items: list[str]) -> list[str]:
        done = []
        for item in items:
            await workflow.execute_activity(reserve, item, start_to_close_timeout=MINUTE)
            done.append(await workflow.execute_activity(ship, item, start_to_close_timeout=MINUTE))
        return done
