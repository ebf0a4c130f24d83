"""Solutions of several equations in float64: a damped Newton's method, from many starts at once.

A step is shortened until the sum of squared relative residuals falls (Dennis and Schnabel, Numerical Methods
for Unconstrained Optimization and Nonlinear Equations, 1983, section 6.3), and ends within the bounds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vjpgen import plainly
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr
from vjpgen.floats import Array
from vjpgen.implicit import Bound
from vjpgen.system import System

_STEPS = 200
_SHORTER = 8  # times: to the share 2**-255
_SHARE = 0.875  # of the way to a bound, at most


class Newton:
    """Newton's method on the equations of one `System`."""

    def __init__(self, spec: System) -> None:
        self.spec = spec
        self.slopes = [[plainly.partial(r, u) for u in spec.unknowns] for r in spec.residuals]

    def ends(self, at: Array) -> tuple[Array, Array]:
        """The bounds of the unknowns (n, m) at points of the arguments (n, a), a float beyond closed ones."""
        env = _columns(self.spec.args, at)

        def end(bound: Bound | None, side: float) -> Array:
            if bound is None:
                return np.full(len(at), side)
            found = _column(bound.at, env, len(at))
            return np.asarray(found if bound.strict else np.nextafter(found, side))

        low = [end(low, -np.inf) for low, _ in self.spec.bounds]
        high = [end(high, np.inf) for _, high in self.spec.bounds]
        return np.column_stack(low), np.column_stack(high)

    def guesses(self, at: Array) -> Array:
        """Where the user lets the iteration start (n, m)."""
        env = _columns(self.spec.args, at)
        columns = [_column(g, env, len(at)) for g in self.spec.guess]
        return self.within(np.column_stack(columns), *self.ends(at))

    def within(self, start: Array, low: Array, high: Array) -> Array:
        """The same starts, those beyond a bound brought inside."""
        with np.errstate(all="ignore"):
            span = high - low
            middle = np.where(np.isfinite(span), low + span / 2, np.where(np.isfinite(low), low, high))
            step = np.where(np.isfinite(span), 0.0, np.maximum(1.0, np.abs(middle)))
            safe = middle + np.where(np.isfinite(low), step, -step)
        return np.where((start > low) & (start < high), start, safe)

    def solve(self, at: Array, start: Array) -> tuple[Array, Array]:
        """Where the iteration ends (n, m) from starts (n, m), and what the equations miss there."""
        low, high = self.ends(at)
        here, moving = start.copy(), np.arange(len(at))
        with np.errstate(all="ignore"):
            for _ in range(_STEPS):
                rows, x = at[moving], here[moving]
                least, sizes = self.misfit(rows, x)
                change = self.change(rows, x)
                share = np.ones(len(moving))
                for _ in range(_SHORTER):
                    after = _moved(x, change, share, low[moving], high[moving])
                    good = self.misfit(rows, after, sizes)[0] < least
                    if good.all():
                        break
                    share = np.where(good, share, share**2 / 2)
                moving = moving[good]
                here[moving] = after[good]
                if not len(moving):
                    break
            return here, self.misfit(at, here)[0]

    def misfit(self, at: Array, x: Array, before: Array | None = None) -> tuple[Array, Array]:
        """The sum of the squares of the residuals, and the sizes (n, m) of the sides of the equations.

        Residuals count relative to these sizes and those `before`: a step that shrinks both sides alike is
        one ahead, and of the residuals relative to the sizes alone Newton's step is no descent.
        """
        env = _columns(self.spec.variables, np.concatenate([at, x], 1))
        sides = [[_column(e, env, len(at)) for e in both] for both in self.spec.sides]
        left, right = (np.stack(column, 1) for column in zip(*sides, strict=True))
        sizes = np.abs(left) + np.abs(right)
        both = sizes + (sizes if before is None else before)
        relative = np.where(left == right, 0.0, (left - right) / both)
        total = (relative**2).sum(1)
        return np.where(np.isfinite(total), total, np.inf), sizes

    def change(self, at: Array, x: Array) -> Array:
        """Newton's step, by Gaussian elimination on rows and columns of one size; nan where there is none."""
        env = _columns(self.spec.variables, np.concatenate([at, x], 1))

        def column(e: Expr) -> Array:
            return _column(e, env, len(at))

        with np.errstate(all="ignore"):
            size = np.where(x == 0, 1.0, np.abs(x))
            rows = np.stack([np.stack([column(e) for e in row], 1) for row in self.slopes], 1) * size[:, None]
            right = np.stack([-column(r) for r in self.spec.residuals], 1)
            top = np.abs(rows).max(2)
            rows, right = rows / top[:, :, None], right / top
            good = np.isfinite(rows).all((1, 2)) & np.isfinite(right).all(1)
            good[good] &= np.abs(np.linalg.det(rows[good])) > 0
            found = np.full(x.shape, np.nan)
            if good.any():
                found[good] = np.linalg.solve(rows[good], right[good][:, :, None])[:, :, 0] * size[good]
        return found


def _moved(x: Array, change: Array, share: Array, low: Array, high: Array) -> Array:
    after = x + share[:, None] * change
    after = np.where(after <= low, x - _SHARE * (x - low), after)
    return np.where(after >= high, x + _SHARE * (high - x), after)


def _column(e: Expr, env: dict[str, Array], count: int) -> Array:
    return np.asarray(np.broadcast_to(evaluate(e, env, np.float64), (count,)))


def _columns(names: Sequence[str], at: Array) -> dict[str, Array]:
    return {a: np.ascontiguousarray(c, np.float64) for a, c in zip(names, at.T, strict=True)}
