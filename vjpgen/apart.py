"""Exponentials with the first terms of their series apart: what those cancel is cancelled by algebra.

The derivative of (1 - (1+r)**(-n))/r is (n*r + (1+r)*(1 - exp(u)))/(r**2*(1+r)*exp(u)) with u = n*log(1+r).
Near 0 its terms cancel to second order in u and in r at once, which no series in one argument mends. With
exp(u) = 1 + u + u**2*G(u) the numerator is n*(r - (1+r)*log(1+r)) - (1+r)*u**2*G(u): the first factor is a
function of r alone, G one of u alone, each is searched for itself, and their sum does not cancel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import factorial
from typing import Any

import sympy as sp

from vjpgen import series
from vjpgen.bridge import OPAQUE, from_sympy, to_sympy
from vjpgen.expr import Expr
from vjpgen.inner import Change, Inner, unused, without_powers

_MOST_OPERATIONS = 50  # longer formulas take seconds, and gain nothing that was measured
_MOST_TERMS = 60
_LENGTHS = (0, 1, 2, 3)  # terms of the series that are taken apart
_ABS, _SIGN = OPAQUE["abs"], OPAQUE["sign"]


def changes(e: Expr, scope: dict[str, Any]) -> list[Change]:
    """Shapes of `e` with exponentials of several symbols taken apart; none where nothing cancels.

    Args:
        e: a formula without `where` and `poly`.
        scope: sympy symbols of the arguments, from `derive.symbols`.
    """
    plain = to_sympy(e, scope)
    if plain.count_ops() > _MOST_OPERATIONS or not all(map(_rational, plain.atoms(sp.Function))):
        return []
    found = []
    for s, logs in (without_powers(plain) or {plain: {}}).items():
        found += [c for way in _Way.all(s, logs, scope) for c in way.changes()]
    return found


def _rational(f: Any) -> bool:
    """Whether the function may stand beside exponentials: a logarithm, or one that is piecewise rational."""
    return isinstance(f, (sp.exp, sp.log, _ABS, _SIGN))


class _Way:
    """One formula, with its logarithms as symbols.

    Where one of them is the logarithm of 1 + w, and w a product, w is a variable in place of one symbol
    of the product; `place` is what it stands for.
    """

    def __init__(self, s: Any, logs: Mapping[Any, Any], scope: Mapping[str, Any], log: Any = None) -> None:
        self.logs, self.scope, self.log = logs, {**scope, **{x.name: x for x in logs}}, log
        self.names = {symbol: name for name, symbol in self.scope.items()}
        self.variable = unused(self.scope)
        self.u, self.w = (sp.Symbol(self.variable + end, real=True) for end in ("", "w"))
        self.place: Any = None if log is None else sp.expand(logs[log].args[0] - 1)
        self.signs: dict[Any, Any] = {}
        s = self._signed(s)
        if log is not None:
            s = s.subs(*self._eliminated())
        top, self.below = sp.fraction(sp.cancel(sp.together(s)) if log is not None else sp.together(s))
        self.below = sp.factor(self.below)
        self.parts = self._by_exponent(top)

    @classmethod
    def all(cls, s: Any, logs: Mapping[Any, Any], scope: Mapping[str, Any]) -> Iterator[_Way]:
        """With each logarithm that may be one of a variable of its own, or without any."""
        good = [x for x in logs if _symbol(sp.expand(logs[x].args[0] - 1)) is not None]
        for log in good or [None]:
            yield cls(s, logs, scope, log)

    def _signed(self, s: Any) -> Any:
        """Absolute values as products with signs, and signs as symbols."""
        s = s.replace(_ABS, lambda x: _SIGN(x) * x)
        for f in sorted(s.atoms(_SIGN), key=str):
            self.signs.setdefault(f, sp.Symbol(f"sign:{len(self.signs)}", real=True))
        return s.subs(self.signs)

    def _expanded(self, s: Any) -> Any:
        s = sp.expand(s)
        for sign in self.signs.values():
            s = s.replace(lambda x, sign=sign: x.is_Pow and x.base is sign, lambda x: x.base ** (x.exp % 2))
        return sp.expand(s)

    def _eliminated(self) -> tuple[Any, Any]:
        """The symbol that w takes the place of, and what it is over w and the others."""
        found, place = _symbol(self.place), self._signed(self.place)
        assert found is not None
        symbol, power = found
        return symbol, (self.w * symbol**power / place) ** sp.Rational(1, power)

    def changes(self) -> Iterator[Change]:
        """One for every number of terms apart."""
        exponents = [z for z in self.parts if len(z.free_symbols) > 1]
        alone = [c * sp.exp(z) for z, c in self.parts.items() if z not in exponents]
        for length in _LENGTHS if exponents or self.below.has(sp.exp) else ():
            terms = [self.parts[z] * z**j / factorial(j) for z in exponents for j in range(length)]
            rest = self._expanded(sp.Add(*terms, *alone))
            if not length or _count(rest) < sum(_count(self._expanded(t)) for t in (*terms, *alone)):
                change = self._change(exponents, length, rest)
                if change is not None:
                    yield change

    def _by_exponent(self, top: Any) -> dict[Any, Any]:
        """The coefficient of every exponential in a sum that is multiplied out."""
        found: dict[Any, Any] = {}
        terms = sp.Add.make_args(self._expanded(top))
        for term in terms if len(terms) <= _MOST_TERMS else ():
            factors = sp.Mul.make_args(sp.expand_power_exp(term))
            exponent = sp.expand(sp.Add(*(f.args[0] for f in factors if isinstance(f, sp.exp))))
            rest = sp.Mul(*(f for f in factors if not isinstance(f, sp.exp)))
            for log, meaning in self.logs.items():
                whole = sp.Add(*(x.coeff(log) for x in sp.Add.make_args(exponent) if x.coeff(log).is_Integer))
                base = 1 + self.w if log is self.log else meaning.args[0]
                exponent, rest = sp.expand(exponent - whole * log), rest * base**whole
            found[exponent] = found.get(exponent, sp.S.Zero) + rest
        return found

    def _change(self, exponents: list[Any], length: int, rest: Any) -> Change | None:
        """None where no term is taken apart and the denominator has no zero to take out."""
        inner: list[Inner] = []
        meaning = {symbol: f for f, symbol in self.signs.items()}

        def named(function: Any, variable: Any, at: Any, limit: float) -> Any:
            shape = from_sympy(function, {variable: self.variable})
            place = from_sympy(at.subs(meaning), self.names)
            inner.append(Inner(f"apart:{len(inner)}", shape, place, limit, self.variable))
            return sp.Symbol(inner[-1].name, real=True)

        scale = {}
        if self.log is not None:
            scale[self.log] = self.w * named(sp.log(1 + self.w) / self.w, self.w, self.place, 1.0)
        below, damping = self._below(scale, named)
        if not length and len(inner) == len(scale):
            return None
        terms = [t * sp.exp(-damping) for t in self._over_one(rest, below, scale, named)]
        head = sum(self.u**j / factorial(j) for j in range(length))
        for z in exponents:
            part = self.parts[z].subs(scale) / below
            if not length:
                terms.append(part * sp.exp(z - damping))
                continue
            share = sp.cancel(damping / z)
            inside, outside = (share * self.u, 0) if share.is_number else (0, damping)
            tail = (sp.exp(self.u) - head) / self.u**length * sp.exp(-inside)
            limit = 1 / factorial(length)
            terms.append(part * z.subs(scale) ** length * sp.exp(-outside) * named(tail, self.u, z, limit))
        total = sp.Add(*terms).subs(meaning)
        if self.log is not None:
            alone = self.place.is_Symbol
            total = total.subs(self.w, self.place if alone else named(self.w, self.w, self.place, 0.0))
        names = self.names | {sp.Symbol(i.name, real=True): i.name for i in inner}
        logs = tuple((log.name, from_sympy(meaning, self.names)) for log, meaning in self.logs.items())
        return Change((from_sympy(total, names),), logs, tuple(inner))

    def _below(self, scale: dict[Any, Any], named: Any) -> tuple[Any, Any]:
        """The denominator without its exponential growth, zeros as powers; and the exponent of the growth."""
        below, damping = sp.S.One, sp.S.Zero
        found = {x.args[0] / x.args[0].as_coeff_Mul()[0] for x in self.below.atoms(sp.exp)}
        exponents = sorted((z for z in found if len(z.free_symbols) > 1), key=str)
        for factor in sp.Mul.make_args(self.below):
            base, power = factor.as_base_exp()
            if base is sp.E:
                damping += power
                continue
            for z in exponents:
                over = base.replace(sp.exp, lambda x, z=z: sp.exp(self.u * sp.cancel(x / z)))
                growth = [f.args[0] / self.u for f in over.atoms(sp.exp)]
                if over.free_symbols == {self.u} and all(c.is_number for c in growth) and power.is_Integer:
                    most = sp.Max(0, *growth)
                    over = sp.expand(over * sp.exp(-most * self.u))
                    expansion = series.expand(from_sympy(over, {self.u: self.variable}), self.variable)
                    if expansion is not None:
                        damping += power * most * z
                        first, limit = expansion.first, float(expansion.coefficients[0])
                        zero = named(over / self.u**first, self.u, z, limit)
                        factor = (zero * z.subs(scale) ** first) ** power
                        break
            below *= factor
        return below, damping

    def _over_one(self, rest: Any, below: Any, scale: dict[Any, Any], named: Any) -> list[Any]:
        """The terms of a sum, with what depends on the one variable alone under a name where it cancels."""
        if self.log is None:
            return [t / below for t in sp.Add.make_args(rest)]
        groups: dict[Any, Any] = {}
        for term in sp.Add.make_args(sp.expand(rest)):
            free, bound = term.as_independent(self.w, self.log, as_Add=False)
            share, free = free.as_coeff_Mul()
            groups[free] = groups.get(free, sp.S.Zero) + share * bound
        found = []
        for free, bound in groups.items():
            function = bound.subs(self.log, sp.log(1 + self.w))
            expansion = series.expand(from_sympy(function, {self.w: self.variable}), self.variable)
            if expansion is None or not bound.is_Add:
                found.append(free * bound.subs(scale) / below)
            else:
                power, limit = expansion.first, float(expansion.coefficients[0])
                name = named(function / self.w**power, self.w, self.place, limit)
                found.append(free * self.w**power * name / below)
        return found


def _symbol(w: Any) -> tuple[Any, int] | None:
    """A symbol that a product can be solved for, and its power."""
    powers = {b: n for b, n in w.as_powers_dict().items() if b.is_Symbol}
    for symbol, power in sorted(powers.items(), key=lambda p: (abs(p[1]), str(p[0]))):
        if abs(power) == 1 or (abs(power) == 2 and symbol.is_positive):
            return symbol, int(power)
    return None


def _count(s: Any) -> int:
    return len(sp.Add.make_args(s))
