"""Formulas in double words as operations among others: what they are made of, and what they cost.

Where exp, erfc or a power magnifies the rounding error of its operand, no arrangement of single words is
right to the last digits; with the operand in double words, the result is as good as the function itself.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from vjpgen.expr import Expr, call, double_word, num, rebuild, substitute, variables, walk, where
from vjpgen.ops import OPS

_LARGEST_POWER = 64
_MAGNIFYING = frozenset((
    "exp", "exp2", "expm1", "exp_product", "exp_sum", "pow", "sinh", "cosh", "sin", "cos", "tan",
    "gamma", "lgamma", "logistic", "softplus", "erfc",
))  # fmt: skip
_COSTS = {"neg": 1, "add": 4, "sub": 4, "mul": 5, "div": 20, "sqrt": 15, "exp": 45, "expm1": 50, "log": 40}
_COSTS |= {"log1p": 50, "sin": 90, "cos": 90, "asinh": 100}
_READ = 6  # price of taking a number apart, or of putting it together
_WIDE_COSTS = {"add": 15, "sub": 16, "sign": 4, "mul": 2, "square": 2, "div": 4, "sqrt": 10, "log": 30}
DIRECT = frozenset(_COSTS)  # what has a function of its own in double words


def sharper(e: Expr) -> Expr:
    """`e` with the operands of what magnifies rounding errors in double words."""
    magnified = (x for x in walk(e) if x.op in _MAGNIFYING and variables(x) and any(a.args for a in x.args))
    return substitute(e, {x: _operands_in_words(x) for x in magnified if not _is_constant_power(x)})


def _operands_in_words(x: Expr) -> Expr:
    written = rebuild(x, written_out)
    return double_word(written if written.op in _MAGNIFYING else x)


def _is_constant_power(x: Expr) -> bool:
    return x.op == "pow" and x.args[1].op == "num"


def cost(x: Expr) -> float:
    """Price of one operation, an addition being 1."""
    if x.op == "poly":
        return len(x.args) * 2.0
    if x.op == "wide_range":
        assert isinstance(x.value, Expr)
        inside = (y for y in walk(x.value) if y.args)
        return _READ * (len(x.args) + 1) + sum(_WIDE_COSTS.get(y.op, OPS[y.op].cost) for y in inside)
    if x.op == "double_word":
        assert isinstance(x.value, Expr)
        inside = (y for y in walk(*x.value.args) if y.args)
        return sum(_COSTS.get(y.op, 2 * OPS[y.op].cost) for y in inside) + 1.5 * OPS[x.value.op].cost
    return OPS[x.op].cost


def written_out(x: Expr) -> Expr | None:
    """What an operation is, in operations that have double-word forms; None where it stays."""
    form = _FORMS.get(x.op)
    return None if form is None else form(*x.args)


def _pow(a: Expr, b: Expr) -> Expr | None:
    if b.op != "num" or not isinstance(b.value, Fraction):
        return call("exp", b * call("log", a))
    twice = 2 * b.value
    if twice.denominator != 1 or abs(twice) > _LARGEST_POWER:
        return call("exp", b * call("log", a)) if b.value.denominator != 1 else None
    size = abs(twice.numerator)
    whole = _power(a, size // 2) if size > 1 else None
    root = call("sqrt", a) if size % 2 else None
    product = whole * root if whole is not None and root is not None else whole or root or num(1)
    return product if b.value >= 0 else num(1) / product


def _power(a: Expr, n: int) -> Expr:
    half = a if n < 2 else _power(a, n // 2)
    if n < 2:
        return half
    return half * half if n % 2 == 0 else half * half * a


def _horner(z: Expr, *coefficients: Expr) -> Expr:
    total = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = c + z * total
    return total


def _exp(a: Expr) -> Expr:
    return call("exp", a)


def _tanh(a: Expr) -> Expr:
    small = call("expm1", 2 * a)
    upper, lower = 1 - num(2) / (_exp(2 * a) + 1), num(2) / (_exp(-(2 * a)) + 1) - 1
    far = where(call("lt", a, num(0)), lower, upper)
    return where(call("lt", call("abs", a), num(1)), small / (small + 2), far)


def _sinh(a: Expr) -> Expr:
    small = call("expm1", a)
    return where(
        call("lt", call("abs", a), num(1)), (small + small / (small + 1)) / 2, (_exp(a) - _exp(-a)) / 2
    )


def _extreme(op: str, a: Expr, b: Expr) -> Expr:
    return where(call(op, a, b), a, b)


def _logaddexp(a: Expr, b: Expr) -> Expr:
    return _extreme("gt", a, b) + call("log1p", _exp(-call("abs", a - b)))


def _log_ratio(a: Expr, b: Expr) -> Expr:
    """Twice the logarithm of a ratio of roots, which stays in the range."""
    root = call("sqrt", call("abs", a)) / call("sqrt", call("abs", b))
    return 2 * call("log", _sign(a) * _sign(b) * root)


def _sign(a: Expr) -> Expr:
    return where(call("lt", a, num(0)), num(-1), num(1))


_FORMS: dict[str, Callable[..., Expr | None]] = {
    "square": lambda a: a * a,
    "pow": _pow,
    "poly": _horner,
    "rsqrt": lambda a: num(1) / call("sqrt", a),
    "log10": lambda a: call("log", a) / call("log", num(10)),
    "log2": lambda a: call("log", a) / call("log", num(2)),
    "exp2": lambda a: _exp(a * call("log", num(2))),
    "tan": lambda a: call("sin", a) / call("cos", a),
    "tanh": _tanh,
    "sinh": _sinh,
    "cosh": lambda a: (_exp(a) + _exp(-a)) / 2,
    "atanh": lambda a: call("log1p", 2 * a / (1 - a)) / 2,
    "log_ratio": _log_ratio,
    "logistic": lambda a: num(1) / (1 + _exp(-a)),
    "softplus": lambda a: _logaddexp(a, num(0)),
    "logaddexp": _logaddexp,
    "max": lambda a, b: _extreme("gt", a, b),
    "min": lambda a, b: _extreme("lt", a, b),
    "diff_of_products": lambda a, b, c, d: a * b - c * d,
    "sqrt_diff_of_products": lambda a, b, c, d: call("sqrt", a * b - c * d),
    "exp_product": lambda a, b: _exp(a * b),
    "exp_sum": lambda a, b: _exp(a + b),
    "sum3": lambda a, b, c: a + b + c,
}
