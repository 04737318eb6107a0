from temporalio import activity


class Desk:
    @activity.defn
    async def open(self, text: str) -> str:
        return f"open {text}"

    @activity.defn(name="stamp-letter")
    async def stamp(self, text: str) -> str:
        return f"stamped {text}"
