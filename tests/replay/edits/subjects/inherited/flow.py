from temporalio import workflow

from base import Steps


@workflow.defn
class Visit(Steps):
    async def middle(self, text: str) -> str:
        return await self.call("audit", text)

    @workflow.run
    async def run(self, text: str) -> str:
        return await self.all(text)
