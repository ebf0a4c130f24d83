"""How far the search goes, by the words that a user has for it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """How far the search goes.

    Attributes:
        nodes: of the e-graphs that are tried in turn; the first is a glance, what stays poor gets one like
            the last alone.
        enough: bits on average, and
        few: share of the points that may be more than `floats.BAR` ulps off, in a target that is not searched
            further; no result may be NaN or infinite.
        passable: factor of both for larger graphs, where one result in a thousand may be NaN or infinite.
        sharp: factor of `few` where double words are tried, which takes no further graph.
        poor: bits on average that are worth an e-graph of one target alone.
        price: of what a candidate costs.
        words: whether forms in double words are tried in the end.
    """

    nodes: tuple[int, ...]
    enough: float = 0.5
    few: float = 0.008
    passable: float = 1.4
    sharp: float = 0.25
    poor: float = math.inf
    price: float = 1.0
    words: bool = True


EFFORTS = {
    "low": Effort((200, 700, 700)),
    "normal": Effort((200, 700, 700, 3500)),
    "high": Effort((200, 700, 700, 2500, 12000), enough=0.25, few=0.0, passable=1.0, poor=0.75),
}
PRICES = {"accuracy": 1.0, "speed": 8.0}  # of what a candidate costs
