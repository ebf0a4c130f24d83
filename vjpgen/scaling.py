"""Formulas that are homogeneous: over one argument less, with a power of that argument in front.

Scaling d by k**2 and l by k leaves (1 + d/(2*a*l**2))**(-a) as it is, so it is a function of d/l**2 and a.
What depends on three arguments in a formula may so depend on two, and a search over two has far less to try
(E. Buckingham, "On physically similar systems", Physical Review 4, 1914: the pi theorem).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from vjpgen.expr import Expr, num, substitute, var, walk
from vjpgen.tidy import tidy

Weights = tuple[Fraction, ...]  # of each argument; of a sum of multiples of the weights of arguments
_SUMS = frozenset(("add", "sub", "min", "max", "hypot", "atan2"))
_LIKE_THEIR_OPERAND = frozenset(("add", "sub", "min", "max", "hypot", "neg", "abs"))
_ROOTS = {"sqrt": Fraction(1, 2), "cbrt": Fraction(1, 3), "square": Fraction(2)}
_LARGEST = 4  # power in which a scale may come


@dataclass(frozen=True, slots=True)
class Scaling:
    """An argument that scales others: formula(args) = scale**degree * formula(args without a scale).

    Attributes:
        scale: the argument.
        weights: the power of the scale that each of the other arguments is divided by.
        degree: of each formula.
    """

    scale: str
    weights: Mapping[str, int]
    degrees: tuple[int, ...]

    def alone(self, formula: Expr) -> Expr:
        """The formula where the scale is 1."""
        return tidy(substitute(formula, {var(self.scale): num(1)}))

    def back(self, form: Expr, degree: int) -> Expr:
        """A form of what `alone` gives, over all arguments again."""
        table = {var(a): self.ratio(a) for a in form.names if self.weights.get(a)}
        return tidy(_times(substitute(form, table), self.scale, degree))

    def ratio(self, arg: str) -> Expr:
        """What stands for an argument."""
        return _times(var(arg), self.scale, -self.weights.get(arg, 0))


def _times(e: Expr, scale: str, power: int) -> Expr:
    """One factor after another, so that no power of the scale leaves the range."""
    for _ in range(abs(power)):
        e = e * var(scale) if power > 0 else e / var(scale)
    return e


def scalings(formulas: Sequence[Expr], args: Sequence[str], positive: frozenset[str]) -> Iterator[Scaling]:
    """Every way to take one positive argument out of formulas, in whole powers.

    Args:
        formulas: without `where`, all of them to be taken over the same scale.
        args: the arguments.
        positive: those that are above 0.
    """
    unit = {a: tuple(Fraction(a == b) for b in args) for a in args}
    conditions: list[Weights] = []
    degrees = [_degree(e, unit, conditions) for e in formulas]
    for basis in _solutions(conditions, len(args)):
        for k, scale in enumerate(args):
            if scale in positive and basis[k]:
                ways = [w / basis[k] for w in basis]
                powers = [sum(d * w for d, w in zip(degree, ways, strict=True)) for degree in degrees]
                if all(p.denominator == 1 and abs(p) <= _LARGEST for p in (*ways, *map(Fraction, powers))):
                    others = {a: int(w) for a, w in zip(args, ways, strict=True) if a != scale}
                    if any(others.values()):
                        yield Scaling(scale, others, tuple(map(int, powers)))


def _degree(e: Expr, unit: Mapping[str, Weights], conditions: list[Weights]) -> Weights:
    """The weight of a formula by those of its arguments, and what must be zero for it to have one."""
    zero = tuple(Fraction(0) for _ in unit)
    known: dict[Expr, Weights] = {}
    for x in walk(e):
        inner = [known[a] for a in x.args]
        if x.op == "var":
            known[x] = unit[str(x.value)]
        elif x.op in _SUMS:
            conditions.append(_plus(inner[0], inner[1], -1))
            known[x] = inner[0] if x.op in _LIKE_THEIR_OPERAND else zero
        elif x.op in ("mul", "div"):
            known[x] = _plus(inner[0], inner[1], 1 if x.op == "mul" else -1)
        elif x.op == "pow" and x.args[1].op == "num":
            assert isinstance(x.args[1].value, Fraction)
            known[x] = _plus(zero, inner[0], x.args[1].value)
        elif x.op in _ROOTS:
            known[x] = _plus(zero, inner[0], _ROOTS[x.op])
        elif x.op in _LIKE_THEIR_OPERAND:
            known[x] = inner[0]
        elif x.op == "sign":
            known[x] = zero
        else:
            conditions += inner
            known[x] = zero
    return known[e]


def _plus(a: Weights, b: Weights, factor: Fraction | int) -> Weights:
    return tuple(x + factor * y for x, y in zip(a, b, strict=True))


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
