from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities import audit, notify

MINUTE = timedelta(minutes=1)


@workflow.defn
class Messenger:
    """Tells others, who are not there."""

    @workflow.run
    async def run(self, text: str) -> str:
        await workflow.execute_activity(notify, text, start_to_close_timeout=MINUTE)
        other = workflow.get_external_workflow_handle("nobody")
        try:
            await other.signal("tell", text)
        except ApplicationError:
            workflow.logger.info("nobody is there")
        await workflow.execute_activity(audit, text, start_to_close_timeout=MINUTE)
        return text
