from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import settings
    from activities import audit, fetch, notify, refund, release
    from settings import ROUNDS, Kind, Meter, Options, is_large, odd

MINUTE = timedelta(minutes=1)


@workflow.defn
class Adjusted:
    MANY = 5

    @property
    def is_busy(self) -> bool:
        return self.seen > 1

    @workflow.run
    async def run(self, amount: int, kind: str) -> int:
        self.seen = 2
        for _ in range(ROUNDS):
            await workflow.execute_activity(notify, "round", start_to_close_timeout=MINUTE)
        for step in settings.STEPS:
            await workflow.execute_activity(step, "lamp", start_to_close_timeout=MINUTE)
        await workflow.execute_activity(settings.NAMES[kind], amount, start_to_close_timeout=MINUTE)
        if is_large(amount):
            await workflow.execute_activity(audit, "large", start_to_close_timeout=MINUTE)
        if kind == Kind.CARD.value:
            await workflow.execute_activity(refund, amount, start_to_close_timeout=MINUTE)
        options = Options()
        if options.audited:
            await workflow.execute_activity(audit, "again", start_to_close_timeout=MINUTE)
        for name in options.more:
            await workflow.execute_activity(name, "more", start_to_close_timeout=MINUTE)
        meter = Meter()
        meter.add(amount)
        if meter.count > self.MANY:
            await workflow.execute_activity(release, "many", start_to_close_timeout=MINUTE)
        if self.is_busy:
            await workflow.execute_activity(notify, "busy", start_to_close_timeout=MINUTE)
        for number in odd((1, 2, 3)):
            await workflow.execute_activity(fetch, number, start_to_close_timeout=MINUTE)
        await workflow.execute_activity(audit, "end", start_to_close_timeout=MINUTE)
        return amount
