"""Differences of like functions where no identity takes them apart: the integral of the derivative between.

`F(a) - F(b)` cancels where a and b are near each other. With h = a - b and m = (a + b)/2 it is
`h*(w1*F'(m + x1*h/2) + w2*F'(m + x2*h/2) + ...)`, with nodes and weights of Gauss and Legendre (Abramowitz,
Stegun 25.4.29): right to the last bits up to some share of the scale on which F changes, with no term that
cancels where F rises or falls; from there on the difference itself has lost few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import reduce
from operator import add

import numpy as np

from vjpgen import chain
from vjpgen.collect import merged, terms, times
from vjpgen.expr import Expr, call, num, substitute, var, walk
from vjpgen.rational import in_lowest_terms
from vjpgen.tidy import tidy

# the others have identities among the rules, and what differs by a constant step needs none
_FUNCTIONS = frozenset(
    ("lgamma", "lgamma1p", "digamma", "gamma", "erf", "erfc", "asin", "acos", "asinh", "acosh", "tanh")
)
_SUM = frozenset(("add", "sub"))
_NODES = (1, 5)  # of the rules that are tried
_U = var("u")
# F(a) - F(b) less F(1 + a) - F(1 + b), by a, b and a - b: what the pole at 0 adds
_STEPS: dict[str, Callable[[Expr, Expr, Expr], Expr]] = {
    "digamma": lambda a, b, h: num(1) / a * (h / b),  # h/a/b is h/(a*b) to XLA, which leaves the range
    "lgamma": lambda a, b, h: -call("log_ratio", a, b),
}
_MOST = 3  # pairs in one formula
_LONGEST = 120  # nodes of a formula that is looked at


def distances(shapes: Iterable[Expr]) -> list[Expr]:
    """How far apart the operands of such differences are, for themselves and beside what they are."""
    between = (_between(first, second) for first, second, _ in _alone(shapes))
    return list(dict.fromkeys(tidy(call("abs", e)) for h, middle in between for e in (h, h / middle)))


def near(shapes: Iterable[Expr]) -> list[Expr]:
    """What is right where the operands are near each other, of shapes that are such a difference alone."""
    return list(dict.fromkeys(e for pair in _alone(shapes) for e in _integrals(*pair)))


def apart(e: Expr, symbol: Callable[[Expr], Expr]) -> tuple[Expr, ...]:
    """Shapes of a formula with such a difference in it as a variable.

    Args:
        e: the formula.
        symbol: gives the variable that stands for a difference, which is searched for itself.
    """
    if e.size > _LONGEST:
        return ()
    inside = {a for x in walk(e) if x.op in _SUM for a in x.args if a.op in _SUM}
    found: list[Expr] = []
    for total in (x for x in walk(e) if x.op in _SUM and x not in inside):
        for first, second, share in _pairs(total):
            rest = [(t, s) for t, s in _terms(total).items() if t not in (first, second)]
            if (rest or total is not e) and len(found) < _MOST:
                parts = [times(share, symbol(first - second)), *(times(s, t) for t, s in rest)]
                found.append(tidy(substitute(e, {total: reduce(add, parts)})))
    return tuple(found)


def _alone(shapes: Iterable[Expr]) -> Iterator[tuple[Expr, Expr, Fraction]]:
    for shape in shapes:
        if len(_terms(shape)) == 2:
            yield from _pairs(shape)


def _terms(e: Expr) -> dict[Expr, Fraction]:
    return merged(terms(e, Fraction(1)))


def _pairs(total: Expr) -> Iterator[tuple[Expr, Expr, Fraction]]:
    """Two terms that are one function of different operands, and by what their difference is multiplied."""
    parts = list(_terms(total).items())
    for k, (first, share) in enumerate(parts):
        for second, other in parts[k + 1 :]:
            if first.op == second.op and first.op in _FUNCTIONS and share == -other:
                yield first, second, share


def _integrals(first: Expr, second: Expr, share: Fraction) -> Iterator[Expr]:
    """The integral of the derivative from the second operand to the first, by ever more nodes."""
    h, middle = _between(first, second)
    slope = chain.partial(call(first.op, _U), "u")
    if h is num(0) or slope is None:
        return
    for count in _NODES:
        yield tidy(times(share, _integral(slope, h, middle, count)))
    if first.op in _STEPS:
        rest = _STEPS[first.op](first.args[0], second.args[0], h)
        yield tidy(times(share, _integral(slope, h, num(1) + middle, count) + rest))


def _integral(slope: Expr, h: Expr, middle: Expr, count: int) -> Expr:
    pairs = ((num(w), [substitute(slope, {_U: at}) for at in _at(middle, h, x)]) for x, w in _rule(count))
    return h * reduce(add, (w * reduce(add, slopes) for w, slopes in pairs))


def _rule(count: int) -> list[tuple[Fraction, Fraction]]:
    """The nodes on [0, 1], and weights; with those of the nodes on [-1, 0) they add up to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    pairs = zip(nodes.tolist(), (weights / 2).tolist(), strict=True)
    return [(Fraction(repr(x)), Fraction(repr(w))) for x, w in pairs if x >= 0]


def _between(first: Expr, second: Expr) -> tuple[Expr, Expr]:
    """The distance of the operands of two functions, and their middle."""
    a, b = first.args[0], second.args[0]
    return in_lowest_terms(a - b), in_lowest_terms((a + b) / num(2))


def _at(middle: Expr, h: Expr, x: Fraction) -> list[Expr]:
    """Halfway between the operands, or x times half their distance from there to either side."""
    step = num(x / 2) * h
    return [middle - step, middle + step] if x else [middle]
