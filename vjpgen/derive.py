"""Derivatives of smooth formulas, each as several equal shapes for the search to start from."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any

import sympy as sp

from vjpgen.bridge import OPAQUE, from_sympy, to_sympy
from vjpgen.entropy import by_logarithms, gathered, one_logarithm
from vjpgen.expr import Expr

_EXPANSION_LIMIT = 256  # terms; nothing with more is expanded
_SHAPE_LIMIT = 3  # a shape is kept while it has at most this many times the operations of the first


def symbols(args: tuple[str, ...], positive: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Real sympy symbols for the arguments; `positive` ones are known to be above 0."""
    return {a: sp.Symbol(a, positive=True) if a in positive else sp.Symbol(a, real=True) for a in args}


def partial(e: Expr, arg: str, scope: dict[str, Any], positive: Collection[Expr] = ()) -> tuple[Expr, ...]:
    """d e / d arg in several equal shapes, the plainest first.

    Args:
        e: a formula without `where`; max and min, if any, follow JAX's policy at ties.
        arg: the name of the argument.
        scope: from `symbols`.
        positive: parts of the formula that are above 0 on its domain.
    """
    s = sp.diff(to_sympy(e, scope), scope[arg])
    others = one_logarithm(s) if s.has(OPAQUE["digamma"]) else []
    others += by_logarithms(s, [to_sympy(p, scope) for p in positive])
    found = [*shapes(s, scope), *(shape for t in others for shape in shapes(t, scope))]
    return tuple(dict.fromkeys(found))


def value(e: Expr, scope: dict[str, Any], positive: Collection[Expr] = ()) -> tuple[Expr, ...]:
    """The formula itself, then in the shapes that sympy gives it; arguments as for `partial`."""
    s = to_sympy(e, scope)
    others = gathered(s) if s.has(sp.log, OPAQUE["lgamma"]) else []
    others += by_logarithms(s, [to_sympy(p, scope) for p in positive])
    found = [e, *shapes(s, scope), *(shape for t in others for shape in shapes(t, scope))]
    return tuple(dict.fromkeys(found))


def spread(e: Expr, scope: dict[str, Any]) -> tuple[Expr, ...]:
    """The formula with the operands of its functions multiplied out; none where that changes nothing.

    (a + t*b)/(v*sqrt(t)) - v*sqrt(t) overflows above and below the line where a/(v*sqrt(t)) + b*sqrt(t)/v -
    v*sqrt(t) does not, and hides which of its terms cancel.
    """
    s = to_sympy(e, scope)
    t = s.replace(_has_sum, lambda f: f.func(*map(_multiplied_out, f.args)))
    return () if t == s else (from_sympy(t, {symbol: name for name, symbol in scope.items()}),)


def _has_sum(s: Any) -> bool:
    return isinstance(s, sp.Function) and s.has(sp.Add) and _terms(s) <= _EXPANSION_LIMIT


def _multiplied_out(s: Any) -> Any:
    return sp.expand(s, log=False, power_exp=False)


def shapes(s: Any, scope: dict[str, Any]) -> tuple[Expr, ...]:
    """Equal shapes of one sympy expression: as it is, factored, over one denominator."""
    names = {symbol: name for name, symbol in scope.items()}
    found = [from_sympy(s, names)]
    size = s.count_ops()
    changes: tuple[Callable[[Any], Any], ...] = (
        (sp.factor_terms, sp.together, _expanded) if size < 120 else ()
    )
    for change in changes:
        t = change(s)
        if t.count_ops() <= _SHAPE_LIMIT * size + 10:
            e = from_sympy(t, names)
            if e not in found:
                found.append(e)
    return tuple(found)


def _expanded(s: Any) -> Any:
    return sp.powsimp(sp.expand(s)) if s.count_ops() < 40 and _terms(s) <= _EXPANSION_LIMIT else s


def _terms(s: Any) -> int:
    """About how many terms the expanded form has."""
    below = [_terms(a) for a in s.args]
    if s.is_Add:
        return sum(below)
    if s.is_Mul:
        return math.prod(below)
    if s.is_Pow and s.exp.is_Integer and s.exp.is_positive:
        return math.comb(below[0] + int(s.exp) - 1, int(s.exp))
    return max(below, default=1)
