"""Exact integrals and their partials, in ball arithmetic (Arb).

Proper integrals are enclosed by Petras' algorithm (Johansson, Numerical integration in arbitrary-precision
ball arithmetic, ICMS 2018). Where an end is infinite, the integrand singular there or the enclosure too wide,
the double-exponential rule (Takahasi and Mori 1974) is halved until two steps agree to 2**-64 and nothing is
left beyond. Partials are Leibniz' rule over the user's own formula, by dual numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from flint import acb, arb, ctx

from vjpgen.complex_ops import Program
from vjpgen.errors import InputError
from vjpgen.expr import Expr, substitute, var
from vjpgen.integral import Integral
from vjpgen.roots import Reference
from vjpgen.truth import Truth

_PRECISION = 128
_KNOWN = 60  # bits of a result
_FAR = ((100, 288), (500, 864))  # how far the logarithm of the distance from an end goes, and the precision
_AGREED = arb(2) ** -64
_FIRST, _LAST = 16, 1024  # steps to one
_EVALUATIONS = 5_000
_STEP = 2.0**-20  # relative, of differences of partials
Sums = list[arb]


class IntegralTruth:
    """Exact values and partials of one `Integral`."""

    def __init__(self, spec: Integral) -> None:
        self.spec = spec
        self._program = Program(spec.integrand, spec.variables)
        if self._program.missing:
            raise InputError(
                f"an integrand with '{self._program.missing}' cannot be integrated exactly",
                hint="docs/integrals.md lists what can",
            )
        self._balls = Truth((spec.integrand,), spec.variables)
        self._ends = [_End.of(spec, e) for e in (spec.low, spec.high)]
        self._moving = [j for j, a in enumerate(spec.args) if a in spec.integrand.names]

    def at(self, row: Sequence[float]) -> tuple[float, tuple[float, ...]]:
        """The value and the partials at a point, rounded once; nan where they are not certain."""
        with _precision(_PRECISION):
            value, partials = self._both([arb(x) for x in row])
        return _float(value), tuple(map(_float, partials))

    def reference(self, row: Sequence[float]) -> Reference:
        """The same, and the derivatives of the partials."""
        value, partials = self.at(row)
        return Reference(tuple(row), value, partials, self._second(row))

    def singular(self, row: Sequence[float]) -> tuple[bool, bool]:
        """Whether the integrand, or a partial of it, is not finite at the lower and at the upper limit."""
        with _precision(_PRECISION):
            balls = [arb(x) for x in row]
            limits = [e.at(balls) for e in self._ends]
            low, high = (e is not None and not self._regular(balls, e) for e in limits)
        return low, high

    def improper(self, row: Sequence[float]) -> bool:
        """Whether an end is infinite, or the integrand singular there."""
        return len(self.spec.limits) < 2 or any(self.singular(row))

    def _both(self, row: Sequence[arb]) -> tuple[arb | None, list[arb | None]]:
        low, high = (e.at(row) for e in self._ends)
        wanted = [None, *(self.spec.args[j] for j in self._moving)]
        if low is not None and high is not None and low == high:
            found: list[arb | None] = [arb(0)] * len(wanted)
        elif low is None or high is None or not all(self._regular(row, e) for e in (low, high)):
            found = self._improper(row, low, high, len(wanted))
        else:
            found = [self._proper(row, low, high, by) for by in wanted]
            if None in found:
                found = self._improper(row, low, high, len(wanted))
        partials: list[arb | None] = [arb(0)] * len(row)
        for j, partial in zip(self._moving, found[1:], strict=True):
            partials[j] = partial
        for sign, end in zip((-1, 1), self._ends, strict=True):
            partials = [_added(p, sign, end.slope(row, j)) for j, p in enumerate(partials)]
        return found[0], partials

    def _regular(self, row: Sequence[arb], end: arb) -> bool:
        ((*cells,),) = self._balls.balls([[end, *row]], ctx.prec, partials=True)
        used = [cells[0], *(cells[2 + j] for j in self._moving)]
        return all(isinstance(c, arb) and c.is_finite() for c in used)

    def _proper(self, row: Sequence[arb], low: arb, high: arb, by: str | None) -> arb | None:
        given = [acb(x) for x in row]

        def curve(t: acb, analytic: bool) -> acb:
            return self._program([t, *given], analytic, by)

        some = [curve(acb(low + (high - low) * (2 * k + 1) / 32), False) for k in range(16)]
        size = sum((abs(c.real) for c in some if c.is_finite()), arb(0)).mid() * abs(high - low).mid()
        small = size * _AGREED
        found = acb.integral(
            curve, acb(low), acb(high), rel_tol=2.0**-80, abs_tol=small * _AGREED + arb(2) ** -1000,
            eval_limit=_EVALUATIONS,
        )  # fmt: skip
        return _known(found.real, small) if found.imag.contains(0) else None

    def _improper(
        self, row: Sequence[arb], low: arb | None, high: arb | None, count: int
    ) -> list[arb | None]:
        known: list[arb | None] = [None] * count
        for far, precision in _FAR:
            with _precision(precision):
                found = _double_exponential(lambda t: self._cells(row, t), low, high, far)
            known = [k if k is not None else f for k, f in zip(known, found, strict=True)]
            if None not in known:
                break
        return known

    def _cells(self, row: Sequence[arb], nodes: Sequence[arb]) -> list[Sums]:
        """The integrand, and its derivative by each argument that it holds, at each of the nodes."""
        rows = self._balls.balls([[t, *row] for t in nodes], ctx.prec, partials=True)
        whole = [[c if isinstance(c, arb) else arb("nan") for c in cells] for cells in rows]
        return [[cells[0], *(cells[2 + j] for j in self._moving)] for cells in whole]

    def _second(self, row: Sequence[float]) -> tuple[tuple[float, ...], ...]:
        """Central differences of exact partials, where all numbers are of ordinary size."""
        count = len(row)
        found = np.full((count, count), np.nan)
        if all(x == 0 or 1e-12 < abs(x) < 1e6 for x in row):
            with _precision(_PRECISION):
                for k, x in enumerate(row):
                    step = arb(abs(x) if x else 1.0) * _STEP
                    ends = [[arb(v) + s * step * (j == k) for j, v in enumerate(row)] for s in (-1, 1)]
                    below, above = (self._both(end)[1] for end in ends)
                    for j, (a, b) in enumerate(zip(below, above, strict=True)):
                        found[j, k] = _float(None if a is None or b is None else (b - a) / (2 * step))
        return tuple(map(tuple, found.tolist()))


@dataclass(frozen=True, slots=True)
class _End:
    """One limit of integration, and what the integral gains where it moves."""

    limit: Truth | None
    integrand: Truth | None
    names: tuple[str, ...]
    args: tuple[str, ...]

    @staticmethod
    def of(spec: Integral, limit: Expr | None) -> _End:
        if limit is None:
            return _End(None, None, (), spec.args)
        there = substitute(spec.integrand, {var(spec.variable): limit})
        return _End(Truth((limit,), spec.args), Truth((there,), spec.args), limit.names, spec.args)

    def at(self, row: Sequence[arb]) -> arb | None:
        if self.limit is None:
            return None
        ((cell,),) = self.limit.balls([row], ctx.prec)
        return cell if isinstance(cell, arb) else arb("nan")

    def slope(self, row: Sequence[arb], j: int) -> arb | None:
        """The integrand at the limit times the limit's derivative by argument j; None where it stays."""
        if self.limit is None or self.integrand is None or self.args[j] not in self.names:
            return None
        ((_, *slopes),) = self.limit.balls([row], ctx.prec, partials=True)
        ((there,),) = self.integrand.balls([row], ctx.prec)
        slope = slopes[j]
        return there * slope if isinstance(there, arb) and isinstance(slope, arb) else arb("nan")


def _double_exponential(
    cells: Callable[[list[arb]], list[Sums]], low: arb | None, high: arb | None, far: int
) -> list[arb | None]:
    """Integrals by even steps of s: pi*sinh(s) is the logarithm of the distance from an end."""
    last = float((arb(far) / arb.pi()).asinh())
    sums, sizes, before, tails = (Sums() for _ in range(4))
    steps = _FIRST
    while True:
        count = int(last * steps) + 1
        numbers = [k for k in range(-count, count + 1) if steps == _FIRST or k % 2]
        nodes, weights = zip(*(_node(arb(k) / steps, low, high) for k in numbers), strict=True)
        terms = [[w * c for c in row] for w, row in zip(weights, cells(list(nodes)), strict=True)]
        columns = list(zip(*terms, strict=True))
        sums = [sum(c, s) for s, c in zip(sums or [arb(0)] * len(columns), columns, strict=True)]
        sizes = [sum(map(abs, c), s) for s, c in zip(sizes or [arb(0)] * len(columns), columns, strict=True)]
        tails = tails or [abs(c[0]) + abs(c[-1]) for c in columns]
        now = [s / steps for s in sums]
        small = [s / steps * _AGREED for s in sizes]
        whole = [bool(t <= s) for s, t in zip(small, tails, strict=True)]
        settled = [bool(abs(a - b) <= s) for a, b, s in zip(now, before or now, small, strict=True)]
        if not any(whole) or (before and all(settled)) or steps == _LAST:
            done = [w and s and steps > _FIRST for w, s in zip(whole, settled, strict=True)]
            return [_known(n, s) if d else None for n, s, d in zip(now, small, done, strict=True)]
        before, steps = now, 2 * steps


def _node(s: arb, low: arb | None, high: arb | None) -> tuple[arb, arb]:
    """The place that belongs to s, and its derivative."""
    v, slope = arb.pi() * s.sinh(), arb.pi() * s.cosh()
    if low is None and high is None:
        return v.sinh(), v.cosh() * slope
    if low is None or high is None:
        distance = v.exp()
        return high - distance if low is None else low + distance, distance * slope  # type: ignore[operator]
    q = (-abs(v)).exp()
    width, share = high - low, q / (1 + q)
    return low + width * share if s < 0 else high - width * share, width * share / (1 + q) * slope


def _added(total: arb | None, sign: int, change: arb | None) -> arb | None:
    return total if total is None or change is None else total + sign * change


def _known(value: arb, small: arb) -> arb | None:
    """The ball, if it is a number to enough digits; zero where it is no more than `small`."""
    if not value.is_finite():
        return None
    if abs(value) <= small:
        return arb(0)
    return value if value.rel_accuracy_bits() >= _KNOWN else None


@contextmanager
def _precision(bits: int) -> Iterator[None]:
    before, ctx.prec = ctx.prec, bits
    try:
        yield
    finally:
        ctx.prec = before


def _float(ball: arb | None) -> float:
    return float(ball) if ball is not None and ball.is_finite() else float("nan")
