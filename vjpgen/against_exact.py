"""A generated module against exact values and partials: figures, what is missed, and both in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from vjpgen.domain_points import Domain, in_words
from vjpgen.floats import Array, representable, ulps
from vjpgen.measured import Measured
from vjpgen.report import figures

if TYPE_CHECKING:
    from vjpgen.report import Figures

ByTarget = tuple[tuple[str, "Figures"], ...]


def cut(got: Measured, rows: slice) -> Measured:
    """What was measured at some of the points."""
    forward = None if got.forward is None else got.forward[rows]
    return Measured(got.values[rows], got.partials[rows], forward, got.residual_bytes)


def measured(
    args: Sequence[str], at: Array, values: Array, partials: Array, got: Any, outputs: Sequence[str] = ("",)
) -> ByTarget:
    """Errors of each value and of its partials; of a partial those of the mode that is worse.

    Args:
        args: names of the arguments.
        at: (n, a), the points.
        values: (n,), or (n, m) where there are several outputs.
        partials: (n, a), or (n, m, a).
        got: `measured.Measured` there.
        outputs: names of the outputs; one that is empty where there are not several.
    """
    values, partials = values.reshape(len(at), -1), partials.reshape(len(at), -1, len(args))
    found = []
    for i, out in enumerate(outputs):
        found.append((out or "value", figures(got.values[:, i], values[:, i], at)))
        for j, a in enumerate(args):
            both = [
                figures(np.ascontiguousarray(p[:, i, j]), partials[:, i, j], at)
                for p in (got.partials, got.forward)
            ]
            found.append((f"d{out}/d{a}", max(both, key=lambda f: f.max_ulps if f.points else -1.0)))
    return tuple(found)


class Targets(Protocol):
    """Exact results at a point."""

    @property
    def targets(self) -> tuple[float, ...]: ...


def misses(references: Sequence[Targets], got: Any) -> list[list[float]]:
    """Errors in ulps at the references, of each value and its partials in the mode that is worse."""
    exact = iter(np.array([r.targets for r in references]).T)

    def gap(found: Array, truth: Array) -> Array:
        return np.where(representable(truth, np.float32), ulps(np.ascontiguousarray(found), truth), 0.0)

    columns = []
    for i in range(got.values.shape[1]):
        columns.append(gap(got.values[:, i], next(exact)))
        for j in range(got.partials.shape[2]):
            truth = next(exact)
            columns.append(np.maximum(*(gap(p[:, i, j], truth) for p in (got.partials, got.forward))))
    found: list[list[float]] = np.column_stack(columns).tolist()
    return found


def good(found: ByTarget, enough: float) -> bool:
    """Whether nothing is far off, and no more than `enough` bits are missing on average."""
    return all(not f.off and not f.mean_bits > enough for _, f in found)


def shortfall(found: ByTarget) -> tuple[int, float]:
    """How many results are far off, and how many bits are missing on average."""
    return sum(f.off for _, f in found), sum(f.mean_bits for _, f in found if f.points)


def sentence(domain: Domain, label: str, f: Figures) -> str:
    """The figures of one target, for the module's docstring."""
    if not f.points:
        return f"{label}: nowhere a normal float32 number on {in_words(domain)}"
    return (
        f"{label}: at most {f.max_ulps:.0f} ulp, 99% within {f.p99_ulps:.0f}, mean {f.mean_bits:.2f} bits,"
        f" over {f.points} float32 points of {in_words(domain)}"
    )
