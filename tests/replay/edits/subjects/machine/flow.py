from datetime import timedelta
from enum import Enum

from temporalio import workflow

from activities import audit, charge, notify, reserve, ship

OPTIONS = {"start_to_close_timeout": timedelta(minutes=1)}


class Stage(Enum):
    NEW = "new"
    PAID = "paid"
    SENT = "sent"
    DONE = "done"


@workflow.defn
class Machine:
    """A state machine."""

    def __init__(self) -> None:
        self.stage = Stage.NEW

    @workflow.query
    def current(self) -> str:
        return self.stage.value

    @workflow.run
    async def run(self, item: str) -> str:
        while self.stage is not Stage.DONE:
            match self.stage:
                case Stage.NEW:
                    await workflow.execute_activity(reserve, item, **OPTIONS)
                    await workflow.execute_activity(charge, 3, **OPTIONS)
                    self.stage = Stage.PAID
                case Stage.PAID:
                    await workflow.execute_activity(ship, item, **OPTIONS)
                    self.stage = Stage.SENT
                case Stage.SENT:
                    await workflow.execute_activity(notify, item, **OPTIONS)
                    self.stage = Stage.DONE
        return item
