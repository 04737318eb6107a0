"""The activities of all subjects; each of them gets a copy of this file."""

from temporalio import activity
from temporalio.exceptions import ApplicationError


@activity.defn
async def reserve(item: str) -> str:
    return f"reserved {item}"


@activity.defn
async def release(item: str) -> str:
    return f"released {item}"


@activity.defn
async def charge(amount: int) -> int:
    return amount


@activity.defn
async def refund(amount: int) -> int:
    return -amount


@activity.defn
async def ship(item: str) -> str:
    return f"shipped {item}"


@activity.defn
async def notify(text: str) -> str:
    return text


@activity.defn
async def audit(text: str) -> str:
    return text


@activity.defn
async def fetch(page: int) -> int:
    return page * 10


@activity.defn
async def store(value: int) -> int:
    return value


@activity.defn
async def deliver(item: str) -> str:
    """Fails for what is broken."""
    if item == "broken":
        raise ApplicationError("it is broken", non_retryable=True)
    return item
