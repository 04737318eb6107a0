from temporalio import workflow

from shop.fulfil import fulfil
from shop.money import pay


@workflow.defn
class Sale:
    @workflow.run
    async def run(self, item: str) -> str:
        paid = await pay(9)
        text = await fulfil(item)
        return f"{text} {paid}"
