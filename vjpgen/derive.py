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
_MOST_OPERATIONS, _MOST_EXPONENTIALS = 60, 6  # of a quotient that is put into lowest terms
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
        (sp.factor_terms, sp.together, _expanded, _in_lowest_terms) if size < 120 else ()
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


def _in_lowest_terms(s: Any) -> Any:
    """Quotients of polynomials in exponentials with what is common above and below taken out.

    (exp(a+b) - 1)/((exp(a) - 1)*(exp(b) - 1)) is 1 + 1/(exp(a) - 1) + 1/(exp(b) - 1), which its derivatives
    hide: they are one term each in lowest terms.
    """
    if s.count_ops() > _MOST_OPERATIONS or not 1 < len(s.atoms(sp.exp)) <= _MOST_EXPONENTIALS:
        return s
    s = s.replace(_is_other_function, lambda f: f.func(*map(_in_lowest_terms, f.args)))
    t = s.replace(lambda f: isinstance(f, sp.exp), lambda f: sp.exp(sp.expand(f.args[0])))
    t = sp.factor(sp.cancel(sp.together(sp.expand_power_exp(t))))
    return t if t.count_ops() < s.count_ops() else s


def _is_other_function(s: Any) -> bool:
    return isinstance(s, sp.Function) and not isinstance(s, sp.exp)


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
