"""Functions of products with the first terms of their series apart: what these cancel, algebra cancels.

The derivative of sin(u*t)/sin(t) by t is (u*cos(u*t)*sin(t) - sin(u*t)*cos(t))/sin(t)**2. Where t is small
its terms cancel to second order, and no series in t mends that for every u. With cos(z) = 1 + z**2*C(z) and
the like, u/t - u/t is gone, and what is left, sums of products of C, S, ... over powers, does not cancel
there. Each of these functions of one variable is searched for itself.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy as sp

from vjpgen import series
from vjpgen.bridge import from_sympy, to_sympy
from vjpgen.expr import Expr
from vjpgen.inner import Change, Inner, has_one_operand, multiple, unused

_MOST_OPERATIONS = 60
_MOST_TERMS = 24  # of the formula, multiplied out
_MOST_FUNCTIONS = 6
_LENGTHS = (1, 2)  # nonzero terms of each series that are taken apart
_LARGEST = 10**6  # denominator of a coefficient


def changes(e: Expr, scope: dict[str, Any]) -> list[Change]:
    """Shapes of `e` with its functions of products of arguments taken apart; none where nothing cancels.

    Args:
        e: a formula without `where` and `poly`.
        scope: sympy symbols of the arguments, from `derive.symbols`.
    """
    plain = to_sympy(e, scope)
    if plain.count_ops() > _MOST_OPERATIONS or len(plain.free_symbols) < 2:
        return []
    ways = dict.fromkeys((plain, sp.expand_trig(plain.replace(_is_circular, _multiplied_out))))
    found = (_Apart(way, scope, length).run() for way in ways for length in _LENGTHS)
    return [change for change in found if change is not None]


def _is_circular(f: Any) -> bool:
    return isinstance(f, (sp.sin, sp.cos))


def _multiplied_out(f: Any) -> Any:
    return f.func(sp.expand(f.args[0]))


class _Apart:
    """One formula, with so many terms of each series apart."""

    def __init__(self, plain: Any, scope: dict[str, Any], length: int) -> None:
        self.plain, self.scope, self.length = plain, scope, length
        self.variable = unused(scope)
        self.names = {symbol: name for name, symbol in scope.items()}
        self.places: dict[Any, Any] = {}  # of each product, the symbol that stands for it
        self.found: dict[
            Any, tuple[Any, Any, Inner]
        ] = {}  # of each function: its sum, the rest, what that is

    def run(self) -> Change | None:
        s = sp.expand(self.plain.replace(has_one_operand, self._over_product), deep=False)
        s = sp.Add(*(sp.expand(t, func=True, power_exp=False, log=False) for t in sp.Add.make_args(s)))
        terms = sp.Add.make_args(s)
        if not 1 < len(terms) <= _MOST_TERMS:
            return None
        parts: list[Any] = [self._taken_apart(t) for t in terms]
        if None in parts or not 1 < len(self.found) <= _MOST_FUNCTIONS:
            return None
        products = {u: product for product, u in self.places.items()}
        rests = [rest for _, rest, _ in self.found.values()]
        before = [sp.Poly(sp.expand(p.subs(products)), *rests) for p in parts]
        monomials: dict[tuple[int, ...], list[Any]] = {}
        for polynomial in before:
            for powers, coefficient in polynomial.terms():
                monomials.setdefault(powers, []).append(coefficient)
        after = {powers: sp.factor(sp.cancel(sp.Add(*c))) for powers, c in monomials.items()}
        alone = (0,) * len(rests)
        if alone not in after or not _cancels(after[alone], monomials[alone]):
            return None
        total = sp.Add(
            *(c * sp.Mul(*(r**n for r, n in zip(rests, p, strict=True))) for p, c in after.items())
        )
        names = self.names | {r: r.name for r in rests}
        inner = tuple(one for _, _, one in self.found.values())
        return Change((from_sympy(total, names), from_sympy(sp.factor_terms(total), names)), (), inner)

    def _over_product(self, f: Any) -> Any:
        """A function of one argument, or of a product of several, over the symbol that stands for it."""
        coefficient, product = multiple(f)
        if not f.free_symbols or f.free_symbols & {*self.places.values()}:
            return f  # of a function within, what is taken is over such symbols already
        if product.is_Mul:  # multiples of pi too: they have rational series in the multiple alone
            return f.func(coefficient * self._place(product))
        if len(f.free_symbols) == 1:
            (x,) = f.free_symbols
            return f.subs(x, self._place(x))
        return f

    def _place(self, product: Any) -> Any:
        name = f"{self.variable}{len(self.places)}"
        return self.places.setdefault(product, sp.Symbol(name, real=True))

    def _taken_apart(self, term: Any) -> Any | None:
        """A term with each of its functions as first terms and a rest; None where one has no series."""
        factors = sp.Mul.make_args(term)
        total = sp.Mul(*(f for f in factors if not f.has(sp.Function)))
        own = set(self.places.values())
        others = [f for f in factors if f.has(sp.Function)]
        if any(len(f.free_symbols) != 1 or not f.free_symbols <= own for f in others):
            return None
        for u in sorted({u for f in others for u in f.free_symbols}, key=str):
            parts = self._parts(sp.Mul(*(f for f in others if f.free_symbols == {u})), u)
            if parts is None:
                return None
            total *= parts
        return total

    def _parts(self, function: Any, u: Any) -> Any | None:
        if function not in self.found:
            expansion = series.expand(from_sympy(function, {u: self.variable}), self.variable)
            if expansion is None or len(expansion.coefficients) <= self.length:
                return None
            exact: list[Any] = [_exact(c) for c in expansion.coefficients[: self.length + 1]]
            if None in exact:
                return None
            *first, limit = exact
            powers = [expansion.first + k * expansion.step for k in range(self.length + 1)]
            head = sp.Add(*(c * u**n for c, n in zip(first, powers, strict=False)))
            rest = from_sympy((function - head) / u ** powers[-1], {u: self.variable})
            at = from_sympy(next(p for p, x in self.places.items() if x is u), self.names)
            name = f"rest:{len(self.found)}"
            one = Inner(name, rest, at, float(limit), self.variable)
            symbol = sp.Symbol(name, real=True)
            self.found[function] = head + u ** powers[-1] * symbol, symbol, one
        return self.found[function][0]


def _exact(c: Fraction) -> Any | None:
    """The rational number that a coefficient is, None where it is no short one."""
    short = c.limit_denominator(_LARGEST)
    return sp.Rational(short.numerator, short.denominator) if abs(short - c) <= abs(c) / 2**50 else None


def _cancels(total: Any, terms: list[Any]) -> bool:
    """Whether a monomial of some of the terms, all over one denominator, is not in their sum."""
    below = sp.fraction(sp.together(sp.Add(*terms, evaluate=False)))[1]
    single, whole = (
        {m.as_coeff_Mul()[1] for t in some for m in sp.Add.make_args(sp.expand(sp.cancel(t * below)))}
        for some in (terms, [total])
    )
    return bool(single - whole)
