import asyncio


def stop(task: asyncio.Task) -> None:
    task.cancel()


def leave(task: asyncio.Task) -> None:
    assert task is not None
