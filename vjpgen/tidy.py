"""Exact simplifications of a chosen form: what computes the same bits with fewer operations.

Only identities that hold in floating point as they stand: signs move, units vanish, small integers fold.
"""

from __future__ import annotations

from fractions import Fraction

from vjpgen.expr import Expr, Settling, call, num, variables

_EVEN = frozenset(("abs", "square", "cos", "cosh"))
_ODD = frozenset(("sin", "tan", "asin", "atan", "sinh", "tanh", "asinh", "atanh", "erf", "cbrt", "sign"))
_MIRRORED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "eq": "eq", "ne": "ne"}
_LONGEST = 2**60  # numerators and denominators of folded numbers


def tidy(e: Expr) -> Expr:
    """The same computation, without redundant signs and units."""
    return _settled(e)


def _step(x: Expr) -> Expr | None:
    if x.args and all(a.op == "num" for a in x.args):
        return _folded(x)
    match x.op, x.args:
        case "neg", (a,):
            return _negated(a)
        case "add", (a, b):
            return _sum(a, b)
        case "sub", (a, b):
            return _difference(a, b)
        case (("mul" | "div"), (a, b)):
            return _product(x.op, a, b)
        case "pow", (a, _) if _value(a) == 1:
            return a
        case op, (a,) if op in _EVEN and a.op == "neg":
            return call(op, a.args[0])
        case op, (a,) if op in _ODD and a.op == "neg":
            return -call(op, a.args[0])
        case "hypot", (a, b) if (c := _unsigned(a)) is not a or _unsigned(b) is not b:
            return call("hypot", c, _unsigned(b))
        case "where", (_, a, b) if a is b:
            return a
        case op, (a, b) if op in _MIRRORED and not variables(a) and variables(b):
            return call(_MIRRORED[op], b, a)
    return None


def _value(e: Expr) -> Fraction | None:
    return e.value if isinstance(e.value, Fraction) else None


def _folded(x: Expr) -> Expr | None:
    """The exact value of an operation on numbers, where it is rational and short."""
    values = [a.value for a in x.args if isinstance(a.value, Fraction)]
    match x.op, values:
        case "neg", [a]:
            found = -a
        case "abs", [a]:
            found = abs(a)
        case "add", [a, b]:
            found = a + b
        case "sub", [a, b]:
            found = a - b
        case "mul", [a, b]:
            found = a * b
        case "div", [a, b] if b:
            found = a / b
        case "square", [a]:
            found = a * a
        case "pow", [a, b] if b.denominator == 1 and 0 < b < 64:
            found = a ** int(b)
        case "log", [a] if a == 1:
            found = Fraction(0)
        case (("max" | "min"), [a, b]):
            found = max(a, b) if x.op == "max" else min(a, b)
        case _:
            return None
    return num(found) if max(abs(found.numerator), found.denominator) < _LONGEST else None


def _negated(a: Expr) -> Expr | None:
    return a.args[1] - a.args[0] if a.op == "sub" else _minus(a)


def _unsigned(x: Expr) -> Expr:
    """x or -x, whichever is shorter."""
    return x if (positive := _minus(x)) is None else positive


def _minus(x: Expr) -> Expr | None:
    """-x with no more operations than x, where there is a sign in x to drop."""
    if x.op == "neg":
        return x.args[0]
    if x.op == "num":
        return num(-v) if (v := _value(x)) is not None and v < 0 else None
    if x.op in ("mul", "div"):
        a, b = x.args
        if (positive := _minus(a)) is not None:
            return call(x.op, positive, b)
        if (positive := _minus(b)) is not None:
            return call(x.op, a, positive)
    return None


def _sum(a: Expr, b: Expr) -> Expr | None:
    if _value(a) == 0:
        return b
    if _value(b) == 0:
        return a
    if (positive := _minus(b)) is not None:
        return a - positive
    if (positive := _minus(a)) is not None:
        return b - positive
    return None


def _difference(a: Expr, b: Expr) -> Expr | None:
    if _value(b) == 0:
        return a
    if _value(a) == 0:
        return -b
    if (positive := _minus(b)) is not None:
        return a + positive
    if a.op == "neg":
        return -(a.args[0] + b)
    return None


def _product(op: str, a: Expr, b: Expr) -> Expr | None:
    if _value(b) == 1:
        return a
    if op == "mul" and _value(a) == 1:
        return b
    if _value(b) == -1:
        return -a
    if op == "mul" and _value(a) == -1:
        return -b
    if a.op == "neg" and b.op == "neg":
        return call(op, a.args[0], b.args[0])
    if a.op == "neg":
        return -call(op, a.args[0], b)
    if b.op == "neg":
        return -call(op, a, b.args[0])
    return None


_settled = Settling(_step)
