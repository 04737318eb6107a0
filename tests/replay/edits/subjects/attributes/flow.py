from datetime import timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from activities import audit, notify

MINUTE = timedelta(minutes=1)
STATE = SearchAttributeKey.for_keyword("CustomKeywordField")


@workflow.defn
class Case:
    @workflow.run
    async def run(self, text: str) -> str:
        workflow.upsert_search_attributes([STATE.value_set("open")])
        await workflow.execute_activity(notify, text, start_to_close_timeout=MINUTE)
        workflow.upsert_memo({"text": text})
        await workflow.execute_activity(audit, text, start_to_close_timeout=MINUTE)
        workflow.upsert_search_attributes([STATE.value_set("closed")])
        return text
