"""Formulas that are homogeneous: over one argument less, with a power of that argument in front.

Scaling d by k**2 and l by k leaves (1 + d/(2*a*l**2))**(-a) as it is, so it is a function of d/l**2 and a.
What depends on three arguments in a formula may so depend on two, and a search over two has far less to try
(E. Buckingham, "On physically similar systems", Physical Review 4, 1914: the pi theorem). A logarithm of what
scales gives a term of its own: log densities of a scale family are of this kind. Exponents may be formulas:
(x**p + y**p)**(1/p) is of degree 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from vjpgen.collect import merged, terms
from vjpgen.expr import Expr, call, num, substitute, var, walk
from vjpgen.rational import in_lowest_terms
from vjpgen.tidy import tidy

Weights = tuple[Fraction, ...]  # of each argument; of a sum of multiples of the weights of arguments
Power = Mapping[Expr, Weights]  # a sum of them, each times a formula that does not scale
_SUMS = frozenset(("add", "sub", "min", "max", "hypot", "atan2"))
_LIKE_THEIR_OPERAND = frozenset(("min", "max", "hypot", "abs"))
_ROOTS = {"sqrt": Fraction(1, 2), "cbrt": Fraction(1, 3), "square": Fraction(2)}
_LARGEST = 4  # power in which a scale may come


@dataclass(frozen=True, slots=True)
class Scaling:
    """An argument that scales others.

    Each formula is scale**degree * formula(args without a scale) + multiple * log(scale).

    Attributes:
        scale: the argument.
        weights: the power of the scale that each of the other arguments is divided by.
        degrees: of each formula; 0 where the multiple is not.
        logs: the multiple of each.
    """

    scale: str
    weights: Mapping[str, int]
    degrees: tuple[int, ...]
    logs: tuple[Fraction, ...]

    def alone(self, formula: Expr) -> Expr:
        """The formula where the scale is 1."""
        return tidy(substitute(formula, {var(self.scale): num(1)}))

    def back(self, form: Expr, degree: int, log: Fraction | int = 0) -> Expr:
        """A form of what `alone` gives, over all arguments again."""
        table = {var(a): self.ratio(a) for a in form.names if self.weights.get(a)}
        found = _times(substitute(form, table), self.scale, degree)
        return tidy(found + num(log) * call("log", var(self.scale)) if log else found)

    def ratio(self, arg: str) -> Expr:
        """What stands for an argument."""
        return _times(var(arg), self.scale, -self.weights.get(arg, 0))


def _times(e: Expr, scale: str, power: int) -> Expr:
    """One factor after another, so that no power of the scale leaves the range."""
    for _ in range(abs(power)):
        e = e * var(scale) if power > 0 else e / var(scale)
    return e


class _Degree(NamedTuple):
    """The power of a scale that a formula grows with, and the multiple of its logarithm that is added."""

    power: Power
    log: Power


def scalings(formulas: Sequence[Expr], args: Sequence[str], usable: frozenset[str]) -> Iterator[Scaling]:
    """Every way to take one argument out of formulas, in whole powers; it may hold for a positive one alone.

    Args:
        formulas: without `where`, all of them to be taken over the same scale.
        args: the arguments.
        usable: those that are never 0.
    """
    unit = {a: {num(1): tuple(Fraction(a == b) for b in args)} for a in args}
    conditions: list[Weights] = []
    degrees = [_degree(e, unit, conditions) for e in formulas]
    for basis in _solutions(conditions, len(args)):
        for k, scale in enumerate(args):
            if scale in usable and basis[k]:
                ways = [w / basis[k] for w in basis]
                powers = [p for d in degrees if (p := _by(d.power, ways)) is not None]
                logs = [n for d in degrees if (n := _by(d.log, ways)) is not None]
                whole = all(p.denominator == 1 and abs(p) <= _LARGEST for p in (*ways, *powers))
                if whole and len(powers) == len(logs) == len(degrees):
                    others = {a: int(w) for a, w in zip(args, ways, strict=True) if a != scale}
                    if any(others.values()):
                        yield Scaling(scale, others, tuple(map(int, powers)), tuple(logs))


def _degree(e: Expr, unit: Mapping[str, Power], conditions: list[Weights]) -> _Degree:
    """The degree of a formula by the weights of its arguments, and what must be zero for it to have one."""
    known: dict[Expr, _Degree] = {}
    for x in walk(e):
        known[x] = _of_operation(x, [known[a] for a in x.args], unit, conditions)
    return known[e]


def _of_operation(
    x: Expr, inner: Sequence[_Degree], unit: Mapping[str, Power], conditions: list[Weights]
) -> _Degree:
    powers, logs = [d.power for d in inner], [d.log for d in inner]
    if x.op in _SUMS and num(0) not in x.args:
        conditions += _plus(powers[0], powers[1], -1).values()
    if x.op in ("add", "sub"):
        power = powers[x.args[0] is num(0)]
        return _Degree(power, _plus(logs[0], logs[1], 1 if x.op == "add" else -1))
    if x.op == "neg":
        return _Degree(powers[0], _plus({}, logs[0], -1))
    if (c := _coefficient(x)) is not None:
        return _Degree(_plus(powers[0], powers[1], 1), _plus({}, _plus(logs[0], logs[1], 1), c))
    conditions += (w for log in logs for w in log.values())
    if x.op == "log":
        return _Degree({}, powers[0])
    return _Degree(_power(x, powers, unit, conditions), {})


def _power(x: Expr, inner: Sequence[Power], unit: Mapping[str, Power], conditions: list[Weights]) -> Power:
    if x.op == "var":
        return unit[str(x.value)]
    if x.op in ("mul", "div"):
        return _plus(inner[0], inner[1], 1 if x.op == "mul" else -1)
    if x.op == "pow":
        conditions += inner[1].values()
        return _raised(inner[0], x.args[1])
    if x.op in _ROOTS:
        return _plus({}, inner[0], _ROOTS[x.op])
    if x.op in _LIKE_THEIR_OPERAND:
        return inner[x.args[0] is num(0)]
    if x.op not in ("sign", "atan2"):
        conditions += (w for power in inner for w in power.values())
    return {}


def _raised(power: Power, exponent: Expr) -> Power:
    """The power of what is itself raised: that of x**(r*(1/r)) is that of x."""
    found: Power = {}
    for factor, weights in power.items():
        for e, share in merged(terms(in_lowest_terms(factor * exponent), Fraction(1))).items():
            found = _plus(found, {e: weights}, share)
    return found


def _coefficient(x: Expr) -> Fraction | None:
    """The number by which an operation multiplies its other operand."""
    values = [a.value for a in x.args]
    if x.op == "mul":
        return next((v for v in values if isinstance(v, Fraction)), None)
    if x.op == "div" and isinstance(values[1], Fraction) and values[1]:
        return 1 / values[1]
    return None


def _by(power: Power, ways: Sequence[Fraction]) -> Fraction | None:
    """The power for weights of the arguments, where it is a number."""
    sums = {e: sum((x * y for x, y in zip(w, ways, strict=True)), Fraction(0)) for e, w in power.items()}
    number = sums.pop(num(1), Fraction(0))
    return None if any(sums.values()) else number


def _plus(a: Power, b: Power, factor: Fraction | int) -> Power:
    """One power and a multiple of another, without what is zero."""
    zero = [Fraction(0)] * max(map(len, (*a.values(), *b.values())), default=0)
    sums = {
        e: tuple(x + factor * y for x, y in zip(a.get(e, zero), b.get(e, zero), strict=True))
        for e in dict.fromkeys((*a, *b))
    }
    return {e: w for e, w in sums.items() if any(w)}


def _solutions(conditions: Sequence[Weights], n: int) -> list[Weights]:
    """A basis of the vectors whose product with every condition is zero: Gauss and Jordan."""
    rows: list[list[Fraction]] = []
    pivots: list[int] = []
    for condition in conditions:
        row = list(condition)
        for r, p in zip(rows, pivots, strict=True):
            row = [x - row[p] * y for x, y in zip(row, r, strict=True)] if row[p] else row
        pivot = next((k for k, x in enumerate(row) if x), None)
        if pivot is None:
            continue
        row = [x / row[pivot] for x in row]
        rows = [[x - r[pivot] * y for x, y in zip(r, row, strict=True)] for r in rows] + [row]
        pivots.append(pivot)
    found = []
    for free in (k for k in range(n) if k not in pivots):
        vector = [Fraction(k == free) for k in range(n)]
        for r, p in zip(rows, pivots, strict=True):
            vector[p] = -r[free]
        found.append(tuple(vector))
    return found
