"""Exact arithmetic on the rational constants of a formula, within bounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from vjpgen.expr import Expr, call, const, num, walk
from vjpgen.tokens import representable

MAX_BITS = 4096

_EXACT: dict[str, Callable[..., Fraction]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "neg": lambda a: -a,
}


class ConstantRefused(Exception):
    """A constant that no float64 holds, or that would be too long to be kept exactly."""


def combine(op: str, *args: Expr) -> Expr:
    """`call(op, *args)`, but exact where every operand is a rational literal; e**x is exp(x).

    Raises:
        ConstantRefused: division by zero, or a result beyond float64 or beyond `MAX_BITS` bits.
    """
    if op == "div" and args[1] is num(0):
        raise ConstantRefused("division by zero")
    if op == "pow" and args[0] is const("e"):
        return call("exp", args[1])
    values = [a.value for a in args if isinstance(a.value, Fraction)]
    if len(values) < len(args) or not args:
        return call(op, *args)
    if op == "pow":
        return _power(*values)
    if op == "div":
        return num(_checked(values[0] / values[1]))
    return num(_checked(_EXACT[op](*values))) if op in _EXACT else call(op, *args)


def _power(base: Fraction, exponent: Fraction) -> Expr:
    if base == 0 and exponent < 0:
        raise ConstantRefused("division by zero")
    if base in (0, 1) and exponent.denominator == 1:
        return num(base if exponent else 1)
    if base and abs(exponent) * abs(_log2(base)) > 1100:
        raise ConstantRefused("this power lies outside the range of float64")
    if exponent.denominator != 1:
        return call("pow", num(base), num(exponent))
    if abs(exponent) * max(base.numerator.bit_length(), base.denominator.bit_length()) > 2 * MAX_BITS:
        raise ConstantRefused("this power has too many digits to be kept exactly")
    return num(_checked(base ** int(exponent)))


def _log2(value: Fraction) -> Fraction:
    return Fraction(math.log2(abs(value.numerator)) - math.log2(value.denominator))


def _checked(value: Fraction) -> Fraction:
    if not representable(value):
        raise ConstantRefused("this constant lies outside the range of float64")
    if value.numerator.bit_length() + value.denominator.bit_length() > 2 * MAX_BITS:
        raise ConstantRefused("this constant has too many digits to be kept exactly")
    return value


_FLOAT: dict[str, Callable[..., float]] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b, "neg": lambda a: -a, "pow": math.pow,
    "exp": math.exp, "exp2": lambda a: math.pow(2.0, a), "expm1": math.expm1, "sinh": math.sinh,
    "cosh": math.cosh, "gamma": math.gamma, "lgamma": math.lgamma, "log": math.log, "log2": math.log2,
    "log10": math.log10, "sqrt": math.sqrt, "abs": abs, "max": max, "min": min,
}  # fmt: skip
_VALUES = {"pi": math.pi, "e": math.e, "euler_gamma": 0.5772156649015329}


def too_large(*roots: Expr) -> Expr | None:
    """A constant subexpression that overflows float64 (`exp(exp(exp(9)))`), None if there is none.

    What floats cannot tell, such as a constant that is not real, is left to exact arithmetic.
    """
    found = _folded(*roots)
    return found if isinstance(found, Expr) else None


def constant(e: Expr) -> float | None:
    """The value of an expression without variables, as floats compute it; None where they cannot tell."""
    known = _folded(e)
    return None if isinstance(known, Expr) else known.get(e)


def _folded(*roots: Expr) -> dict[Expr, float] | Expr:
    """What floats give for constant subexpressions, or the first that overflows."""
    known: dict[Expr, float] = {}
    for e in walk(*roots):
        if e.op == "num" and isinstance(e.value, Fraction):
            known[e] = float(e.value)
        elif e.op == "const":
            known[e] = _VALUES[str(e.value)]
        elif e.op in _FLOAT and all(a in known for a in e.args):
            try:
                value = _FLOAT[e.op](*(known[a] for a in e.args))
            except OverflowError:
                return e
            except (ValueError, ZeroDivisionError):
                continue
            if math.isinf(value):
                return e
            known[e] = value
    return known
