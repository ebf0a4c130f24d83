"""Exact solutions of an equation, and their partials, in ball arithmetic (Arb).

A float64 bisection over the bit patterns finds where the residual of the user's own equation changes sign;
Newton's method in balls goes on from there; a solution counts once the signs on both sides of it, a relative
2**-240 apart, are certain. Its partials follow from the implicit function theorem at the ball that holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb, ctx

from vjpgen.errors import DomainError
from vjpgen.evaluation import evaluate
from vjpgen.floats import Array, ordinals
from vjpgen.implicit import Bound, Implicit
from vjpgen.truth import Truth

Signs = Callable[[Array, Array], Array]
_HUGE = 1e300  # the residual is looked at no farther out
_GRID = 193
_SCANNED = 16
_STEPS = 70  # of bisection: more than the bits of a float64
_NEWTON = 600
_MARGIN = 2.0**-40  # of the bracket around a solution in float64
_PRECISIONS = (320, 2560)
_WIDTH = 2.0**-240
_SIGNS = (64, 320, 2560)


@dataclass(frozen=True, slots=True)
class Roots:
    """Solutions at some points, as float64 numbers rounded once.

    Attributes:
        values: (n,), nan where no solution was certified.
        partials: (n, a).
        rising: (n,), whether the residual rises through zero.
    """

    values: Array
    partials: Array
    rising: Array


@dataclass(frozen=True, slots=True)
class Reference:
    """One exact solution.

    Attributes:
        at: the point.
        value: the solution.
        partials: by each argument.
        second: of each partial, the derivatives by each argument; nan where they are not known.
    """

    at: tuple[float, ...]
    value: float
    partials: tuple[float, ...]
    second: tuple[tuple[float, ...], ...]

    @property
    def targets(self) -> tuple[float, ...]:
        """The value, then the partials."""
        return (self.value, *self.partials)


class RootFinder:
    """Solves the equation of one `Implicit`."""

    def __init__(self, spec: Implicit) -> None:
        self.spec, self.residual = spec, spec.residual
        self.truth = Truth((spec.residual,), spec.variables)
        self.ends = [None if b is None else Truth((b.at,), spec.args) for b in (spec.low, spec.high)]

    def solve(self, at: Array) -> Roots:
        """The solutions at points (n, a).

        Raises:
            DomainError: there is no solution at a point, or there are several; says where.
        """
        at = np.asarray(at, np.float64)
        found = self._solve(at, self.signs)
        lost = np.isnan(found.values)
        if lost.any():
            again = self._solve(at[lost], self.certain_signs)
            for mine, theirs in zip(_parts(found), _parts(again), strict=True):
                mine[lost] = theirs
        return found

    def _solve(self, at: Array, signs: Signs) -> Roots:
        low, high = self._bracket(at, signs)
        rough = self._bisect(at, low, high, signs)
        values, partials = np.full(len(at), np.nan), np.full(at.shape, np.nan)
        rising = np.zeros(len(at), bool)
        for i, row in enumerate(at.tolist()):
            found = self.exact([arb(x) for x in row], float(rough[i]))
            if found is None:
                continue
            values[i] = float(found[0])
            partials[i] = [_to_float(p) for p in found[1]]
            rising[i] = bool(found[2] > 0)
        return Roots(values, partials, rising)

    def references(self, at: Array) -> list[Reference]:
        """The solutions at points (n, a) with first and second derivatives."""
        found = self.solve(at)
        rows = zip(
            np.asarray(at, float).tolist(), found.values.tolist(), found.partials.tolist(), strict=True
        )
        return [Reference(tuple(x), y, tuple(p), self._second(x, y)) for x, y, p in rows if np.isfinite(y)]

    def _second(self, row: Sequence[float], value: float) -> tuple[tuple[float, ...], ...]:
        """Differences of exact partials over a relative 2**-60, where their error is far below a float64."""
        before, ctx.prec = ctx.prec, _PRECISIONS[0]
        try:
            columns = []
            for k, x in enumerate(row):
                step = arb(abs(x) if x else 1.0) * 2.0**-60
                ends = [[arb(v) + s * step * (j == k) for j, v in enumerate(row)] for s in (-1, 1)]
                sides = [self.exact(end, value) for end in ends]
                if sides[0] is None or sides[1] is None:
                    columns.append([np.nan] * len(row))
                    continue
                low, high = sides[0][1], sides[1][1]
                columns.append([_to_float((b - a) / (2 * step)) for a, b in zip(low, high, strict=True)])
            return tuple(tuple(c[j] for c in columns) for j in range(len(row)))
        finally:
            ctx.prec = before

    def unsolvable(self, row: Array) -> bool:
        """Whether the residual certainly has one sign all over the range at a point."""
        try:
            self._bracket(np.asarray(row, np.float64)[None], self.certain_signs)
        except DomainError as error:
            return "no solution" in error.message
        return False

    def exact(self, row: Sequence[arb], rough: float) -> tuple[arb, list[arb], arb] | None:
        """The solution near `rough`, its partials, and the slope of the residual by the unknown.

        None where the solution could not be certified.
        """
        return next((r for p in _PRECISIONS if (r := self._exact(row, rough, p)) is not None), None)

    def _exact(self, row: Sequence[arb], rough: float, precision: int) -> tuple[arb, list[arb], arb] | None:
        before, ctx.prec = ctx.prec, precision
        try:
            y = self._newton(row, rough, precision)
            if y is None:
                return None
            f, *_ = self._at(row, y, precision)
            if f is None:
                return None
            zero = bool(f == 0)
            if not zero:
                width = abs(y) * _WIDTH
                below, above = (self._at(row, y + w, precision)[0] for w in (-width, width))
                if below is None or above is None or not (below * above < 0):
                    return None
            ball = y if zero else y + arb(0, abs(y) * _WIDTH)
            _, *slopes = self._at(row, ball, precision)
            if any(s is None or not s.is_finite() for s in slopes) or slopes[-1].contains(0):
                return None
            return y, [-s / slopes[-1] for s in slopes[:-1]], slopes[-1]
        finally:
            ctx.prec = before

    def _newton(self, row: Sequence[arb], rough: float, precision: int) -> arb | None:
        """Newton's method; where a step leaves what is left of the bracket or does not halve, bisection."""
        y, last = arb(rough), None
        low, high = sorted((y * (1 - _MARGIN), y * (1 + _MARGIN)), key=float)
        below, above = (self._at(row, end, precision)[0] for end in (low, high))
        if rough and (below is None or above is None or not below * above < 0):
            return None  # float64 led astray
        rises = above is not None and bool(above > 0)
        for _ in range(_NEWTON):
            f, *slopes = self._at(row, y, precision)
            if f is None or slopes[-1] is None or f == 0:
                return y if f is not None else None
            if f > 0 or f < 0:
                low, high = (low, y) if bool(f > 0) == rises else (y, high)
            step = (f / slopes[-1]).mid()
            if step.is_finite() and abs(step) < abs(y) * _WIDTH / 16:
                return (y - step).mid()
            after = (y - step).mid()
            good = step.is_finite() and low < after < high and (last is None or abs(step) < last / 2)
            last = abs(step) if good else (high - low) / 2
            y = after if good else ((low + high) / 2).mid()
        return None

    def _at(self, row: Sequence[arb], y: arb, precision: int) -> tuple[arb, ...]:
        (found,) = self.truth.balls([[*row, y]], precision, partials=True)
        return found  # type: ignore[return-value]

    def _bracket(self, at: Array, signs: Signs) -> tuple[Array, Array]:
        """Keys between which the residual changes its sign once; strict bounds stay outside."""
        ends = [np.full(len(at), s * _HUGE) for s in (-1.0, 1.0)]
        for k, (truth, bound) in enumerate(zip(self.ends, (self.spec.low, self.spec.high), strict=True)):
            if truth is not None and bound is not None:
                ends[k] = np.clip(truth.values(at)[:, 0], -_HUGE, _HUGE)
                if np.isnan(ends[k]).any():
                    self._refuse(at[np.isnan(ends[k])][0], f"the bound of {self.spec.unknown} is no number")
        low, high = (ordinals(e) for e in ends)
        low, high = low + _inward(self.spec.low), high - _inward(self.spec.high)
        whole = np.arange(len(at)) if signs == self.signs else self._unlike(at, low, high)
        low[whole], high[whole] = self._scan(at[whole], low[whole], high[whole], signs)
        return low, high

    def _unlike(self, at: Array, low: Array, high: Array) -> Array:
        """Rows that have to be scanned by balls, which is slow: a few, and those with ends of one sign."""
        ends = self.certain_signs(at, _number(low)), self.certain_signs(at, _number(high))
        return np.flatnonzero(~(ends[0] * ends[1] < 0) | (np.arange(len(at)) < _SCANNED))

    def _scan(self, at: Array, low: Array, high: Array, signs: Signs) -> tuple[Array, Array]:
        """Keys of neighbours on a grid between which the residual changes its sign."""
        share = np.linspace(0.0, 1.0, _GRID)[None]
        even = np.round(low.astype(float)[:, None] * (1 - share) + high.astype(float)[:, None] * share)
        grid = np.concatenate([even.astype(np.int64), _usual(low)], axis=1)
        grid = np.sort(np.clip(grid, low[:, None], high[:, None]), axis=1)
        rows = np.repeat(at, grid.shape[1], axis=0)
        found = signs(rows, _number(grid.ravel())).reshape(grid.shape)
        for i in range(len(at)):
            if len(_changes(grid[i], found[i])) != 1:
                again = np.repeat(at[i : i + 1], grid.shape[1], axis=0)
                found[i] = self.certain_signs(again, _number(grid[i]))
        return self._between(at, grid, found)

    def _between(self, at: Array, grid: Array, signs: Array) -> tuple[Array, Array]:
        """The two neighbours on the grid between which the sign changes."""
        low, high = np.zeros(len(at), np.int64), np.zeros(len(at), np.int64)
        for i in range(len(at)):
            places = _changes(grid[i], signs[i])
            if not len(places):
                self._refuse(at[i], "the equation has no solution", self._range())
            if len(places) > 1:
                some = " and ".join(f"{_number(np.array(sum(p) // 2)):.3g}" for p in places[:2])
                hint = f"choose one by an assumption such as --assume '{self.spec.unknown} > 0'"
                self._refuse(at[i], f"the equation has solutions near {self.spec.unknown} = {some}", hint)
            low[i], high[i] = places[0]
        return low, high

    def _bisect(self, at: Array, low: Array, high: Array, signs: Signs) -> Array:
        left = signs(at, _number(low))
        for _ in range(_STEPS):
            middle = (low >> 1) + (high >> 1) + (low & high & 1)
            sign = signs(at, _number(middle))
            same = sign == left
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        return _number(high)

    def signs(self, at: Array, y: Array) -> Array:
        """The signs of the residual, by float64 and, where that gives none, by balls; nan if undefined."""
        env = {a: np.ascontiguousarray(c) for a, c in zip(self.spec.args, at.T, strict=True)}
        with np.errstate(all="ignore"):
            found = np.sign(
                np.broadcast_to(evaluate(self.residual, {**env, self.spec.unknown: y}, np.float64), y.shape)
            )
        found = np.array(found, np.float64)
        for i in np.flatnonzero(np.isnan(found) | (found == 0)).tolist():
            found[i] = self._certain([*at[i].tolist(), float(y[i])])
        return found

    def certain_signs(self, at: Array, y: Array) -> Array:
        """The same by balls alone, slower."""
        rows = np.concatenate([at, y[:, None]], axis=1).tolist()
        return np.array([self._certain(row) for row in rows])

    def _certain(self, row: list[float]) -> float:
        for precision in _SIGNS:
            ((cell,),) = self.truth.balls([row], precision)
            if not isinstance(cell, arb):
                return np.nan
            if cell > 0 or cell < 0 or cell == 0:
                return float(cell > 0) - float(cell < 0)
        return np.nan

    def _range(self) -> str:
        unknown = self.spec.unknown
        if self.spec.low is None and self.spec.high is None:
            return "say with --assume for which arguments there is one"
        return f"say with --assume for which arguments there is one in the range given for {unknown}"

    def _refuse(self, row: Array, what: str, hint: str = "") -> None:
        where = ", ".join(f"{a} = {x:.9g}" for a, x in zip(self.spec.args, row, strict=True))
        raise DomainError(f"{what} at {where}", hint=hint)


def _inward(bound: Bound | None) -> int:
    return int(bound is not None and bound.strict)


def _number(keys: Array) -> Array:
    """The float64 of which `ordinals` are the keys."""
    magnitude = np.abs(keys).astype(np.int64).view(np.float64)
    return np.asarray(np.where(keys < 0, -magnitude, magnitude))


def _changes(grid: Array, signs: Array) -> list[tuple[int, int]]:
    """Neighbours of known sign between which it changes, and zeros."""
    known = np.flatnonzero(~np.isnan(signs) & (signs != 0))
    s, k = signs[known], grid[known]
    zeros = np.unique(grid[signs == 0])
    spans = [(int(k[c]), int(k[c + 1])) for c in np.flatnonzero(s[1:] * s[:-1] < 0)]
    spans = [(a, b) for a, b in spans if not ((zeros > a) & (zeros < b)).any()]
    return spans + [(int(z), int(z)) for z in zeros]


def _parts(roots: Roots) -> tuple[Array, ...]:
    return roots.values, roots.partials, roots.rising


def _usual(like: Array) -> Array:
    """Keys of ordinary numbers, for every point alike."""
    spread = np.concatenate(
        [np.linspace(-20, 20, 81), *(s * 10.0 ** np.linspace(-6, 6, 49) for s in (-1, 1))]
    )
    return np.broadcast_to(ordinals(spread), (len(like), len(spread)))


def _to_float(ball: arb) -> float:
    return float(ball) if ball.is_finite() else np.nan
