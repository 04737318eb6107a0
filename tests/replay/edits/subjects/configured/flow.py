from dataclasses import dataclass, field
from datetime import timedelta

from temporalio import workflow

from activities import audit, charge, notify, reserve, ship

MINUTE = timedelta(minutes=1)


@dataclass
class Config:
    quiet: bool = False
    steps: list[str] = field(default_factory=lambda: ["reserve", "ship"])


class Base:
    async def before(self, config: Config) -> None:
        if not config.quiet:
            await workflow.execute_activity(notify, "begin", start_to_close_timeout=MINUTE)

    async def after(self) -> None:
        await workflow.execute_activity(audit, "end", start_to_close_timeout=MINUTE)


@workflow.defn
class Configured(Base):
    @workflow.run
    async def run(self, config: Config) -> int:
        await self.before(config)
        for step in config.steps:
            await self.step(step)
        await self.after()
        return len(config.steps)

    async def step(self, name: str) -> None:
        if name == "reserve":
            await workflow.execute_activity(reserve, name, start_to_close_timeout=MINUTE)
        elif name == "ship":
            await workflow.execute_activity(ship, name, start_to_close_timeout=MINUTE)
        else:
            await workflow.execute_activity(charge, 1, start_to_close_timeout=MINUTE)

    @workflow.signal
    async def poke(self) -> None:
        await workflow.execute_activity(notify, "poked", start_to_close_timeout=MINUTE)
