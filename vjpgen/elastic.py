"""Partials of products by elasticities: what each factor grows by, relative to the argument.

The derivative of log(1 + m*x)/log(1 + m) by m cancels where m is small, and where x is near 1, and no
rewriting of it shows either. With E(u) = u*g'(u)/g(u) for g(u) = log(1 + u) it is f/m*(E(m*x) - E(m)), and
with E(u) = 1 + u*K(u) it is f*(x*K(m*x) - K(m)): functions of one variable, each searched for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import sympy as sp

from vjpgen import series
from vjpgen.bridge import from_sympy, to_sympy
from vjpgen.expr import Expr
from vjpgen.inner import Change, Inner, unused

_MOST_OPERATIONS = 60
_MOST_FACTORS = 4
_LARGEST = 8  # denominator of a limit


class _Factor(NamedTuple):
    """A factor as a function of one product: its elasticity by that, times what stands before it."""

    share: Any
    product: Any
    elasticity: Any


def changes(formula: Expr, arg: str, scope: dict[str, Any]) -> list[Change]:
    """Shapes of d formula / d arg for a product of functions of products of the arguments; else none.

    Args:
        formula: without `where` and `poly`.
        arg: the argument.
        scope: sympy symbols of the arguments, from `derive.symbols`.
    """
    plain, x = to_sympy(formula, scope), scope[arg]
    if plain.count_ops() > _MOST_OPERATIONS:
        return []
    u = sp.Symbol(unused(scope), real=True)
    dependent = [f for f in sp.Mul.make_args(plain) if x in f.free_symbols]
    factors = [one for f in dependent if (one := _factor(f, x, u)) is not None]
    if len(factors) < len(dependent) or not 1 < len(factors) <= _MOST_FACTORS:
        return []
    found = (_change(formula, x, u, factors, scope, apart) for apart in (True, False))
    return [c for c in found if c is not None]


def _factor(factor: Any, x: Any, u: Any) -> _Factor | None:
    """A factor that depends on x; None where it is no constant power of a function of one product."""
    base, power = factor.as_base_exp()
    if x in power.free_symbols:
        return None
    if base is x:
        return _Factor(power, sp.S.One, sp.S.One)
    for product, degree in _products(base, x):
        g = base.subs(x, x * u / product if degree > 0 else x * product / u)
        if g.free_symbols == {u}:
            return _Factor(power * degree, product, u * sp.diff(g, u) / g)
    return None


def _products(s: Any, x: Any) -> Iterator[tuple[Any, int]]:
    """Multiples of x, or of 1/x, that functions are taken of."""
    seen = set()
    for f in sorted(s.atoms(sp.Function), key=str):
        for term in sp.Add.make_args(f.args[0]) if x in f.free_symbols else ():
            product = term / term.as_coeff_Mul()[0]
            if x in term.free_symbols and product not in seen:
                seen.add(product)
                degree = sp.degree(term, x) if term.is_polynomial(x) else -1
                if degree in (1, -1) and x not in (product / x**degree).free_symbols:
                    yield product, int(degree)


def _change(
    formula: Expr, x: Any, u: Any, factors: Sequence[_Factor], scope: dict[str, Any], apart: bool
) -> Change | None:
    """The sum of the elasticities, or of what is left of them when their limits at 0 are taken apart."""
    names = {symbol: name for name, symbol in scope.items()}
    found: dict[tuple[Any, Any], _Outlined] = {}
    total, terms = sp.S.Zero, []
    for share, product, elasticity in factors:
        if u not in elasticity.free_symbols:
            total += share * elasticity
            continue
        key = elasticity, product
        one = found[key] if key in found else _outlined(elasticity, product, u, names, apart, len(found))
        if one is None:
            return None
        found[key] = one
        total += share * one.whole
        terms.append(share * product**one.order * sp.Symbol(one.inner.name, real=True) / x)
    if not found or (apart and total != 0):
        return None
    value, inner = sp.Symbol("elasticity:", real=True), tuple(one.inner for one in found.values())
    names |= {value: value.name, **{sp.Symbol(i.name, real=True): i.name for i in inner}}
    shape = from_sympy(value * sp.Add(total / x, *terms), names)
    return Change((shape,), ((value.name, formula),), inner)


class _Outlined(NamedTuple):
    """An elasticity as whole + u**order * inner."""

    whole: Any
    order: int
    inner: Inner


def _outlined(
    elasticity: Any, product: Any, u: Any, names: dict[Any, str], apart: bool, count: int
) -> _Outlined | None:
    """None where it has no limit at 0, or no simple one to take apart."""
    expansion = series.expand(from_sympy(elasticity, {u: u.name}), u.name)
    if expansion is None or expansion.first != 0:
        return None
    limit, whole, order = expansion.coefficients[0], sp.S.Zero, 0
    if apart:
        if limit.denominator > _LARGEST or len(expansion.coefficients) < 2:
            return None
        whole, order = sp.Rational(limit.numerator, limit.denominator), expansion.step
        elasticity, limit = (elasticity - whole) / u**order, expansion.coefficients[1]
    shape, at = from_sympy(elasticity, {u: u.name}), from_sympy(product, names)
    return _Outlined(whole, order, Inner(f"elasticity:{count}", shape, at, float(limit), u.name))
