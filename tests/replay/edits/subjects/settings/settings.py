from dataclasses import dataclass, field
from enum import Enum

ROUNDS = 2
STEPS = ("reserve", "ship")
NAMES = {"card": "charge", "cash": "store"}


class Kind(Enum):
    CARD = "card"
    CASH = "cash"


class Limits:
    LARGE = 10


@dataclass
class Options:
    audited: bool = False
    more: list[str] = field(default_factory=lambda: ["audit"])


class Meter:
    def __init__(self) -> None:
        self.count = 0

    def add(self, number: int) -> None:
        self.count += number


def is_large(amount: int) -> bool:
    limit = Limits.LARGE
    return amount > limit


def odd(numbers: tuple[int, ...]) -> list[int]:
    found = []
    for number in numbers:
        if number % 2:
            found.append(number)
    return found
