"""Quadrature rules with nodes that are fixed beforehand, and what they make of an integral in float64.

A node is a distance from an end, so that none is lost next to zero: over a finite range as a share of its
width, from both ends alike; elsewhere as it stands. Gauss-Legendre; the double-exponential rules of Takahasi
and Mori (1974) for ends where an integrand is singular; and the same with single exponentials, whose nodes
are spread evenly over all magnitudes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr
from vjpgen.floats import Array
from vjpgen.integral import Integral

_LEAST, _MOST = 2.0**-124, 2.0**124  # distances that float32 holds
_LONGEST = 2**21  # nodes times points that are evaluated at once
_SMALL = 2.0**-46  # of the sum of magnitudes: rounding in float64
_GOALS = (2.0**-38, 2.0**-27)  # relative error of a good rule, and of one that will do


@dataclass(frozen=True, slots=True)
class Rule:
    """A family of nodes, and how dense they are.

    Attributes:
        kind: one of `KINDS`.
        size: evaluations of Gauss-Legendre; of the others, steps to one.
    """

    kind: str
    size: int

    @property
    def words(self) -> str:
        """The rule in words."""
        count = len(nodes(self)[0]) * (1 if self.kind in ("exp-sinh", "exp") else 2)
        return f"{KINDS[self.kind].title} with {count} nodes"


@dataclass(frozen=True, slots=True)
class Kind:
    """A family of rules.

    Attributes:
        title: its name.
        sources: of the function of one node, NumPy expressions over `s`: auxiliary, distance, weight.
        reach: the largest s.
        both: whether s is positive alone.
    """

    title: str
    sources: tuple[str, str, str]
    compute: Callable[[Array], tuple[Array, Array]]
    reach: float
    both: bool


def _tanh_sinh(s: Array) -> tuple[Array, Array]:
    q = np.exp(-np.pi * np.sinh(s))
    return q / (1 + q), np.pi * np.cosh(s) * q / (1 + q) ** 2


def _tanh(s: Array) -> tuple[Array, Array]:
    q = np.exp(-s)
    return q / (1 + q), q / (1 + q) ** 2


def _exp_sinh(s: Array) -> tuple[Array, Array]:
    q = np.exp(np.pi / 2 * np.sinh(s))
    return q, np.pi / 2 * np.cosh(s) * q


def _exp(s: Array) -> tuple[Array, Array]:
    q = np.exp(s)
    return q, q


def _sinh_sinh(s: Array) -> tuple[Array, Array]:
    q = np.pi / 2 * np.sinh(s)
    return np.sinh(q), np.pi / 2 * np.cosh(s) * np.cosh(q)


def _sinh(s: Array) -> tuple[Array, Array]:
    return np.sinh(s), np.cosh(s)


def _legendre(n: int) -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(n)
    return (1 - x[n // 2 :]) / 2, w[n // 2 :] / 2


_REACH = 86.0  # exp(-86) and exp(86) are float32 numbers
KINDS: dict[str, Kind] = {
    "legendre": Kind("Gauss-Legendre quadrature", ("", "", ""), _tanh, 0.0, True),
    "tanh-sinh": Kind(
        "the double-exponential rule tanh-sinh",
        ("np.exp(-np.pi * np.sinh(s))", "q / (1 + q)", "np.pi * np.cosh(s) * q / (1 + q) ** 2"),
        _tanh_sinh, float(np.arcsinh(_REACH / np.pi)), True,
    ),
    "tanh": Kind("the rule tanh", ("np.exp(-s)", "q / (1 + q)", "q / (1 + q) ** 2"), _tanh, _REACH, True),
    "exp-sinh": Kind(
        "the double-exponential rule exp-sinh",
        ("np.exp(np.pi / 2 * np.sinh(s))", "q", "np.pi / 2 * np.cosh(s) * q"),
        _exp_sinh, float(np.arcsinh(2 * _REACH / np.pi)), False,
    ),
    "exp": Kind("the rule exp", ("np.exp(s)", "q", "q"), _exp, _REACH, False),
    "sinh-sinh": Kind(
        "the double-exponential rule sinh-sinh",
        ("np.pi / 2 * np.sinh(s)", "np.sinh(q)", "np.pi / 2 * np.cosh(s) * np.cosh(q)"),
        _sinh_sinh, float(np.arcsinh(2 * _REACH / np.pi)), True,
    ),
    "sinh": Kind("the rule sinh", ("s", "np.sinh(s)", "np.cosh(s)"), _sinh, _REACH, True),
}  # fmt: skip
_LADDERS: dict[int, tuple[Rule, ...]] = {  # by how many limits are infinite, cheap ones first
    0: (
        *(Rule("legendre", n) for n in (16, 32, 64)), Rule("tanh-sinh", 8), Rule("tanh-sinh", 16),
        Rule("legendre", 128), Rule("tanh-sinh", 32), Rule("tanh", 4), Rule("tanh", 8),
    ),
    1: (*(Rule("exp-sinh", n) for n in (8, 16, 32)), Rule("exp", 4), Rule("exp", 8)),
    2: (*(Rule("sinh-sinh", n) for n in (8, 16, 32)), Rule("sinh", 4), Rule("sinh", 8)),
}  # fmt: skip


def steps(rule: Rule) -> tuple[int, int]:
    """The first and the last k of the nodes at s = (k + 1/2) / size."""
    count = int(KINDS[rule.kind].reach * rule.size)
    return (0 if KINDS[rule.kind].both else -count), count


def nodes(rule: Rule) -> tuple[Array, Array]:
    """Distances from an end, and weights."""
    if rule.kind == "legendre":
        return _legendre(rule.size)
    first, last = steps(rule)
    distance, weight = KINDS[rule.kind].compute((np.arange(first, last) + 0.5) / rule.size)
    return distance, weight / rule.size


def ladder(spec: Integral) -> tuple[Rule, ...]:
    """The rules that fit the limits, cheap ones first."""
    return _LADDERS[2 - len(spec.limits)]


def finest(spec: Integral) -> Rule:
    """The rule that finds an integrand at any magnitude."""
    return ladder(spec)[-1]


def sums(spec: Integral, rule: Rule, integrands: Sequence[Expr], at: Array) -> tuple[Array, Array]:
    """Integrals (n, m) of m formulas at points (n, a), in float64, and the sums of the terms' magnitudes."""
    distance, weight = nodes(rule)
    room = max(1, _LONGEST // len(distance))
    parts = [_sums(spec, distance, weight, integrands, at[k : k + room]) for k in range(0, len(at), room)]
    return tuple(np.concatenate(p) for p in zip(*parts, strict=True))  # type: ignore[return-value]


def _sums(
    spec: Integral, distance: Array, weight: Array, integrands: Sequence[Expr], at: Array
) -> tuple[Array, Array]:
    with np.errstate(all="ignore"):
        env = {a: c.astype(float)[:, None] for a, c in zip(spec.args, at.T, strict=True)}
        low, high = (None if e is None else _column(e, env, len(at)) for e in (spec.low, spec.high))
        places: list[Array] = []
        width = np.ones((len(at), 1))
        if low is not None and high is not None:
            width = high - low
        if low is not None or high is None:
            places.append((np.zeros_like(width) if low is None else low) + width * distance)
        if high is not None or low is None:
            places.append((np.zeros_like(width) if high is None else high) - width * distance)
        found, sizes = [], []
        for e in integrands:
            terms = np.zeros((len(at), 1))
            total, size = np.zeros(len(at)), np.zeros(len(at))
            for t in places:
                shape = np.broadcast_shapes(t.shape, (len(at), len(distance)))
                columns = {a: np.broadcast_to(c, shape) for a, c in env.items()} | {spec.variable: t}
                terms = np.broadcast_to(evaluate(e, columns, np.float64), shape) * weight * width
                at_end = ~np.isfinite(terms) & ((t == low) | (t == high))
                terms = np.where(at_end, 0.0, terms)
                total, size = total + terms.sum(1), size + np.abs(terms).sum(1)
            found.append(total)
            sizes.append(size)
    return np.column_stack(found), np.column_stack(sizes)


def _column(e: Expr, env: dict[str, Array], n: int) -> Array:
    return np.broadcast_to(evaluate(e, env, np.float64), (n, 1))


def chosen(spec: Integral, integrands: Sequence[Expr], at: Array, exact: Array) -> Rule:
    """The cheapest rule that is right at every point, or at as many as any other.

    Args:
        spec: the integral.
        integrands: the formula, and its derivatives.
        at: points (n, a).
        exact: their integrals (n, m); nan where they are not known.
    """
    misses = list[tuple[int, int, int]]()
    for rule in ladder(spec):
        found, sizes = sums(spec, rule, integrands, at)
        off = [_far(found, exact, sizes, goal) for goal in _GOALS]
        if not off[0]:
            return rule
        misses.append((off[1], off[0], len(misses)))
    return ladder(spec)[min(misses)[2]]


def _far(found: Array, exact: Array, sizes: Array, goal: float) -> int:
    with np.errstate(invalid="ignore"):
        near = np.abs(found - exact) <= goal * np.abs(exact) + _SMALL * sizes
    return int((~near & np.isfinite(exact)).sum())


def place(spec: Integral, share: Array, at: Array) -> Array:
    """Places (n,) where t may be: each a share of the way from the lower to the upper limit."""
    env = {a: c.astype(float)[:, None] for a, c in zip(spec.args, at.T, strict=True)}
    with np.errstate(all="ignore"):
        ends = [None if e is None else _column(e, env, len(at))[:, 0] for e in (spec.low, spec.high)]
        if ends[0] is not None and ends[1] is not None:
            return np.asarray(ends[0] + (ends[1] - ends[0]) * share)
        spread = np.exp(12 * share - 8)
        if ends[0] is None and ends[1] is None:
            return np.asarray(np.where(share > 0.5, np.exp(24 * share - 20), -np.exp(4 - 24 * share)))
        return np.asarray(ends[1] - spread if ends[0] is None else ends[0] + spread)
