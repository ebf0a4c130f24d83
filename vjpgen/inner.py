"""Inner functions: what depends on one product of the arguments alone, with its zero at the origin taken out.

`(log(1 + xi*z) - xi*z/(1 + xi*z)) / xi**2` cancels where xi*z is small, and no rewriting stops that, nor is
there one argument to expand it in. With u = xi*z it is g(u) / xi**2, where g has a double zero at 0, so it is
z**2 * G(u) with G(u) = g(u)/u**2: a function of one variable, which the search stabilises for itself, and a
power that no longer divides by xi.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Set
from dataclasses import dataclass
from functools import reduce
from math import gcd
from typing import Any

import sympy as sp

from vjpgen import series
from vjpgen.bridge import from_sympy, to_sympy
from vjpgen.derive import shapes
from vjpgen.expr import Expr

_VARIABLE = "u"
_MOST_OPERATIONS = 90
_MOST_CHANGES = 6
_MOST_INNER = 4


@dataclass(frozen=True, slots=True)
class Inner:
    """One function of one variable, G(u), and what stands for u.

    Attributes:
        name: of the variable that stands for its value in the outer shape.
        function: G over `variable`, as it follows from the formula.
        at: u over the arguments and logarithms.
        limit: G(0).
        variable: the name of u.
    """

    name: str
    function: Expr
    at: Expr
    limit: float
    variable: str


@dataclass(frozen=True, slots=True)
class Change:
    """Equal shapes of a formula, over its arguments, logarithms and the values of its inner functions.

    Attributes:
        shapes: equal to each other and to the formula.
        logs: name and meaning of the logarithms that became variables because powers are taken of them.
        inner: the inner functions.
    """

    shapes: tuple[Expr, ...]
    logs: tuple[tuple[str, Expr], ...]
    inner: tuple[Inner, ...]


def changes(e: Expr, scope: dict[str, Any]) -> list[Change]:
    """Shapes of `e` in which inner functions have their zeros taken out; none where it has no such part.

    Args:
        e: a formula without `where` and `poly`.
        scope: sympy symbols of the arguments, from `derive.symbols`.
    """
    plain = to_sympy(e, scope)
    if plain.count_ops() > _MOST_OPERATIONS:
        return []
    found: dict[Expr, Change] = {}
    for s, logs in {plain: {}, **without_powers(plain)}.items():
        for way in _ways(s, unused(scope)):
            if (not logs or way.symbols & logs.keys()) and len(found) < _MOST_CHANGES:
                change = _Changing(logs, scope).run(way)
                if change is not None:
                    found.setdefault(change.shapes[0], change)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Way:
    """A formula over new variables, and what each of them stands for.

    `outlined` says what becomes a function of its own, by the order of its zero, or pole, at 0; sums that
    cancel always do.
    """

    formula: Any
    places: dict[Any, Any]
    outlined: Callable[[int], bool]

    @property
    def symbols(self) -> Set[Any]:
        return set().union(*(p.free_symbols for p in self.places.values()))


def _ways(s: Any, variable: str) -> Iterator[_Way]:
    """In products of the arguments, one at a time, in all at once, in single arguments, in differences."""
    u = sp.Symbol(variable, real=True)
    for product in _products(s):
        for symbol in sorted(product.free_symbols, key=str):
            if (power := product.as_powers_dict()[symbol]) in (1, -1):
                other = product / symbol**power
                t = s.subs(symbol, u / other if power == 1 else other / u)
                yield _Way(t, {u: product}, lambda order: order != 0)
    if (way := _all_at_once(s, variable)) is not None:
        yield way
    for x in _alone_in_functions(s):
        yield _Way(s.subs(x, u), {u: x}, lambda order: False)
    for x, y in _differences(s):
        yield _Way(sp.expand_power_exp(s.subs(x, y + u)), {u: x - y}, lambda order: False)


def _all_at_once(s: Any, variable: str) -> _Way | None:
    """With a variable for every product that functions are taken of, sums in it kept together."""
    places: dict[Any, Any] = {}

    def renamed(f: Any) -> Any:
        coefficient, product = multiple(f)
        if not product.is_Mul or product.free_symbols & {*places.values()}:
            return f  # of a function within, what is taken is over new variables already
        u = places.setdefault(product, sp.Symbol(f"{variable}{len(places)}", real=True))
        return f.func(coefficient * u)

    t = s.replace(has_one_operand, renamed)
    swapped = {u: product for product, u in places.items()}
    return _Way(t, swapped, lambda order: order != 0) if len(places) > 1 else None


def has_one_operand(f: Any) -> bool:
    return isinstance(f, sp.Function) and len(f.args) == 1


def multiple(f: Any) -> tuple[Any, Any]:
    """What a function of one operand takes, as a number times the rest, with sums in it factored."""
    return sp.factor_terms(f.args[0]).as_coeff_Mul()  # type: ignore[no-any-return]


def _alone_in_functions(s: Any) -> list[Any]:
    """Symbols of which functions are taken that depend on no other, in a formula that does."""
    functions = sorted(s.atoms(sp.Function), key=str)
    found = dict.fromkeys(x for f in functions if len(f.free_symbols) == 1 for x in f.free_symbols)
    return list(found) if len(s.free_symbols) > 1 else []


def _differences(s: Any) -> list[tuple[Any, Any]]:
    """Symbols of which the formula has the difference."""
    found: dict[tuple[Any, Any], None] = {}
    for node in sorted(s.atoms(sp.Add), key=str):
        if len(node.args) == 2 and all(a.as_coeff_Mul()[1].is_Symbol for a in node.args):
            signs, symbols = zip(*(a.as_coeff_Mul() for a in node.args), strict=True)
            if sorted(signs) == [-1, 1]:
                x, y = sorted(symbols, key=str)
                found.setdefault((x, y))
    return list(found)


def unused(scope: Collection[str]) -> str:
    """A name for the variable of inner functions that no argument has."""
    name = _VARIABLE
    while name in scope:
        name += "_"
    return name


def without_powers(s: Any) -> dict[Any, dict[Any, Any]]:
    """Powers with variable exponents as exponentials of symbols, and the logarithms that these stand for."""
    powers = sorted((p for p in s.atoms(sp.Pow) if _is_power(p)), key=str)
    logs: dict[Any, Any] = {}
    for p in powers:
        logs.setdefault(sp.log(p.base), sp.Symbol(f"log:{len(logs)}", real=True))
    if not logs:
        return {}
    s = s.replace(_is_power, lambda x: sp.exp(x.exp * logs.get(sp.log(x.base), sp.log(x.base))))
    return {s.subs(logs): {symbol: log for log, symbol in logs.items()}}


def _is_power(x: Any) -> bool:
    """Whether it is a power other than of e, with an exponent that varies."""
    return bool(x.is_Pow and not x.exp.is_number and x.base is not sp.E)


def _products(s: Any) -> list[Any]:
    """Products of several symbols that functions are taken of, in their order of appearance."""
    found: dict[Any, None] = {}
    for node in sp.preorder_traversal(s):
        if not (node.is_Function or (node.is_Pow and not (node.base.is_Symbol or node.base.is_Mul))):
            continue
        operand = node.args[1] if node.is_Pow and node.base is sp.E else node.args[0]
        for term in sp.Add.make_args(operand):
            if len(term.free_symbols) > 1 and (product := _primitive(term)) is not None:
                found.setdefault(product)
    return list(found)


def _primitive(term: Any) -> Any | None:
    """A product of symbols, without its coefficient, to the least power that has integer exponents."""
    powers = {b: e for b, e in term.as_powers_dict().items() if b.free_symbols}
    if not powers or not all(b.is_Symbol and e.is_Integer for b, e in powers.items()):
        return None
    common = reduce(gcd, (abs(int(e)) for e in powers.values()))
    ordered = sorted(powers.items(), key=lambda p: str(p[0]))
    return sp.Mul(*(b ** (e // common) for b, e in ordered))


def _distributed(term: Any) -> Any:
    """A product with the sums in its numerator multiplied out, its denominators as they are."""
    sums = [a for a in sp.Mul.make_args(term) if a.is_Add]
    if not sums:
        return term
    rest = sp.Mul(*(a for a in sp.Mul.make_args(term) if not a.is_Add))
    return sp.Add(*(_distributed(rest * sp.Mul(*row)) for row in itertools.product(*(s.args for s in sums))))


class _Changing:
    """Finds the inner functions of a formula in the variables of a way, one after another."""

    def __init__(self, logs: dict[Any, Any], scope: dict[str, Any]) -> None:
        self.logs, self.scope, self.variable = logs, scope, unused(scope)
        self.names = {symbol: name for name, symbol in scope.items()}
        self.expansions: dict[Any, series.Series | None] = {}
        self.found: dict[Any, tuple[Any, Inner]] = {}

    def run(self, way: _Way) -> Change | None:
        shape, self.outlined = way.formula, way.outlined
        scope = self.scope | {symbol.name: symbol for symbol in self.logs}
        for self.u, place in way.places.items():
            self.at = from_sympy(place, {symbol: name for name, symbol in scope.items()})
            shape = self._rewritten(shape)
        if not 0 < len(self.found) <= _MOST_INNER:
            return None
        logs = tuple((symbol.name, from_sympy(log, self.names)) for symbol, log in self.logs.items())
        scope |= {symbol.name: symbol for symbol, _ in self.found.values()}
        inner = tuple(one for _, one in self.found.values())
        return Change(shapes(shape.subs(way.places), scope), logs, inner)

    def _alone(self, s: Any) -> bool:
        return bool(s.free_symbols == {self.u})

    def _rewritten(self, s: Any) -> Any:
        if self.u not in s.free_symbols or s is self.u:
            return s
        if self._alone(s):
            return self._outlined(s)
        if s.is_Add:
            return sp.Add(*(free * self._rewritten(g) * mixed for (free, mixed), g in self._collected(s)))
        if s.is_Mul:
            alone = sp.Mul(*(a for a in s.args if self._alone(a)))
            others = (a for a in s.args if not self._alone(a))
            return self._rewritten(alone) * sp.Mul(*map(self._rewritten, others))
        if _is_power(s):
            return sp.exp(self._rewritten(s.exp * sp.log(s.base)))
        return s.func(*map(self._rewritten, s.args))

    def _collected(self, s: Any) -> Iterable[tuple[tuple[Any, Any], Any]]:
        """For every factor without u, and every factor with more than u: the sum of what has u alone."""
        groups: dict[tuple[Any, Any], Any] = {}
        for term in sp.Add.make_args(sp.Add(*map(_distributed, s.args))):
            free, bound = term.as_independent(self.u, as_Add=False)
            coefficient, free = free.as_independent(*free.free_symbols, as_Add=False)
            factors = sp.Mul.make_args(bound)
            alone = sp.Mul(*(f for f in factors if self._alone(f)))
            mixed = sp.Mul(*(self._rewritten(f) for f in factors if len(f.free_symbols) > 1))
            groups[free, mixed] = groups.get((free, mixed), sp.S.Zero) + coefficient * alone
        return groups.items()

    def _outlined(self, s: Any) -> Any:
        """A function of u alone: a power of u, times a symbol for the rest where that has a zero to hide."""
        if s.is_Add and s.is_rational_function(self.u):  # 1 - u/(1 + u) cancels where u is large
            s = sp.factor(s)
        powers = sp.Mul(*(a for a in sp.Mul.make_args(s) if a.is_number or self._monomial(a)))
        g = s / powers
        expansion = self._expansion(g)
        if expansion is None or not (
            self._cancels(g, expansion.first) if g.is_Add else self.outlined(expansion.first)
        ):
            return s
        if g.could_extract_minus_sign():
            powers, g, expansion = -powers, -g, self._expansion(-g)
            assert expansion is not None
        if g not in self.found:
            name, limit = f"inner:{len(self.found)}", float(expansion.coefficients[0])
            rest = self._shape(g / self.u**expansion.first)
            self.found[g] = sp.Symbol(name, real=True), Inner(name, rest, self.at, limit, self.variable)
        return powers * self.u**expansion.first * self.found[g][0]

    def _shape(self, g: Any) -> Expr:
        return from_sympy(g, {self.u: self.variable})

    def _monomial(self, s: Any) -> bool:
        return s is self.u or bool(s.is_Pow and s.base is self.u and s.exp.is_Integer)

    def _cancels(self, g: Any, order: int) -> bool:
        """Whether a term of the sum begins with a lower power than the sum does."""
        expansions = [self._expansion(term) for term in g.args]
        return any(e is not None and e.first < order for e in expansions)

    def _expansion(self, g: Any) -> series.Series | None:
        """The series of a function at u = 0, None where it has none."""
        if g not in self.expansions:
            self.expansions[g] = series.expand(self._shape(g), self.variable)
        return self.expansions[g]
