"""Expr to JAX statements over double words: numbers as unevaluated sums of two floats, with twice the digits.

Arithmetic after Joldes, Muller and Popescu, Tight and Rigorous Error Bounds for Basic Building Blocks of
Double-Word Arithmetic (ACM TOMS 44, 2017); functions without a form of their own keep one word's accuracy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from vjpgen.expr import Expr, call, num, rebuild, var, walk, where
from vjpgen.naming import Names, telling
from vjpgen.ops import OPS
from vjpgen.printer import constant_value, is_bool, is_constant, source

HELPERS = (
    "dw_rest", "dw_sum", "dw_add", "dw_sub", "dw_neg", "dw_mul", "dw_div", "dw_constant",
    "dw_where", "dw_applied", "dw_sqrt", "dw_scaled", "dw_reduced_exp", "dw_exp", "dw_expm1",
    "dw_near_one", "dw_log", "dw_log1p", "dw_circular", "dw_sin", "dw_cos",
)  # fmt: skip
FIRST = "dw_function"  # the helper that decorates others
_DIRECT = frozenset(("add", "sub", "neg", "mul", "div", "sqrt", "exp", "expm1", "log", "log1p", "sin", "cos"))
_LARGEST_POWER = 64


def lower_words(exprs: Sequence[Expr], names: Names, like: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Statements, and the source of each expression after them.

    Args:
        exprs: real expressions over variables that are in scope as double words under their names.
        names: the names in use; those of the new variables are added.
        like: a variable, of whose dtype and shape constants are.
    """
    roots = [rebuild(e, _written_out) for e in exprs]
    known: dict[Expr, str] = {}
    lines = []
    for x in walk(*roots):
        if is_constant(x):
            known[x] = f"_dw_constant({constant_value(x)!r}, {like}[0])" if not is_bool(x) else source(x, {})
        elif x.op == "var":
            known[x] = str(x.value)
        else:
            text = _operation(x, [known[a] for a in x.args])
            wish = None if is_bool(x) else telling(x, {v: n for v, n in known.items() if n.isidentifier()})
            known[x] = names.new(wish) if wish else names.numbered("t")
            lines.append(f"{known[x]} = {text}")
    return tuple(lines), tuple(known[x] for x in roots)


def _operation(x: Expr, operands: Sequence[str]) -> str:
    if x.op in _DIRECT:
        return f"_dw_{x.op}({', '.join(operands)})"
    if x.op == "where":
        return f"_dw_where({', '.join(operands)})"
    if is_bool(x):
        real = OPS[x.op].takes == "real"
        return OPS[x.op].jax.format(*(f"{o}[0]" if real else o for o in operands))
    if x.op == "abs":
        return f"_dw_where({operands[0]}[0] < 0, _dw_neg({operands[0]}), {operands[0]})"
    letters = [var(f"a{k}") for k in range(len(x.args))]
    held = [o if not is_constant(a) else a for o, a in zip(letters, x.args, strict=True)]
    given = [
        (str(v.value), o) for v, o, a in zip(letters, operands, x.args, strict=True) if not is_constant(a)
    ]
    body = source(call(x.op, *held), {})
    return f"_dw_applied(lambda {', '.join(n for n, _ in given)}: {body}, {', '.join(o for _, o in given)})"


def _written_out(x: Expr) -> Expr | None:
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
