"""Expr to JAX source: one expression at a time, with the fewest parentheses that keep its tree."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from vjpgen.expr import Expr, num
from vjpgen.floats import constant_value
from vjpgen.ops import OPS

# Python's own precedence; comparisons bind looser than & and |.
COMPARE, OR, AND, SUM, PRODUCT, UNARY, POWER, ATOM = 4, 5, 7, 10, 20, 25, 30, 99
_INFIX = {
    "add": ("+", SUM), "sub": ("-", SUM), "mul": ("*", PRODUCT), "div": ("/", PRODUCT), "or": ("|", OR),
    "and": ("&", AND), "lt": ("<", COMPARE), "le": ("<=", COMPARE), "gt": (">", COMPARE),
    "ge": (">=", COMPARE), "eq": ("==", COMPARE), "ne": ("!=", COMPARE),
}  # fmt: skip
_RELATIONS = frozenset(("lt", "le", "gt", "ge", "eq", "ne"))
_INTEGER_FIRST = frozenset(("polygamma", "besselj", "besseli"))
_MATH = frozenset((
    "sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan",
    "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc",
    "gamma", "lgamma", "hypot",
))  # fmt: skip
_LEAVES = frozenset(("num", "const", "true", "false"))


def source(e: Expr, names: Mapping[Expr, str], outer: int = 0) -> str:
    """JAX source of an expression.

    Args:
        e: what to print.
        names: subexpressions that already have a name.
        outer: precedence that the text must have to stand where it goes.
    """
    text, level = _print(e, names)
    return f"({text})" if level < outer else text


def is_constant(e: Expr) -> bool:
    """Whether no variable is below `e`, so that Python computes it once, in double precision."""
    return e.op in _LEAVES or (bool(e.args) and all(is_constant(a) for a in e.args))


def number(value: Fraction) -> tuple[str, int]:
    """A Python literal, or a quotient of two, whose double is nearest to `value`; and its level."""
    try:
        double = float(value)
    except OverflowError:
        double = math.inf if value > 0 else -math.inf
    if math.isinf(double):
        return ("jnp.inf", ATOM) if double > 0 else ("-jnp.inf", UNARY)
    short = repr(double)
    if Fraction(short) != value and len(f"{abs(value.numerator)}{value.denominator}") <= 12:
        return f"{value.numerator} / {value.denominator}", PRODUCT
    return short, UNARY if short.startswith("-") else ATOM


def _print(e: Expr, names: Mapping[Expr, str]) -> tuple[str, int]:
    if e in names:
        return names[e], ATOM
    if e.op == "var":
        return str(e.value), ATOM
    if is_constant(e):
        return (str(bool(constant_value(e))), ATOM) if is_bool(e) else _constant(e, inside=False)
    special = _SPECIAL.get(e.op)
    if special is not None:
        found = special(e, names)
        if found is not None:
            return found
    if e.op in _INFIX:
        return _infix(e.op, e.args[0], e.args[1], names)
    operands = [source(a, names) for a in e.args]
    if e.op in _INTEGER_FIRST and e.args[0].op == "num":
        operands[0] = str(e.args[0].value)
    return OPS[e.op].jax.format(*operands), ATOM


def is_bool(e: Expr) -> bool:
    """Whether `e` is a condition."""
    return e.op in OPS and OPS[e.op].gives == "bool"


def _infix(op: str, a: Expr, b: Expr, names: Mapping[Expr, str]) -> tuple[str, int]:
    sign, level = _INFIX[op]
    left = level + 1 if op in _RELATIONS else level
    return f"{source(a, names, left)} {sign} {source(b, names, level + 1)}", level


def _negated(e: Expr, names: Mapping[Expr, str]) -> Expr | None:
    """`f` where `e` is printed as minus f."""
    if e in names:
        return None
    if e.op == "neg":
        return e.args[0]
    if e.op == "num" and isinstance(e.value, Fraction) and e.value < 0:
        return num(-e.value)
    return None


def _add(e: Expr, names: Mapping[Expr, str]) -> tuple[str, int] | None:
    a, b = e.args
    minus_b, minus_a = _negated(b, names), _negated(a, names)
    if minus_b is not None:
        return _infix("sub", a, minus_b, names)
    if minus_a is not None:
        return _infix("sub", b, minus_a, names)
    return None


def _sub(e: Expr, names: Mapping[Expr, str]) -> tuple[str, int] | None:
    minus_b = _negated(e.args[1], names)
    return None if minus_b is None else _infix("add", e.args[0], minus_b, names)


def _neg(e: Expr, names: Mapping[Expr, str]) -> tuple[str, int]:
    # IEEE negation commutes with products and quotients, so that -a * b needs no parentheses.
    text = source(e.args[0], names, PRODUCT)
    level = _print(e.args[0], names)[1]
    if text.startswith("-"):
        return f"-({text})", UNARY
    return f"-{text}", min(level, UNARY) if level >= PRODUCT else UNARY


def _not(e: Expr, names: Mapping[Expr, str]) -> tuple[str, int]:
    relation = e.args[0]
    if relation.op in ("eq", "ne") and relation not in names:  # each other's negation at nan, too
        a, b = relation.args
        return _infix("ne" if relation.op == "eq" else "eq", a, b, names)
    return f"~{source(relation, names, UNARY)}", UNARY


def _square(e: Expr, names: Mapping[Expr, str]) -> tuple[str, int] | None:
    text, level = _print(e.args[0], names)
    return (f"{text}**2", POWER) if level == ATOM and text.isidentifier() else None


def _pow(e: Expr, names: Mapping[Expr, str]) -> tuple[str, int]:
    base, exponent = e.args
    if exponent.op == "num" and exponent not in names and isinstance(exponent.value, Fraction):
        value = exponent.value
        if value == Fraction(1, 2):
            return f"jnp.sqrt({source(base, names)})", ATOM
        if value == Fraction(-1, 2):
            return f"1.0 / jnp.sqrt({source(base, names)})", PRODUCT
        if value.denominator == 1:
            return f"{source(base, names, POWER + 1)} ** {value.numerator}", POWER
    return f"{source(base, names, POWER + 1)} ** {source(exponent, names, UNARY)}", POWER


def _poly(e: Expr, names: Mapping[Expr, str]) -> tuple[str, int]:
    z, *coefficients = e.args
    if len(coefficients) <= 3 and (z in names or z.op == "var"):
        text = source(coefficients[-1], names, PRODUCT + 1)
        for depth, c in enumerate(reversed(coefficients[:-1])):
            text = f"{source(c, names, SUM)} + {source(z, names)} * {text if depth == 0 else f'({text})'}"
        return text, SUM if len(coefficients) > 1 else PRODUCT + 1
    return f"_horner({', '.join(source(a, names) for a in e.args)})", ATOM


_SPECIAL = {"add": _add, "sub": _sub, "neg": _neg, "not": _not, "square": _square, "pow": _pow, "poly": _poly}


def _constant(e: Expr, inside: bool) -> tuple[str, int]:
    """Python source of a constant; integers are written as such only inside a larger constant."""
    value = constant_value(e)
    if not math.isfinite(value):
        return (
            ("jnp.nan", ATOM) if math.isnan(value) else number(Fraction(10**400 if value > 0 else -(10**400)))
        )
    if e.op == "num":
        assert isinstance(e.value, Fraction)
        if inside and e.value.denominator == 1 and abs(e.value) < 10**6:
            return str(e.value), UNARY if e.value < 0 else ATOM
        return number(e.value)
    if e.op == "const":
        return f"jnp.{e.value}", ATOM
    if e.op in ("add", "sub", "mul", "div"):
        sign, level = _INFIX[e.op]
        return f"{_at(e.args[0], level)} {sign} {_at(e.args[1], level + 1)}", level
    if e.op == "neg":
        return f"-{_at(e.args[0], UNARY)}", UNARY
    if e.op in _MATH:
        return f"math.{e.op}({', '.join(_at(a, 0) for a in e.args)})", ATOM
    return number(Fraction(value))


def _at(e: Expr, outer: int) -> str:
    text, level = _constant(e, inside=True)
    return f"({text})" if level < outer else text
