"""What the workflow and its activities say to each other."""

from __future__ import annotations

from pydantic import BaseModel

from ntro.events import ObservableResult


class CapitalReturnContext(BaseModel):
    entity_id: str
    period: str
    fund: str
    event: str = "Return of capital"


class Comment(ObservableResult):
    text: str
    is_complete: bool = True

    class ObserverMeta:
        event_type = "capital.commented"
