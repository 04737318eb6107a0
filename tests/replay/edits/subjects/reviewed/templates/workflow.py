from datetime import timedelta
from typing import Any

from activities import audit, charge, notify
from ntro.workflow import NtroWorkflow, runbook

MINUTE = timedelta(minutes=1)


@runbook.defn
class FeeReviewWorkflow(NtroWorkflow):
    @runbook.step(name="draft", title="Draft", icon="Bot")
    async def _step_draft(self, amount: int) -> str:
        return await runbook.execute_activity(audit, f"{amount}", start_to_close_timeout=MINUTE)

    @runbook.step(name="review", title="Review", icon="ClipboardCheck")
    async def _step_review(self, text: str) -> dict[str, Any]:
        return await self.wait_for_action(payload={"text": text}, reason="Review the fee")

    @runbook.step(name="charge", title="Charge", icon="Send")
    async def _step_charge(self, amount: int) -> int:
        return await runbook.execute_activity(charge, amount, start_to_close_timeout=MINUTE)

    @runbook.run
    async def run(self, amount: int) -> int:
        text = await self._step_draft(amount)
        decision = await self._step_review(text)
        if decision.get("type") != "approved":
            await runbook.execute_activity(notify, "sent back", start_to_close_timeout=MINUTE)
            return 0
        return await self._step_charge(amount)
