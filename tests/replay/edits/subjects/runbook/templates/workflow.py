from datetime import timedelta

from activities import audit, notify, reserve
from ntro.workflow import NtroWorkflow, runbook

MINUTE = timedelta(minutes=1)


@runbook.defn
class UnitIssueWorkflow(NtroWorkflow):
    @runbook.step(name="check", title="Check", icon="ClipboardCheck")
    async def _step_check(self, name: str) -> str:
        return await runbook.execute_activity(audit, name, start_to_close_timeout=MINUTE)

    @runbook.step(name="issue", title="Issue", icon="Send")
    async def _step_issue(self, name: str) -> str:
        return await runbook.execute_activity(reserve, name, start_to_close_timeout=MINUTE)

    @runbook.step(name="tell", title="Tell", icon="Inbox")
    async def _step_tell(self, name: str) -> str:
        return await self.run_step("tell", notify, name)

    @runbook.run
    async def run(self, name: str) -> str:
        await self._step_check(name)
        await self._step_issue(name)
        return await self._step_tell(name)
