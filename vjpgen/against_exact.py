"""A generated module against exact values and partials: figures, what is missed, and both in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vjpgen.domain_points import Domain, in_words
from vjpgen.floats import Array, representable, ulps
from vjpgen.measured import Measured
from vjpgen.report import figures

if TYPE_CHECKING:
    from vjpgen.report import Figures
    from vjpgen.roots import Reference

ByTarget = tuple[tuple[str, "Figures"], ...]


def cut(got: Measured, rows: slice) -> Measured:
    """What was measured at some of the points."""
    forward = None if got.forward is None else got.forward[rows]
    return Measured(got.values[rows], got.partials[rows], forward, got.residual_bytes)


def measured(args: Sequence[str], at: Array, values: Array, partials: Array, got: Any) -> ByTarget:
    """Errors of the value and of the partials; of a partial those of the mode that is worse."""
    found = [("value", figures(got.values[:, 0], values, at))]
    for j, a in enumerate(args):
        both = [
            figures(np.ascontiguousarray(p[:, 0, j]), partials[:, j], at) for p in (got.partials, got.forward)
        ]
        found.append((f"d/d{a}", max(both, key=lambda f: f.max_ulps if f.points else -1.0)))
    return tuple(found)


def misses(references: Sequence[Reference], got: Any) -> list[list[float]]:
    """Errors in ulps at the references, of the value and of each partial in the mode that is worse."""

    def gap(found: Array, exact: Array) -> Array:
        return np.where(representable(exact, np.float32), ulps(np.ascontiguousarray(found), exact), 0.0)

    exact = np.array([r.partials for r in references])
    columns = [gap(got.values[:, 0], np.array([r.value for r in references]))]
    for j in range(exact.shape[1]):
        columns.append(np.maximum(*(gap(p[:, 0, j], exact[:, j]) for p in (got.partials, got.forward))))
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
