"""The archive of the fund."""

from __future__ import annotations

import httpx

from ntro.workflow import activity


@activity.defn(name="capital_return.archive")
async def archive(text: str) -> bool:
    async with httpx.AsyncClient() as client:
        response = await client.post("https://archive.example.com", json={"text": text})
    return response.is_success
