"""Symmetries of a formula that its exact values show: what it becomes when arguments change their sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vjpgen.expr import Expr, substitute, var
from vjpgen.floats import Array
from vjpgen.tidy import tidy
from vjpgen.truth import Truth

_ROWS = 24
_CLOSE = 1e-12


@dataclass(frozen=True, slots=True)
class Mirror:
    """A formula is `sign` times itself when the signs of `flipped` change.

    Attributes:
        flipped: names of arguments.
        sign: 1 where it is even in them, -1 where it is odd.
    """

    flipped: tuple[str, ...]
    sign: int

    def image(self, e: Expr) -> Expr:
        """An equal formula that computes on one side what `e` computes on the other."""
        there = tidy(substitute(e, {var(a): -var(a) for a in self.flipped}))
        return there if self.sign > 0 else tidy(-there)


def mirrors(formula: Expr, args: Sequence[str], at: Array) -> tuple[Mirror, ...]:
    """The sign changes, of one argument or of all, that leave the size of the formula as it is.

    Args:
        formula: a smooth formula over `args`.
        at: (n, a) points; an argument whose sign never changes there has no mirror image.
    """
    free = [k for k in range(len(args)) if (at[:, k] > 0).any() and (at[:, k] < 0).any()]
    flips = [(k,) for k in free] + ([tuple(free)] if len(free) > 1 else [])
    if not flips:
        return ()
    rows, truth = at[:_ROWS].astype(np.float64), Truth((formula,), tuple(args))
    here, found = truth.values(rows)[:, 0], []
    for flip in flips:
        there = rows.copy()
        there[:, flip] *= -1
        ratio = _ratio(truth.values(there)[:, 0], here)
        for sign in (1, -1):
            if len(ratio) >= _ROWS // 3 and (np.abs(ratio - sign) < _CLOSE).all():
                found.append(Mirror(tuple(args[k] for k in flip), sign))
    return tuple(found)


def _ratio(there: Array, here: Array) -> Array:
    """Quotients where both values are finite and not 0; NaN where one of them alone is undefined."""
    known = np.isfinite(here) & np.isfinite(there) & (here != 0)
    lone = np.isnan(here) != np.isnan(there)
    with np.errstate(over="ignore"):
        ratio = there[known] / here[known]
    return np.concatenate([ratio, np.full(int(lone.sum()), np.nan)])
