"""Returns capital. It uses what the other bundles of the mutation test do not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ntro.workflow import NtroWorkflow, runbook

from .activities import draft_comment
from .filing import archive
from .models import CapitalReturnContext, Comment


@runbook.defn
class CapitalReturnWorkflow(NtroWorkflow):
    def __init__(self) -> None:
        super().__init__()
        self._mandate: dict[str, Any] | None = None

    @runbook.signal(name="mandate_given")
    async def on_mandate(self, payload: dict[str, Any]) -> None:
        self._mandate = payload

    @runbook.query
    def has_mandate(self) -> bool:
        return self._mandate is not None

    @runbook.step(name="await_mandate", title="Await mandate", icon="Hourglass")
    async def _step_await_mandate(self, ctx: CapitalReturnContext) -> None:
        await runbook.wait_condition(lambda: self._mandate is not None, timeout=86_400.0)

    @runbook.step(name="collect", title="Collect sources", icon="Inbox", config={"group": "sources"})
    async def _step_collect(self, ctx: CapitalReturnContext) -> list[Any]:
        return await self.collect_documents(
            expected=[
                {"source": "bank-statement", "title": "Bank statement"},
                {"source": "register", "title": "Register of investors"},
            ],
            inputs=[{"period": ctx.period}, {"period": ctx.period}],
        )

    @runbook.step(name="comment", title="Draft comment", icon="Bot")
    async def _step_comment(self, ctx: CapitalReturnContext) -> Comment:
        comment = await runbook.execute_activity(
            draft_comment, ctx, start_to_close_timeout=timedelta(minutes=45)
        )
        try:
            await self._archive(comment)
        except Exception:
            runbook.logger.warning("not archived in %s", runbook.info().workflow_id)
            raise
        return comment

    async def _archive(self, comment: Comment) -> bool:
        return await runbook.execute_activity(
            archive,
            comment.text,
            start_to_close_timeout=timedelta(minutes=1),
        )

    @runbook.step(name="approve", title="Approve", icon="ClipboardCheck")
    async def _step_approve(self, ctx: CapitalReturnContext, comment: Comment) -> bool:
        earlier = await self.load_previous_task(
            workflow_slug="capital-return", entity_id=ctx.entity_id
        )
        decision = await self.wait_for_action(
            payload={"comment": comment.text, "earlier": earlier},
            display_hint={
                "component": "DATA_TABLE",
                "config": {
                    "actions": [
                        {"kind": "approve", "label": "Post", "icon": "ArrowRight"},
                        {"kind": "reject", "label": "Send back"},
                    ],
                },
            },
            checks_spec=[{"id": "text", "title": "Text", "prompt": "Is the comment complete?"}],
            reason=f"Approve the return of {ctx.fund}",
        )
        return decision.get("type") == "approved"

    @runbook.step(name="notify", title="Notify investors", icon="Send")
    async def _step_notify(self, ctx: CapitalReturnContext) -> int:
        return await self.run_child_workflow(
            slug="investor-notices",
            input={"fund": ctx.fund, "event": ctx.event},
        )

    @runbook.run
    async def run(self, ctx: CapitalReturnContext) -> int:
        await self._step_await_mandate(ctx)
        await self._step_collect(ctx)
        comment = await self._step_comment(ctx)
        if not await self._step_approve(ctx, comment):
            return 0
        return await self._step_notify(ctx)
