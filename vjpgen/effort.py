"""How far the search goes, by the words that a user has for it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """What is good enough not to be searched further.

    Attributes:
        enough: bits on average.
        few: share of the points that may be more than `floats.BAR` ulps off.
        lost: share of the points that may be NaN or infinite.
    """

    enough: float = 0.5
    few: float = 0.008
    lost: float = 0.0


@dataclass(frozen=True, slots=True)
class Graph(Bar):
    """An e-graph, grown for what does not meet its bar.

    Attributes:
        nodes: that it may have.
    """

    nodes: int = 0


@dataclass(frozen=True, slots=True)
class Effort:
    """How far the search goes.

    Attributes:
        graphs: that are tried in turn; the first is a glance, what stays poor gets one like the last alone.
        sharp: what does not meet this bar is tried in double words, which takes no further graph.
        poor: bits on average that are worth an e-graph of one target alone.
        price: of what a candidate costs.
        words: whether forms in double words are tried.
    """

    graphs: tuple[Graph, ...]
    sharp: Bar = Bar(few=0.002)
    poor: float = math.inf
    price: float = 1.0
    words: bool = True


_LOW = (Graph(nodes=200), Graph(0.6, 0.01, nodes=700))
EFFORTS = {
    "low": Effort(_LOW),
    "normal": Effort((*_LOW, Graph(1.0, 0.025, 0.00125, nodes=3500))),
    "high": Effort(
        tuple(Graph(0.25, 0.0, nodes=n) for n in (200, 700, 2500, 12000)), sharp=Bar(0.25, 0.0), poor=0.75
    ),
}
PRICES = {"accuracy": 1.0, "speed": 8.0}  # of what a candidate costs
