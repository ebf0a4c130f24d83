"""Exact solutions of several equations, and their partials, in ball arithmetic (Arb).

What Newton's method finds in float64 is certified by Krawczyk's operator: it maps a box around the solution
into the inside of that box, which therefore holds one solution and no other (Krawczyk 1969; Moore, Kearfott
and Cloud, Introduction to Interval Analysis, 2009, section 8.2). Partials are those of the implicit function
theorem over that box.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from flint import arb, arb_mat, ctx

from vjpgen.domain_points import where
from vjpgen.errors import DomainError
from vjpgen.floats import Array
from vjpgen.newton import Newton
from vjpgen.system import System
from vjpgen.truth import Truth

_PRECISIONS = (192, 640, 2560)
_STEPS = 24  # of Newton's method at each precision: digits double
_KNOWN = 60  # bits of a result
_NOTHING = 2.0**-200  # relative changes to one another, of a partial that is zero as far as is known
_SAME = 2.0**-30  # relative, of one solution found twice
_SOLVED = 1e-16  # what a solution in float64 may miss; rounding may leave more of equations that cancel
_WHERE = "say with --assume where there is one, or with --guess where it is sought"
_MAGNITUDES = (0.0, 1e-4, 0.1, 1.0, 3.0, 30.0, 1e4)
_STARTS = 14
_SEED = 11


@dataclass(frozen=True, slots=True)
class Solution:
    """One exact solution.

    Attributes:
        at: the point.
        values: of each unknown.
        partials: by unknown, then by argument.
        second: of each partial in that order, the derivatives by each argument; nan where they are not known.
    """

    at: tuple[float, ...]
    values: tuple[float, ...]
    partials: tuple[tuple[float, ...], ...]
    second: tuple[tuple[float, ...], ...] = ()

    @property
    def targets(self) -> tuple[float, ...]:
        """By unknown, its value, then its partials."""
        return tuple(t for v, row in zip(self.values, self.partials, strict=True) for t in (v, *row))


@dataclass(frozen=True, slots=True)
class _Ball:
    """A certified solution: the box and its partials."""

    values: list[arb]
    partials: list[list[arb]]


class SystemFinder:
    """Solves the equations of one `System`."""

    def __init__(self, spec: System) -> None:
        self.spec, self.newton = spec, Newton(spec)
        self.truth = Truth(spec.residuals, spec.variables)

    def solve(self, at: Array) -> tuple[Array, Array]:
        """The solutions (n, m) at points (n, a), and their partials (n, m, a).

        Raises:
            DomainError: at a point no solution is found or certified, or several are found; says where.
        """
        at = np.asarray(at, np.float64)
        rough = self._guided(at) if self.spec.guess else self._alone(at)
        values, partials = np.empty(rough.shape), np.empty((*rough.shape, at.shape[1]))
        low, high = self.newton.ends(at)
        for i, (row, x) in enumerate(zip(at.tolist(), rough.tolist(), strict=True)):
            found = self.exact(row, x)
            if found is not None:
                values[i] = list(map(float, found.values))
                partials[i] = [list(map(float, p)) for p in found.partials]
            if found is None or not ((values[i] > low[i]) & (values[i] < high[i])).all():
                self._refuse(at[i], "no solution of the equations was found and certified", _WHERE)
        return values, partials

    def references(self, at: Array) -> list[Solution]:
        """The solutions at points (n, a) with first and second derivatives."""
        values, partials = self.solve(at)
        rows = zip(np.asarray(at, float).tolist(), values.tolist(), partials.tolist(), strict=True)
        return [Solution(tuple(r), tuple(v), tuple(map(tuple, p)), self._second(r, v)) for r, v, p in rows]

    def exact(self, row: Sequence[float | arb], rough: Sequence[float]) -> _Ball | None:
        """The solution near `rough`; None where it could not be certified."""
        return next((r for p in _PRECISIONS if (r := self._exact(row, rough, p)) is not None), None)

    def _guided(self, at: Array) -> Array:
        """Where the guess leads."""
        return self.newton.solve(at, self.newton.guesses(at))[0]

    def _alone(self, at: Array) -> Array:
        """The one solution that many starts lead to."""
        low, high = self.newton.ends(at)
        rows, starts = np.repeat(at, _STARTS, 0), self._starts(low, high)
        ended, missed = self.newton.solve(rows, starts.reshape(-1, starts.shape[2]))
        ended, missed = ended.reshape(starts.shape), missed.reshape(starts.shape[:2])
        solved = missed <= _SOLVED
        first = ended[np.arange(len(at)), missed.argmin(1)]
        near = (np.abs(ended - first[:, None]) <= _SAME * (np.abs(ended) + np.abs(first[:, None]))).all(2)
        for i in np.flatnonzero((solved & ~near).any(1)).tolist():
            other = ended[i, np.flatnonzero(solved[i] & ~near[i])[0]]
            both = [self.exact(at[i].tolist(), x.tolist()) for x in (first[i], other)]
            if None not in both and not _meet(*both):  # type: ignore[arg-type]
                some = " and ".join(f"({', '.join(f'{v:.3g}' for v in x)})" for x in (first[i], other))
                names = ", ".join(self.spec.unknowns)
                hint = (
                    f"choose one by an assumption such as --assume '{self.spec.unknowns[0]} > 0' or a --guess"
                )
                self._refuse(at[i], f"the equations have the solutions ({names}) = {some}", hint)
        return np.asarray(first)

    def _starts(self, low: Array, high: Array) -> Array:
        """Starts (n, s, m): numbers of both signs and many sizes, between the bounds."""
        rng, (count, unknowns) = np.random.default_rng(_SEED), low.shape
        size = rng.choice(_MAGNITUDES, (_STARTS, unknowns)) * rng.choice([-1.0, 1.0], (_STARTS, unknowns))
        size[:2] = [[1.0], [0.1]]
        share = rng.uniform(0.02, 0.98, (_STARTS, unknowns))
        low, high = low[:, None], high[:, None]
        with np.errstate(all="ignore"):
            between = low + (high - low) * share
            one = np.where(np.isfinite(low), low + np.abs(size) + 1e-3, high - np.abs(size) - 1e-3)
        free = np.broadcast_to(size, (count, _STARTS, unknowns))
        whole = np.isfinite(low) & np.isfinite(high)
        return np.where(whole, between, np.where(np.isfinite(low) | np.isfinite(high), one, free))

    def _exact(self, row: Sequence[float | arb], rough: Sequence[float], precision: int) -> _Ball | None:
        with _precision(precision):
            given, x = [arb(v) for v in row], [arb(v) for v in rough]
            for _ in range(_STEPS):
                cells = self._at(given, x)
                if cells is None:
                    return None
                change = _solved(cells[1], [[f] for f in cells[0]])
                if change is None:
                    return None
                x = [(v - d[0]).mid() for v, d in zip(x, change, strict=True)]
                near = arb(2) ** (-2 * precision // 3)
                if all(bool(abs(d[0]) <= abs(v) * near) for v, d in zip(x, change, strict=True)):
                    break
            return self._krawczyk(given, x)

    def _krawczyk(self, given: list[arb], x: list[arb]) -> _Ball | None:
        share = arb(2) ** (-ctx.prec // 2)
        width = [abs(v) * share if v != 0 else arb(2) ** -1000 for v in x]
        box = [v + arb(0, w) for v, w in zip(x, width, strict=True)]
        point, whole = self._at(given, x), self._at(given, box)
        if point is None or whole is None:
            return None
        count = len(x)
        middle = arb_mat([[c.mid() for c in r] for r in point[1]])
        try:
            inverse = arb_mat([[c.mid() for c in r] for r in middle.inv().tolist()])
        except ZeroDivisionError:
            return None
        one = arb_mat([[arb(i == j) for j in range(count)] for i in range(count)])
        spread = arb_mat([[arb(0, w)] for w in width])
        residuals = arb_mat([[f] for f in point[0]])
        rest = (one - inverse * arb_mat(whole[1])) * spread - inverse * residuals
        moved = [r[0] for r in rest.tolist()]
        if not all(bool(abs(m) < w) for m, w in zip(moved, width, strict=True)):
            return None
        slopes = _solved(whole[1], whole[2])
        if slopes is None:
            return None
        partials = [
            [_certain(-s, v, a) for s, a in zip(r, given, strict=True)]
            for r, v in zip(slopes, x, strict=True)
        ]
        known = [[s for s in r if s is not None] for r in partials]
        if sum(map(len, known)) < count * len(given):
            return None
        return _Ball([v + m for v, m in zip(x, moved, strict=True)], known)

    def _at(
        self, given: list[arb], x: list[arb]
    ) -> tuple[list[arb], list[list[arb]], list[list[arb]]] | None:
        """Residuals, their slopes by the unknowns and by the arguments; None where one is not finite."""
        (cells,) = self.truth.balls([[*given, *x]], ctx.prec, partials=True)
        if not all(isinstance(c, arb) and c.is_finite() for c in cells):
            return None
        count, width = len(x), len(given) + len(x)
        balls = [c for c in cells if isinstance(c, arb)]
        rows = [balls[count + i * width : count + (i + 1) * width] for i in range(count)]
        return balls[:count], [r[len(given) :] for r in rows], [r[: len(given)] for r in rows]

    def _second(self, row: Sequence[float], values: Sequence[float]) -> tuple[tuple[float, ...], ...]:
        """Differences of exact partials over a relative 2**-40: far closer than a float64."""
        with _precision(_PRECISIONS[1]):
            columns = []
            for k, v in enumerate(row):
                step = arb(abs(v) if v else 1.0) * 2.0**-40
                ends = [[arb(x) + s * step * (j == k) for j, x in enumerate(row)] for s in (-1, 1)]
                below, above = (self.exact(end, values) for end in ends)
                count = len(values) * len(row)
                if below is None or above is None:
                    columns.append([np.nan] * count)
                    continue
                pairs = [(a, b) for r, s in zip(below.partials, above.partials, strict=True)
                         for a, b in zip(r, s, strict=True)]  # fmt: skip
                columns.append([float(((b - a) / (2 * step)).mid()) for a, b in pairs])
            return tuple(zip(*columns, strict=True))

    def _refuse(self, row: Array, what: str, hint: str) -> None:
        raise DomainError(f"{what} at {where(self.spec, row)}", hint=hint)


def _meet(one: _Ball, other: _Ball) -> bool:
    return all(a.overlaps(b) for a, b in zip(one.values, other.values, strict=True))


def _certain(partial: arb, x: arb, a: arb) -> arb | None:
    """The partial of x by a where it is known to enough digits, 0 where it is next to nothing, else None."""
    if partial == 0 or partial.rel_accuracy_bits() >= _KNOWN:
        return partial
    return arb(0) if abs(partial * a) <= abs(x) * _NOTHING else None


def _solved(rows: list[list[arb]], right: list[list[arb]]) -> list[list[arb]] | None:
    try:
        found: list[list[arb]] = arb_mat(rows).solve(arb_mat(right)).tolist()
    except ZeroDivisionError:
        return None
    return found if all(c.is_finite() for r in found for c in r) else None


@contextmanager
def _precision(bits: int) -> Iterator[None]:
    before, ctx.prec = ctx.prec, bits
    try:
        yield
    finally:
        ctx.prec = before
