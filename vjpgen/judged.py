"""What a function returned, held against the exact results: figures of every target, and its worst points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vjpgen.floats import BAR, Array, representable, ulps
from vjpgen.report import Figures, figures, labels
from vjpgen.spec import Spec


@dataclass(frozen=True, slots=True)
class Exact:
    """Where a function is judged, and the exact results there.

    Attributes:
        at: (n, a) float32.
        values, partials: (n, m) and (n, m, a) float64; nan where not defined.
    """

    at: Array
    values: Array
    partials: Array

    @property
    def columns(self) -> list[Array]:
        """One array per argument."""
        return [np.ascontiguousarray(c) for c in self.at.T]


@dataclass(frozen=True, slots=True)
class Miss:
    """A result that is far off.

    Attributes:
        inputs: one value per argument.
        got, truth: the result and the exact one.
        ulps: how far apart they are; 2**32 where the result is not finite.
    """

    inputs: tuple[float, ...]
    got: float
    truth: float
    ulps: float


@dataclass(frozen=True, slots=True)
class Judged:
    """One target of a function: a value, or a partial in one mode.

    Attributes:
        label: "value", "d/dx", or with the output's name where there are several.
        mode: "value", "reverse" or "forward".
        figures: errors at all points.
        misses: the worst points above the bar, one for each of the worst errors.
    """

    label: str
    mode: str
    figures: Figures
    misses: tuple[Miss, ...]


def judge(spec: Spec, exact: Exact, got: Any, most: int = 3) -> tuple[Judged, ...]:
    """Every value, and every partial in reverse mode and, where there is one, in forward mode.

    Args:
        spec: the function.
        exact: where it was measured.
        got: `measured.Measured` there.
        most: how many misses to keep of each target.
    """
    found = []
    for label, i, j in labels(spec):
        if j is None:
            rows = [("value", got.values[:, i], exact.values[:, i])]
        else:
            modes = [("reverse", got.partials), ("forward", got.forward)]
            rows = [(m, r[:, i, j], exact.partials[:, i, j]) for m, r in modes if r is not None]
        for mode, result, truth in rows:
            found.append(
                Judged(label, mode, figures(result, truth, exact.at), misses(result, truth, exact.at, most))
            )
    return tuple(found)


def holds(targets: Sequence[Judged]) -> bool:
    """Whether every result is within the bar wherever the exact one is a normal number or zero."""
    return not any(t.figures.off for t in targets)


def misses(got: Array, truth: Array, at: Array, most: int = 3) -> tuple[Miss, ...]:
    """The `most` worst results above the bar; of equally bad ones, those at the most ordinary inputs."""
    gap = np.where(representable(truth, got.dtype), ulps(np.ascontiguousarray(got), truth), 0.0)
    size = np.abs(np.log10(np.maximum(np.abs(at.astype(np.float64)), 1e-300))).max(axis=1)
    order = np.lexsort((size, -gap))[:most]
    return tuple(
        Miss(tuple(map(float, at[k])), float(got[k]), float(truth[k]), float(gap[k]))
        for k in order.tolist()
        if gap[k] > BAR
    )
