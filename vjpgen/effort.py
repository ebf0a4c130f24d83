"""How far the search goes, by the words that a user has for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """How far the search goes.

    Attributes:
        nodes: of the e-graphs that are tried in turn; the first is a glance, what stays poor gets one like
            the last alone.
        enough: bits on average; a target as good as this, and
        nowhere_worse: bits at the worst point, is not searched further.
        poor: bits on average that are worth an e-graph of one target alone.
        price: of what a candidate costs.
        words: whether forms in double words are tried in the end.
    """

    nodes: tuple[int, ...]
    enough: float = 0.5
    nowhere_worse: float = 4.0
    poor: float = 2.0
    price: float = 1.0
    words: bool = True


EFFORTS = {
    "low": Effort((200, 700, 700)),
    "normal": Effort((200, 700, 700, 3500)),
    "high": Effort((200, 700, 700, 2500, 12000), enough=0.25, nowhere_worse=3.2, poor=0.75),
}
PRICES = {"accuracy": 1.0, "speed": 8.0}  # of what a candidate costs
