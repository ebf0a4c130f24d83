"""Quotients of polynomials in lowest terms, and in reciprocals of their arguments.

In lowest terms, factors and terms that cancel are gone. Far out, powers in a quotient overflow though the
quotient does not: (x**3 + a*x)/(x**2 + 1) is x*(1 + a/x/x)/(1 + 1/x/x), where they have gone into one power
of x, and both polynomials, in Horner's scheme from the other end, tend to their first coefficients.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any

from vjpgen.expr import Expr, again, has_op, num, var, walk
from vjpgen.factoring import factored
from vjpgen.gather import Field, TooLong, parted, power
from vjpgen.tidy import tidy

_LONGEST = 300  # nodes of a formula that is looked at
_HIGHEST = 12  # degree
_MOST = 3  # arguments
_LARGEST = 2**60  # of coefficients; one over it is the smallest


@lru_cache(maxsize=64)
def rational(e: Expr) -> tuple[Expr, ...]:
    """Equal expressions: one quotient in lowest terms, and in powers of 1/x for single arguments x.

    None where a formula is no quotient of polynomials in simpler functions, or one of products alone.
    """
    if e.size > _LONGEST:
        return ()
    try:
        field = Field([e])
        above, below = field.quotient(e)
        if _squares_of_roots(field, above):  # written as what they are, they cancel against other terms
            field = Field([e := field.text((above, below))])
            above, below = field.quotient(e)
    except TooLong:
        return ()
    if len(above) + len(below) < 3:
        return ()
    found = [_in_reciprocal(field, above, below, name) for name in e.names[:_MOST]]
    shapes = dict.fromkeys(tidy(f) for f in (field.text((above, below)), *found) if f is not None)
    return tuple(f for f in shapes if all(_is_short(x) for x in walk(f)))


def _squares_of_roots(field: Field, above: Any) -> bool:
    """Whether a numerator has the square of a root of a sum in it."""
    powers = zip(field.atoms, above.degrees(), strict=True)
    return any(n > 1 and x.op == "sqrt" and has_op(x.args[0], "add", "sub") for x, n in powers)


def _is_short(x: Expr) -> bool:
    """Whether a number, if it is one, can be read, and kept in any dtype."""
    if not isinstance(x.value, Fraction) or x.value == 0:
        return True
    return Fraction(1, _LARGEST) < abs(x.value) < _LARGEST


def _in_reciprocal(field: Field, above: Any, below: Any, name: str) -> Expr | None:
    x = var(name)
    if x not in field.atoms:
        return None
    k = field.atoms[x]
    if not 1 < max(p.degrees()[k] for p in (above, below)) <= _HIGHEST:
        return None
    (share, top), (less, bottom) = field.factors(above), field.factors(below)
    degree, (one, other) = 0, parted(share / less)
    parts = [num(one)], [num(other)]
    if not any(p.degrees()[k] and len(p) > 1 for p, _ in (*top, *bottom)):
        return None
    for factors, sign in ((top, 1), (bottom, -1)):
        for polynomial, n in factors:
            own = int(polynomial.degrees()[k])
            degree += sign * n * own
            factor = _reversed(field, polynomial, k, own, x)
            if factor is not num(1):
                parts[sign < 0].append(power(factor, n))
    if degree:
        parts[degree < 0].append(power(x, abs(degree)))
    numerator, denominator = (reduce(lambda a, b: a * b, p) for p in parts)
    return numerator / denominator


def _reversed(field: Field, polynomial: Any, k: int, degree: int, x: Expr) -> Expr:
    """A polynomial over the highest power of its k-th symbol, by Horner's scheme in the reciprocal."""
    coefficients: list[dict[tuple[int, ...], Any]] = [{} for _ in range(degree + 1)]
    for powers, factor in polynomial.to_dict().items():
        coefficients[powers[k]][(*powers[:k], 0, *powers[k + 1 :])] = factor
    total = None
    for c in coefficients:
        part = field.polynomial(field.ring.from_dict(c)) if c else None
        far = None if total is None else total / x
        total = part if far is None else far if part is None else part + far
    assert total is not None
    return total


def inside(e: Expr) -> Expr:
    """The formula with the operands of its functions as quotients in lowest terms, sums in them factored."""
    done: dict[Expr, Expr] = {}
    for x in walk(e):
        args = [done[a] for a in x.args]
        if len(args) == 1 and has_op(x, "add", "sub") and has_op(x, "div"):
            args = [in_lowest_terms(args[0])]
        done[x] = again(x, args)
    return done[e]


def in_lowest_terms(e: Expr) -> Expr:
    """The formula as one quotient in lowest terms, its sums factored; itself if it is too long for that."""
    if e.size > _LONGEST:
        return e
    try:
        field = Field([e])
        return factored(tidy(field.text(field.quotient(e))))
    except TooLong:
        return e
