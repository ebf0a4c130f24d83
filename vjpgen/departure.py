"""How far a gradient that is meant is from the derivative of the value, by exact arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vjpgen.floats import Array
from vjpgen.points import Points
from vjpgen.spec import Spec
from vjpgen.truth import Truth

FIRST = "The gradient is not the derivative of the value."
_SAME = 2.0**-40  # relative; both numbers are exact but for the rounding of float64


@dataclass(frozen=True, slots=True)
class Departure:
    """The distance of one partial, for a cotangent of one, from the derivative.

    Attributes:
        output, argument: whose partial.
        points: where both are defined and finite.
        differ: at how many of these they differ.
        median, largest: absolute differences, over the points where they differ; 0 where they do not.
    """

    output: int
    argument: int
    points: int
    differ: int
    median: float
    largest: float


def departures(spec: Spec, sample: Points) -> tuple[Departure, ...]:
    """One for each partial that is changed or clipped; none where the gradient is the derivative."""
    if spec.meant is None:
        return ()
    derivative = Truth(spec.outputs, spec.args).with_partials(sample.at.astype(np.float64))[1]
    found = []
    for i in range(len(spec.outputs)):
        for j, clip in enumerate(spec.clips):
            if spec.changed(i, j) or clip is not None:
                meant = sample.truth_partials[:, i, j]
                meant = meant if clip is None else np.clip(meant, *clip)
                found.append(_departure(i, j, meant, derivative[:, i, j]))
    return tuple(found)


def _departure(i: int, j: int, meant: Array, derivative: Array) -> Departure:
    both = np.isfinite(meant) & np.isfinite(derivative)
    one, other = meant[both], derivative[both]
    gap = np.abs(one - other)
    gap = gap[gap > _SAME * np.maximum(np.abs(one), np.abs(other))]
    median, largest = (float(np.median(gap)), float(gap.max())) if len(gap) else (0.0, 0.0)
    return Departure(i, j, int(both.sum()), len(gap), median, largest)


def sentences(spec: Spec, found: tuple[Departure, ...]) -> tuple[str, ...]:
    """That the gradient is not the derivative, what it is, and how far from it; none where it is."""
    if spec.meant is None:
        return ()
    return (FIRST, *spec.meant.stated, *(_sentence(spec, d) for d in found))


def _sentence(spec: Spec, d: Departure) -> str:
    which = f" to {spec.args[d.argument]}" if len(spec.args) > 1 else ""
    which += f" of {spec.out(d.output)}" if spec.several else ""
    unit = " for a cotangent of 1" if spec.clips[d.argument] else ""
    if not d.points:
        return f"The gradient{which}{unit} is nowhere finite together with the derivative."
    far = f", by {d.median:.3g} in the median and {d.largest:.3g} at most" if d.differ else ""
    return f"The gradient{which}{unit} differs from the derivative at {d.differ} of {d.points} points{far}."
