"""Simpler formulas that are right on a part of the domain alone.

Series in one of several arguments, for the factors that depend on it alone; and single terms of sums, which
are all that is left of a sum where they outweigh the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from vjpgen import series
from vjpgen.expr import Expr, has_op, num, rebuild, substitute, variables, walk
from vjpgen.factors import separate
from vjpgen.tidy import tidy

_MOST_TRUNCATIONS = 16
_MOST_LEADING = 8
_PRODUCT = frozenset(("num", "var", "neg", "abs", "mul", "div", "square"))
_ALIKE = ("sin", "sinh", "tan", "tanh", "asin", "asinh", "atan", "atanh", "expm1", "log1p")
_FIRST: dict[str, Callable[[Expr], Expr]] = {
    **dict.fromkeys(_ALIKE, lambda a: a),
    **dict.fromkeys(("cos", "cosh", "exp"), lambda a: num(1)),
}


def truncations(shapes: Iterable[Expr]) -> list[Expr]:
    """Polynomials in one argument, near the shapes at 0, times the factors that do not depend on it."""
    found: dict[Expr, None] = {}
    for shape in shapes:
        for name in variables(shape):
            parts = separate(shape, name)
            if parts is None or not has_op(parts[0], "add", "sub", "div"):
                continue
            expansion = series.expand(parts[0], name)
            if expansion is not None:
                polynomials = series.polynomials(expansion, name)
                found |= dict.fromkeys(tidy(parts[1] * p) for p in polynomials)
        if len(found) > _MOST_TRUNCATIONS:
            break
    return list(found)


def leading(shapes: Iterable[Expr]) -> list[Expr]:
    """The shapes with one term in place of a sum among their factors."""
    found: dict[Expr, None] = {}
    for shape in shapes:
        for total in _factors(shape):
            if total.op in ("add", "sub"):
                terms = _terms(total)
                found |= dict.fromkeys(tidy(substitute(shape, {total: t})) for t in terms if t.args)
        if len(found) > _MOST_LEADING:
            break
    return list(found)


def near_zero(shapes: Iterable[Expr]) -> list[Expr]:
    """The shapes with the first terms of their series in place of functions of products.

    What is left of log(sinh(x*y)) is log(x*y), of which the product may leave the range.
    """
    found: dict[Expr, None] = {}
    for shape in shapes:
        products = dict.fromkeys(_product(x) for x in walk(shape) if x.op in _FIRST)
        for chosen in products:
            if chosen:
                first = partial(_first, chosen)
                found[tidy(rebuild(shape, first))] = None
        if len(found) > _MOST_LEADING:
            break
    return list(found)


def linear(forms: Iterable[Expr], tiny: Callable[[Expr], bool]) -> list[Expr]:
    """The forms with the first terms of their series in place of functions whose operands are tiny somewhere.

    Where f/m is no longer a normal number, v*log1p(f/m) has lost digits that v*f/m still has.
    """

    def first(x: Expr) -> Expr | None:
        return _FIRST[x.op](x.args[0]) if x.op in _FIRST and tiny(x.args[0]) else None

    return [e for form in forms if (e := tidy(rebuild(form, first))) is not form]


def _first(product: frozenset[str], x: Expr) -> Expr | None:
    return _FIRST[x.op](x.args[0]) if x.op in _FIRST and _product(x) == product else None


def _product(x: Expr) -> frozenset[str]:
    """The variables of a function's operand, where it is a product of several; else none."""
    plain = all(y.op in _PRODUCT for y in walk(*x.args))
    return frozenset(x.names) if plain and len(x.names) > 1 else frozenset()


def _factors(e: Expr) -> list[Expr]:
    if e.op in ("mul", "div", "neg"):
        return [f for a in e.args for f in _factors(a)]
    return [e]


def _terms(e: Expr) -> list[Expr]:
    """The terms of a sum with their signs."""
    if e.op == "add":
        return [*_terms(e.args[0]), *_terms(e.args[1])]
    if e.op == "sub":
        return [*_terms(e.args[0]), *(-t for t in _terms(e.args[1]))]
    return [e]
