"""Formulas in which a variable comes in even powers alone, over its square."""

from __future__ import annotations

from fractions import Fraction

from vjpgen.expr import Expr, call, num, var
from vjpgen.tidy import tidy

_PRODUCTS = frozenset(("mul", "div", "neg", "square"))


def over_square(e: Expr, x: str, *, odd: bool = False) -> Expr | None:
    """The formula, or that divided by x, with x in the place of x**2; None where an odd power is left.

    Args:
        e: a formula.
        x: the variable.
        odd: whether the formula is to be divided by it.
    """
    found = _over(e, x, var(x), odd=odd)
    return None if found is None else tidy(found)


def _over(e: Expr, x: str, q: Expr, *, odd: bool) -> Expr | None:
    if x not in e.names:
        return None if odd else e
    if e.op == "var" or e.op in _PRODUCTS or (e.op == "pow" and _whole(e) is not None):
        found, power = _product(e, x, q)
        if found is None or (power - odd) % 2:
            return None
        return _times(found, q, (power - odd) // 2)
    if e.op in ("add", "sub"):
        terms = [_over(a, x, q, odd=odd) for a in e.args]
    elif odd:
        return None
    else:
        terms = [_over(a, x, q, odd=False) for a in e.args]
    return None if None in terms else call(e.op, *(t for t in terms if t is not None))


def _product(e: Expr, x: str, q: Expr) -> tuple[Expr | None, int]:
    """What is left of a product without the powers of x, over q; and that power."""
    if e.op == "var" and e.value == x:
        return num(1), 1
    if e.op in ("mul", "div"):
        (a, m), (b, n) = (_product(f, x, q) for f in e.args)
        return (None if a is None or b is None else call(e.op, a, b)), (m + n if e.op == "mul" else m - n)
    if e.op == "neg":
        a, m = _product(e.args[0], x, q)
        return (None if a is None else -a), m
    if e.op == "square" or (e.op == "pow" and _whole(e) is not None):
        a, m = _product(e.args[0], x, q)
        times = 2 if e.op == "square" else _whole(e)
        assert times is not None
        return (None if a is None else call(e.op, a, *e.args[1:])), m * times
    even = _over(e, x, q, odd=False)
    if even is not None:
        return even, 0
    return _over(e, x, q, odd=True), 1


def _whole(e: Expr) -> int | None:
    value = e.args[1].value
    return int(value) if isinstance(value, Fraction) and value.denominator == 1 else None


def _times(e: Expr, q: Expr, power: int) -> Expr:
    for _ in range(abs(power)):
        e = _with(e, q) if power > 0 else e / q
    return e


def _with(e: Expr, factor: Expr) -> Expr:
    if e.op == "div":
        return _with(e.args[0], factor) / e.args[1]
    return factor if e is num(1) else e * factor
