"""What FPCore's operations and constants are in the language (FPBench, FPCore 2.0, https://fpbench.org)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from vjpgen.expr import Expr, const, num
from vjpgen.functions import build

Builder = Callable[..., Expr]


def _trunc(x: Expr) -> Expr:
    return build("where", build("lt", x, num(0)), build("ceil", x), build("floor", x))


def _remainder(rounded: Builder) -> Builder:
    return lambda x, y: build("sub", x, build("mul", y, rounded(build("div", x, y))))


def _round(x: Expr) -> Expr:
    """To the nearest, halves away from zero, as in C."""
    up = build("floor", build("add", build("abs", x), num(Fraction(1, 2))))
    return build("mul", build("sign", x), up)


def _copysign(x: Expr, y: Expr) -> Expr:
    size = build("abs", x)
    return build("where", build("lt", y, num(0)), build("neg", size), size)


def _named(op: str) -> Builder:
    return lambda *operands: build(op, *operands)


UNARY: dict[str, Builder] = {
    **{word: _named(word) for word in (
        "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "sin", "cos", "tan", "asin",
        "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "lgamma", "ceil",
        "floor",
    )},
    "fabs": _named("abs"), "tgamma": _named("gamma"), "nearbyint": _named("round"), "round": _round,
    "trunc": _trunc,
}  # fmt: skip
BINARY: dict[str, Builder] = {
    "pow": _named("pow"), "hypot": _named("hypot"), "atan2": _named("atan2"), "fmax": _named("max"),
    "fmin": _named("min"), "fmod": _remainder(_trunc), "remainder": _remainder(_named("round")),
    "fdim": lambda x, y: build("max", build("sub", x, y), num(0)), "copysign": _copysign,
}  # fmt: skip
ARITHMETIC = {"+": "add", "-": "sub", "*": "mul", "/": "div"}
RELATIONS = {"<": "lt", ">": "gt", "<=": "le", ">=": "ge", "==": "eq", "!=": "ne"}

_PI, _TWO = const("pi"), num(2)
CONSTANTS: dict[str, Expr] = {
    "E": const("e"), "PI": _PI, "PI_2": _PI / 2, "PI_4": _PI / 4, "M_1_PI": 1 / _PI, "M_2_PI": 2 / _PI,
    "M_2_SQRTPI": 2 / build("sqrt", _PI), "LN2": build("log", _TWO), "LN10": build("log", num(10)),
    "LOG2E": 1 / build("log", _TWO), "LOG10E": 1 / build("log", num(10)), "SQRT2": build("sqrt", _TWO),
    "SQRT1_2": 1 / build("sqrt", _TWO), "TRUE": build("true"), "FALSE": build("false"),
}  # fmt: skip

_LOOP = ("is a loop, and a formula has a fixed number of operations", "write the steps out")
_ARRAY = ("is about arrays, and a formula is about single numbers", "")
_FLOATS = ("asks about a float, and a formula is about real numbers", "leave it out")
_NO_NUMBER = ("is no real number", "say with :pre where the formula is used")
REFUSED = {
    "while": _LOOP, "while*": _LOOP, "for": _LOOP, "for*": _LOOP, "tensor": _ARRAY, "tensor*": _ARRAY,
    "array": _ARRAY, "ref": _ARRAY, "dim": _ARRAY, "size": _ARRAY, "isfinite": _FLOATS, "isinf": _FLOATS,
    "isnan": _FLOATS, "isnormal": _FLOATS, "signbit": _FLOATS, "INFINITY": _NO_NUMBER, "NAN": _NO_NUMBER,
}  # fmt: skip
"""What cannot be carried over: the reason, and what to do instead."""

KNOWN = (
    *UNARY,
    *BINARY,
    *ARITHMETIC,
    *RELATIONS,
    *CONSTANTS,
    "fma",
    "if",
    "cond",
    "let",
    "let*",
    "and",
    "or",
)
