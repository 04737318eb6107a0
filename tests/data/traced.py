import time

from temporalio import workflow


def stamp():
    return time.time()


@workflow.defn
class Order:
    @workflow.run
    async def run(self):
        return "😀", stamp(), time.time()
