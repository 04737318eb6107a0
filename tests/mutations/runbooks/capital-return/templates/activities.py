"""Side effects, and everything else that the worker has to register."""

from __future__ import annotations

from ntro.capabilities.checks import run_quality_check
from ntro.workflow import activity, agents
from ntro.workflow.task import load_previous_task_activity

from .filing import archive
from .models import CapitalReturnContext, Comment

__all__ = ["archive", "draft_comment", "load_previous_task_activity", "run_quality_check"]

COMMENTATOR = "6a0f9a4e-2f0b-4d57-8f1c-0d2b7a6f3c11"


@activity.defn(name="capital_return.draft_comment")
async def draft_comment(ctx: CapitalReturnContext) -> Comment:
    activity.logger.info("asking the agent about %s", ctx.fund)
    answer = await agents.invoke(COMMENTATOR, input={"fund": ctx.fund}, tenant_slug="example")
    return Comment(text=str(answer), is_complete=answer.status == "completed")
