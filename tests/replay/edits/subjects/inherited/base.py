from datetime import timedelta

from temporalio import workflow

MINUTE = timedelta(minutes=1)


class Steps:
    """The frame of a workflow; its subclasses say what is in the middle."""

    async def call(self, name: str, text: str) -> str:
        return await workflow.execute_activity(name, text, result_type=str, start_to_close_timeout=MINUTE)

    async def middle(self, text: str) -> str:
        return text

    async def all(self, text: str) -> str:
        await self.call("reserve", text)
        result = await self.middle(text)
        await self.call("release", text)
        return result
