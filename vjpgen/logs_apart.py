"""Logarithms of what is near 1 with the first term of their series apart: what it cancels, algebra cancels.

The divergence log(1 + exp(y)) - log(1 + exp(x)) - (y - x)/(1 + exp(-x)) cancels where x and y are near each
other. With d = y - x, c = 1/(1 + exp(-x)) and w = c*(exp(d) - 1), which vanishes with d, the logarithms are
log(1 + w) = w + w**2*R(w), so that it is c*(exp(d) - 1 - d) + w**2*R(w): the terms of first order are in one
function of d alone. On the other side of 1 the same is done with exp(d) taken out of the logarithm.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import sympy as sp

from vjpgen import series
from vjpgen.bridge import from_sympy, to_sympy
from vjpgen.expr import Expr
from vjpgen.inner import Change, Inner, unused, without_powers

_MOST_OPERATIONS = 60
_MOST_GROUPS = 4


class _Logs(NamedTuple):
    """A formula as rest + share*log(operand)."""

    rest: Any
    share: Any
    operand: Any


def changes(e: Expr, scope: dict[str, Any]) -> list[Change]:
    """Shapes of `e` with the logarithms of exponentials in it taken apart; none where nothing cancels.

    Args:
        e: a formula without `where` and `poly`.
        scope: sympy symbols of the arguments, from `derive.symbols`.
    """
    plain = to_sympy(e, scope)
    if plain.count_ops() > _MOST_OPERATIONS:
        return []
    found = []
    for s, meaning in (without_powers(plain) or {plain: {}}).items():
        logs = _as_logs(s)
        if logs is not None:
            names = {symbol: name for name, symbol in scope.items()} | {x: x.name for x in meaning}
            found += [c for way in _ways(logs, scope) if (c := way.change(names, meaning)) is not None]
    return found


def _as_logs(s: Any) -> _Logs | None:
    """The logarithms of a formula as one, where their shares are whole multiples of the first one's."""
    logs = sorted(s.atoms(sp.log), key=str)
    symbols = {f: sp.Dummy() for f in logs}
    flat = s.subs(symbols)
    shares = [sp.cancel(sp.diff(flat, x)) for x in symbols.values()]
    if not logs or shares[0] == 0 or any(c.free_symbols & {*symbols.values()} for c in shares):
        return None
    times = [sp.cancel(c / shares[0]) for c in shares]
    if not all(n.is_Integer for n in times):
        return None
    operand = sp.Mul(*(f.args[0] ** n for f, n in zip(logs, times, strict=True)))
    return _Logs(flat.subs(dict.fromkeys(symbols.values(), 0)), shares[0], operand)


def _ways(logs: _Logs, scope: Mapping[str, Any]) -> Iterator[_Way]:
    """In each exponent, or difference of two, at which the operand is 1."""
    variable = unused(scope)
    d, exponential = sp.Symbol(variable, real=True), sp.Symbol(f"exp({variable})", positive=True)

    def split(z: Any) -> Any:
        """The exponential of a multiple of d and the rest, as a power and the exponential of the rest."""
        times = sp.expand(z).coeff(d)
        return exponential**times * sp.exp(sp.expand(z - times * d))

    for place, symbol, meaning in _places(logs.operand, d):
        over = _Logs(*(part.subs(symbol, meaning).replace(sp.exp, split) for part in logs))
        whole = _polynomial(over, d, exponential)
        if whole is not None:
            near = sp.factor(whole.operand - 1)
            several = exponential in near.free_symbols and len(near.free_symbols) > 1
            if several and near.subs(exponential, 1) == 0:
                yield _Way(whole, near, d, exponential, place)


def _polynomial(logs: _Logs, d: Any, exponential: Any) -> _Logs | None:
    """With an operand that has no exp(d) below the line; None where there is no such thing.

    A power of exp(d) there is taken out of the logarithm, and what is all there is turned over.
    """
    top, below = (f.as_independent(exponential, as_Add=False) for f in sp.fraction(sp.factor(logs.operand)))
    for share, over, under in ((logs.share, top, below), (-logs.share, below, top)):
        base, power = under[1].as_base_exp()
        if base is exponential or under[1] == 1:
            taken = power * d if base is exponential else 0
            return _Logs(logs.rest - share * taken, share, over[0] * over[1] / under[0])
    return None


def _places(operand: Any, d: Any) -> Iterator[tuple[Any, Any, Any]]:
    """What d may stand for, and a symbol with what that is by d and the others."""
    exponents = [f.args[0] for f in sorted(operand.atoms(sp.exp), key=str) if f.free_symbols]
    for z in exponents:
        x = min(z.free_symbols, key=str)
        if z.is_Symbol or (z.is_Mul and sp.diff(z, x, 2) == 0):
            yield from ((sign * z, x, sign * d * x / z) for sign in (1, -1))
    symbols = sorted((z for z in exponents if z.is_Symbol), key=str)
    for x, y in itertools.permutations(symbols, 2):
        yield x - y, x, y + d
        yield x - y, y, x - d


class _Way(NamedTuple):
    """A formula over d, exp(d) and the others, its operand less 1, and what d stands for."""

    logs: _Logs
    near: Any
    d: Any
    exponential: Any
    place: Any

    def change(self, names: Mapping[Any, str], meaning: Mapping[Any, Any]) -> Change | None:
        """Over the operand, if that lets the terms without a logarithm be products with functions of d."""
        for over in (False, True):
            below = self.logs.operand if over else sp.S.One
            groups = self._groups(sp.cancel(self.logs.rest * below) + self.logs.share * self.near)
            if groups is not None:
                return self._change(groups, names, meaning, over=over)
        return None

    def _groups(self, total: Any) -> dict[Any, Any] | None:
        """Functions of d by what they are multiplied with; None where there is no such sum."""
        by_function: dict[Any, Any] = {}
        for term in sp.Add.make_args(sp.expand(total)):
            free, function = term.as_independent(self.d, self.exponential, as_Add=False)
            if not function.free_symbols <= {self.d, self.exponential}:
                return None
            by_function[function] = by_function.get(function, sp.S.Zero) + free
        found: dict[Any, Any] = {}
        for function, free in by_function.items():
            number, free = sp.factor(sp.together(free)).as_coeff_Mul()
            if free.could_extract_minus_sign():
                number, free = -number, -free
            if number:
                function = number * function.subs(self.exponential, sp.exp(self.d))
                found[free] = found.get(free, sp.S.Zero) + function
        return found if len(found) <= _MOST_GROUPS else None

    def _change(
        self, groups: dict[Any, Any], names: Mapping[Any, str], meaning: Mapping[Any, Any], *, over: bool
    ) -> Change | None:
        inner: list[Inner] = []
        d, w, u = self.d, sp.Symbol("above:", real=True), self.d.name
        back = {self.exponential: sp.exp(self.place), d: self.place}

        def named(function: Any, at: Any, limit: Any) -> Any:
            places = {**names, w: w.name}
            name = f"rest:{len(inner)}"
            inner.append(Inner(name, from_sympy(function, {d: u}), from_sympy(at, places), float(limit), u))
            return sp.Symbol(name, real=True)

        def outlined(function: Any) -> tuple[Any, int]:
            """A function of d as a power of it and what is left, and the order of its zero."""
            expansion = series.expand(from_sympy(function, {d: u}), u)
            if expansion is None or not function.is_Add:
                return function.subs(back), 0
            power = self.place**expansion.first
            rest = named(function / d**expansion.first, self.place, expansion.coefficients[0])
            return power * rest, expansion.first

        log = sp.log(1 + d)
        rest = named(((1 + d) * log - d if over else log - d) / d**2, w, 0.5 if over else -0.5)
        free, function = self.near.as_independent(d, self.exponential, as_Add=False)
        alone = function.free_symbols <= {d, self.exponential}
        above = free * outlined(sp.expand(function.subs(self.exponential, sp.exp(d))))[0] if alone else w
        total, most = self.logs.share.subs(back) * above**2 * rest, 0
        for factor, function in groups.items():
            part, order = outlined(function)
            total, most = total + factor * part, max(most, order)
        if most < 2:
            return None
        symbols = {**names, w: w.name, **{sp.Symbol(i.name, real=True): i.name for i in inner}}
        shape = from_sympy(total / (1 + w) if over else total, symbols)
        formulas = {**{x.name: log for x, log in meaning.items()}, w.name: self.near.subs(back).subs(meaning)}
        logs = tuple((name, from_sympy(f, dict(names))) for name, f in formulas.items())
        return Change((shape,), logs, tuple(inner))
