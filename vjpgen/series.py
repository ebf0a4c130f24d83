"""Exact Taylor and Laurent polynomials where rewriting cannot stop a cancellation.

Coefficients are rational and exact (power-series arithmetic of FLINT); a formula whose coefficients are not
rational is expanded in balls (Arb) instead. The degree is fixed by float64 accuracy, so that one polynomial
serves every dtype; where it may be used is decided by measurement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint

from vjpgen.expr import Expr, call, num, var, walk

_ORDER = 48  # terms that are computed
LENGTHS = (4, 7, 10, 14, 18, 24)  # numbers of nonzero coefficients that are tried


@dataclass(frozen=True, slots=True)
class Series:
    """sum of coefficients[k] * x**(first + k * step), exact up to the order computed."""

    first: int
    step: int
    coefficients: tuple[Fraction, ...]


def expand(e: Expr, name: str) -> Series | None:
    """The Laurent series of a one-variable formula at 0, or None where it has none that is usable."""
    flint.ctx.cap, flint.ctx.prec = _ORDER, 800
    for kind in (_Rational(), _Balls()):
        try:
            top, shift = _laurent(e, name, kind)
        except (_NoSeries, ValueError, ZeroDivisionError, OverflowError, NotImplementedError, AttributeError):
            continue
        coefficients = kind.numbers(top)
        if coefficients is not None:
            return _compact(coefficients, shift)
    return None


def limit(e: Expr, name: str) -> float | None:
    """The limit at 0 of a formula of one variable, None where its series does not say."""
    found = expand(e, name)
    if found is None or found.first < 0:
        return None
    return float(found.coefficients[0]) if found.first == 0 else 0.0


def polynomials(s: Series, name: str) -> list[Expr]:
    """Truncations of a series as expressions, shortest first."""
    x = var(name)
    z = x if s.step == 1 else call("square", x) if s.step == 2 else call("pow", x, num(s.step))
    found = []
    for length in LENGTHS:
        if length <= len(s.coefficients):
            found.append(_scale(call("poly", z, *(num(c) for c in s.coefficients[:length])), x, s.first))
    if len(s.coefficients) < LENGTHS[0]:
        found.append(_scale(call("poly", z, *(num(c) for c in s.coefficients)), x, s.first))
    return found


def _scale(p: Expr, x: Expr, power: int) -> Expr:
    if power == 0:
        return p
    factor = (
        x if abs(power) == 1 else call("square", x) if abs(power) == 2 else call("pow", x, num(abs(power)))
    )
    return factor * p if power > 0 else p / factor


def _compact(coefficients: list[Fraction], shift: int) -> Series | None:
    nonzero = [k for k, c in enumerate(coefficients) if c]
    if not nonzero:
        return None
    first = nonzero[0]
    step = next((s for s in (4, 3, 2) if all((k - first) % s == 0 for k in nonzero)), 1)
    usable = coefficients[first::step]
    return Series(first + shift, step, tuple(usable))


class _NoSeries(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Rational:
    def constant(self, e: Expr) -> Any:
        if e.op != "num":
            raise _NoSeries
        assert isinstance(e.value, Fraction)
        return flint.fmpq_series([flint.fmpq(e.value.numerator, e.value.denominator)])

    def variable(self) -> Any:
        return flint.fmpq_series([0, 1])

    def numbers(self, s: Any) -> list[Fraction] | None:
        return [Fraction(int(c.p), int(c.q)) for c in (s[k] for k in range(min(_ORDER - 12, s.length())))]

    def is_zero(self, c: Any) -> bool:
        return bool(c == 0)


@dataclass(frozen=True, slots=True)
class _Balls:
    def constant(self, e: Expr) -> Any:
        if e.op == "num":
            assert isinstance(e.value, Fraction)
            return flint.arb_series([flint.arb(e.value.numerator) / flint.arb(e.value.denominator)])
        values = {"pi": flint.arb.pi, "e": flint.arb.const_e, "euler_gamma": flint.arb.const_euler}
        return flint.arb_series([values[str(e.value)]()])

    def variable(self) -> Any:
        return flint.arb_series([0, 1])

    def numbers(self, s: Any) -> list[Fraction] | None:
        found = []
        for k in range(min(_ORDER - 12, s.length())):
            c = s[k]
            if self.is_zero(c):
                found.append(Fraction(0))
            elif c.rel_accuracy_bits() < 70:
                return None
            else:
                found.append(Fraction(float(c)))
        return found

    def is_zero(self, c: Any) -> bool:
        return bool(c.contains(0)) and float(c.abs_upper()) < 2.0**-300


_METHODS: dict[str, Callable[[Any], Any]] = {
    "exp": lambda a: a.exp(), "log": lambda a: a.log(),
    "sqrt": lambda a: a.sqrt(), "rsqrt": lambda a: a.rsqrt(),
    "sin": lambda a: a.sin(), "cos": lambda a: a.cos(), "tan": lambda a: a.tan(), "asin": lambda a: a.asin(),
    "acos": lambda a: a.acos(), "atan": lambda a: a.atan(), "expm1": lambda a: a.exp() - 1,
    "log1p": lambda a: (1 + a).log(), "sinh": lambda a: (a.exp() - (-a).exp()) / 2,
    "cosh": lambda a: (a.exp() + (-a).exp()) / 2, "asinh": lambda a: (a + (a * a + 1).sqrt()).log(),
    "atanh": lambda a: ((1 + a).log() - (1 - a).log()) / 2,
    "erf": lambda a: a.erf(), "erfc": lambda a: a.erfc(),
    "gamma": lambda a: a.gamma(), "lgamma": lambda a: a.lgamma(), "digamma": lambda a: a.digamma(),
    "logistic": lambda a: 1 / (1 + (-a).exp()), "softplus": lambda a: (1 + a.exp()).log(),
    "tanh": lambda a: 1 - 2 / (1 + (2 * a).exp()), "square": lambda a: a * a,
}  # fmt: skip


def _laurent(e: Expr, name: str, kind: _Rational | _Balls) -> tuple[Any, int]:
    """(series, shift): the formula is x**shift times a power series."""
    done: dict[Expr, tuple[Any, int]] = {}
    for x in walk(e):
        if x.op == "var":
            if x.value != name:
                raise _NoSeries
            done[x] = (kind.variable(), 0)
        elif not x.args:
            done[x] = (kind.constant(x), 0)
        else:
            done[x] = _operate(x, [done[a] for a in x.args], kind)
    return done[e]


def _operate(x: Expr, operands: list[tuple[Any, int]], kind: _Rational | _Balls) -> tuple[Any, int]:
    (a, m), (b, n) = operands[0], operands[-1]
    if x.op in ("add", "sub"):
        low = min(m, n)
        a, b = _shifted(a, m - low, kind), _shifted(b, n - low, kind)
        return (a + b if x.op == "add" else a - b), low
    if x.op == "mul":
        return a * b, m + n
    if x.op == "div":
        b, k = _leading(b, kind)
        return a / b, m - n - k
    if x.op == "neg":
        return -a, m
    if x.op == "square":
        return a * a, 2 * m
    if x.op == "pow":
        exponent = x.args[1]
        if (
            exponent.op != "num"
            or not isinstance(exponent.value, Fraction)
            or exponent.value.denominator != 1
        ):
            raise _NoSeries
        power = int(exponent.value)
        if power < 0:
            a, k = _leading(a, kind)
            return (1 / a) ** -power, (m + k) * power
        return a**power, m * power
    if m < 0 or x.op not in _METHODS:
        raise _NoSeries
    return _METHODS[x.op](_shifted(a, m, kind)), 0


def _shifted(a: Any, by: int, kind: _Rational | _Balls) -> Any:
    return a * kind.variable() ** by if by else a


def _leading(a: Any, kind: _Rational | _Balls) -> tuple[Any, int]:
    """Divide out the power of x that a series starts with."""
    coefficients = [a[k] for k in range(_ORDER)]
    first = next((k for k, c in enumerate(coefficients) if not kind.is_zero(c)), None)
    if first is None:
        raise _NoSeries
    if first == 0:
        return a, 0
    make = flint.fmpq_series if isinstance(kind, _Rational) else flint.arb_series
    return make(coefficients[first:]), first
