"""JAX's primitives and functions of numbers, and what they are in the language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vjpgen.expr import Expr, num, rebuild
from vjpgen.formula import written
from vjpgen.functions import TRUE, build, special

Params = Mapping[str, Any]


def _op(op: str) -> Callable[..., Expr]:
    return lambda params, *operands: build(op, *operands)


def _text(text: str) -> Callable[..., Expr]:
    """A formula of the operands x and y."""
    return lambda params, *operands: written(text, *operands)


def _add(params: Params, x: Expr, y: Expr) -> Expr:
    return y if x is num(0) else x if y is num(0) else build("add", x, y)


def _sub(params: Params, x: Expr, y: Expr) -> Expr:
    return x if y is num(0) else build("sub", x, y)


def _mul(params: Params, x: Expr, y: Expr) -> Expr:
    return y if x is num(1) else x if y is num(1) else build("mul", x, y)


def _div(params: Params, x: Expr, y: Expr) -> Expr:
    return x if y is num(1) else build("div", x, y)


def _integer_pow(params: Params, x: Expr) -> Expr:
    exponent = int(params["y"])
    return build("div", num(1), _power(x, -exponent)) if exponent < 0 else _power(x, exponent)


def _power(x: Expr, exponent: int) -> Expr:
    return x if exponent == 1 else build("pow", x, num(exponent))


def _round(params: Params, x: Expr) -> Expr:
    half_to_even = int(params["rounding_method"]) == 1
    return build("round", x) if half_to_even else written("sign(x)*floor(abs(x) + 1/2)", x)


def choose(condition: Expr, yes: Expr, no: Expr) -> Expr:
    """A choice; in what is chosen the same condition is not asked again.

    `where(x > 0, f(where(x > 0, x, 1)), 0)` is how gradients are kept finite in JAX.
    """
    found = []
    for branch, which in ((yes, 1), (no, 2)):

        def known(e: Expr, which: int = which) -> Expr | None:
            return e.args[which] if e.op == "where" and e.args[0] is condition else None

        found.append(rebuild(branch, known))
    return found[0] if found[0] is found[1] else build("where", condition, *found)


def _compare(op: str, same: str) -> Callable[..., Expr]:
    """A relation; of a number with itself it is decided, as `x != x` is that asks for NaN."""
    return lambda params, x, y: build(same) if x is y else build(op, x, y)


def _clamp(params: Params, low: Expr, x: Expr, high: Expr) -> Expr:
    return build("min", build("max", x, low), high)


PRIMITIVES: dict[str, Callable[..., Expr]] = {
    **{word: _op(word) for word in (
        "neg", "sign", "abs", "exp", "exp2", "expm1", "log", "log1p", "sqrt", "cbrt", "pow",
        "logistic", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh",
        "acosh", "atanh", "erf", "erfc", "lgamma", "digamma", "floor", "ceil", "max", "min", "and", "or",
        "not",
    )},
    "add": _add, "add_any": _add, "sub": _sub, "mul": _mul, "div": _div, "integer_pow": _integer_pow,
    "round": _round, "polygamma": lambda params, n, x: special("polygamma", (n, x)), "clamp": _clamp,
    "rsqrt": _text("1/sqrt(x)"), "square": _text("x**2"), "erf_inv": _op("erfinv"),
    "bessel_i0e": _op("i0e"), "bessel_i1e": _op("i1e"), "rem": _text("x - y*trunc(x/y)"),
    "eq": _compare("eq", "true"), "ne": _compare("ne", "false"), "lt": _compare("lt", "false"),
    "le": _compare("le", "true"), "gt": _compare("gt", "false"), "ge": _compare("ge", "true"),
    "is_finite": lambda params, x: TRUE,
}  # fmt: skip
"""By name, what takes a primitive's parameters and its operands."""

SAME = ("copy", "copy_p", "broadcast_in_dim", "reshape", "squeeze", "expand_dims", "reduce_precision",
        "stop_gradient", "optimization_barrier", "pvary")  # fmt: skip
"""Primitives that leave a single number what it is."""

CALLS = ("jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "remat", "remat2",
         "custom_vjp_call_jaxpr", "checkpoint")  # fmt: skip
"""Primitives that call a function."""

# Functions of JAX's own that are compositions of primitives, read as what they compute: where they are
# in JAX, and the formula. What is found there has to agree with what the traced function does.
FUNCTIONS: dict[str, tuple[str, str]] = {
    "softplus": ("jax.nn", "softplus(x)"),
    "relu": ("jax.nn", "relu(x)"),
    "logaddexp": ("jax.numpy", "logaddexp(x, y)"),
    "logaddexp2": ("jax.numpy", "logaddexp2(x, y)"),
    "hypot": ("jax.numpy", "hypot(x, y)"),
    "sinc": ("jax.numpy", "sinc(x)"),
    "remainder": ("jax.numpy", "mod(x, y)"),
    "floor_divide": ("jax.numpy", "floor(x/y)"),
    "trunc": ("jax.numpy", "trunc(x)"),
    "xlogy": ("jax.scipy.special", "xlogy(x, y)"),
    "xlog1py": ("jax.scipy.special", "xlog1py(x, y)"),
    "log_ndtr": ("jax.scipy.special", "log_ndtr(x)"),
    "logit": ("jax.scipy.special", "logit(x)"),
}

_AXIS = "a formula is about single numbers; write the sum, product or maximum out"
_LOOP = "a formula has a fixed number of operations; write the steps out"
_ARRAYS = """
    reduce_sum reduce_max reduce_min reduce_prod reduce_and reduce_or argmax argmin cumsum sort dot_general
    concatenate stack split gather slice dynamic_slice iota
"""
HINTS = {**dict.fromkeys(("while", "scan"), _LOOP), **dict.fromkeys(_ARRAYS.split(), _AXIS)}
"""What to do in place of a primitive."""
