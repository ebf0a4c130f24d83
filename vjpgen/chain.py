"""The chain rule on expressions as they stand: a stable value, differentiated, is often a stable partial.

sympy's derivatives belong to the formula as it was written; these belong to a form that the search has found,
and keep its operations: what was scaled, factored or divided out in the value stays so in the derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from vjpgen.expr import Expr, call, const, num, walk
from vjpgen.ops import OPS

_ZERO, _ONE, _TWO = num(0), num(1), num(2)
_HALF = num(Fraction(1, 2))
_Slopes = Callable[[tuple[Expr, ...], Expr], tuple[Expr, ...]]


def _f(op: str) -> Callable[..., Expr]:
    return lambda *args: call(op, *args)


_exp, _log, _sqrt, _square, _cosh, _sinh = map(_f, ("exp", "log", "sqrt", "square", "cosh", "sinh"))
_cos, _sin, _logistic, _hypot, _pow = map(_f, ("cos", "sin", "logistic", "hypot", "pow"))


def _gauss(a: Expr) -> Expr:
    return _TWO / _sqrt(const("pi")) * _exp(-_square(a))


# slopes of each operation by its operands `a` and its result `y`
_SLOPES: dict[str, _Slopes] = {
    "add": lambda a, y: (_ONE, _ONE),
    "sub": lambda a, y: (_ONE, num(-1)),
    "mul": lambda a, y: (a[1], a[0]),
    "neg": lambda a, y: (num(-1),),
    "square": lambda a, y: (_TWO * a[0],),
    "sum3": lambda a, y: (_ONE, _ONE, _ONE),
    "diff_of_products": lambda a, y: (a[1], a[0], -a[3], -a[2]),
    "sqrt_diff_of_products": lambda a, y: tuple(_HALF * s / y for s in (a[1], a[0], -a[3], -a[2])),
    "exp_sum": lambda a, y: (y, y),
    "exp_product": lambda a, y: (y * a[1], y * a[0]),
    "abs": lambda a, y: (call("sign", a[0]),),
    **dict.fromkeys(("sign", "floor", "ceil", "round"), lambda a, y: (_ZERO,)),
    "exp": lambda a, y: (y,),
    "exp2": lambda a, y: (_log(_TWO) * y,),
    "expm1": lambda a, y: (_exp(a[0]),),
    "log": lambda a, y: (_ONE / a[0],),
    "log2": lambda a, y: (_ONE / (_log(_TWO) * a[0]),),
    "log10": lambda a, y: (_ONE / (_log(num(10)) * a[0]),),
    "log1p": lambda a, y: (_ONE / (_ONE + a[0]),),
    "sqrt": lambda a, y: (_HALF / y,),
    "rsqrt": lambda a, y: (-(_HALF * y / a[0]),),
    "cbrt": lambda a, y: (y / (num(3) * a[0]),),
    "hypot": lambda a, y: (a[0] / y, a[1] / y),
    "sin": lambda a, y: (_cos(a[0]),),
    "cos": lambda a, y: (-_sin(a[0]),),
    "tan": lambda a, y: (_ONE / _square(_cos(a[0])),),
    "sinpi": lambda a, y: (const("pi") * call("cospi", a[0]),),
    "cospi": lambda a, y: (-(const("pi") * call("sinpi", a[0])),),
    "asin": lambda a, y: (_ONE / _sqrt((_ONE - a[0]) * (_ONE + a[0])),),
    "acos": lambda a, y: (num(-1) / _sqrt((_ONE - a[0]) * (_ONE + a[0])),),
    "atan": lambda a, y: (_ONE / (_ONE + _square(a[0])),),
    "atan2": lambda a, y: (
        a[1] / _hypot(*a) / _hypot(*a),
        -(a[0] / _hypot(*a) / _hypot(*a)),
    ),
    "sinh": lambda a, y: (_cosh(a[0]),),
    "cosh": lambda a, y: (_sinh(a[0]),),
    "tanh": lambda a, y: (_ONE / _square(_cosh(a[0])),),
    "asinh": lambda a, y: (_ONE / _hypot(_ONE, a[0]),),
    "acosh": lambda a, y: (_ONE / (_sqrt(a[0] - _ONE) * _sqrt(a[0] + _ONE)),),
    "atanh": lambda a, y: (_ONE / ((_ONE - a[0]) * (_ONE + a[0])),),
    "erf": lambda a, y: (_gauss(a[0]),),
    "erfc": lambda a, y: (-_gauss(a[0]),),
    "erfcx": lambda a, y: (num(-2) * call("ierfcx", a[0]),),
    "ierfcx": lambda a, y: (_TWO * (a[0] * y) - call("erfcx", a[0]),),
    "erfinv": lambda a, y: (_HALF * _sqrt(const("pi")) * _exp(_square(y)),),
    "ndtri": lambda a, y: (_sqrt(_TWO * const("pi")) * _exp(_HALF * _square(y)),),
    "i0e": lambda a, y: (call("i1e", a[0]) - call("sign", a[0]) * y,),
    "i1e": lambda a, y: (call("i0e", a[0]) - y / a[0] - call("sign", a[0]) * y,),
    "kl_div": lambda a, y: (call("log_ratio", *a), (a[1] - a[0]) / a[1]),
    "log_ratio": lambda a, y: (_ONE / a[0], -(_ONE / a[1])),
    "lgamma": lambda a, y: (call("digamma", a[0]),),
    "lgamma1p": lambda a, y: (call("digamma", _ONE + a[0]),),
    "gamma": lambda a, y: (y * call("digamma", a[0]),),
    "stirling": lambda a, y: (call("digamma_excess", a[0]) - _HALF / a[0],),
    "digamma": lambda a, y: (call("polygamma", _ONE, a[0]),),
    "polygamma": lambda a, y: (_ZERO, call("polygamma", _moved(a[0], 1), a[1])),
    "digamma_excess": lambda a, y: (call("polygamma", _ONE, _ONE + a[0]) - _ONE / a[0],),
    "logistic": lambda a, y: (_logistic(a[0]) * _logistic(-a[0]),),
    "softplus": lambda a, y: (_logistic(a[0]),),
    "logaddexp": lambda a, y: (_logistic(a[0] - a[1]), _logistic(a[1] - a[0])),
}  # fmt: skip


def partial(e: Expr, name: str) -> Expr | None:
    """d e / d name with the operations of `e`; None where an operation in it has no rule here."""
    slopes: dict[Expr, Expr] = {}
    for x in walk(e):
        if x.op == "var":
            slopes[x] = _ONE if x.value == name else _ZERO
        elif (x.args and OPS[x.op].gives == "bool") or all(slopes[a] is _ZERO for a in x.args):
            slopes[x] = _ZERO
        else:
            found = _slope(x, [slopes[a] for a in x.args])
            if found is None:
                return None
            slopes[x] = found
    return slopes[e]


def _slope(x: Expr, below: list[Expr]) -> Expr | None:
    active = [k for k, s in enumerate(below) if s is not _ZERO]
    if x.op == "div":
        return _quotient(x, below)
    if x.op == "poly" and active == [0]:
        higher = [num(k) * c for k, c in enumerate(x.args[1:])][1:]
        return _times(call("poly", x.args[0], *higher), below[0]) if higher else _ZERO
    if x.op == "pow":
        return _power(x, below)
    if x.op == "where":
        return call("where", x.args[0], below[1], below[2])
    if x.op not in _SLOPES:
        return None
    factors = _SLOPES[x.op](x.args, x)
    total = _ZERO
    for k in active:
        total = _plus(total, _times(factors[k], below[k]))
    return total


def _quotient(x: Expr, below: list[Expr]) -> Expr:
    (a, b), (da, db) = x.args, below
    if db is _ZERO:
        return da / b
    fall = _times(x, db) / b
    return -fall if da is _ZERO else da / b - fall if a is not b else _ZERO


def _power(x: Expr, below: list[Expr]) -> Expr:
    (a, b), (da, db) = x.args, below
    by_base = _ZERO if da is _ZERO else _times(b * _pow(a, b - _ONE if b.op != "num" else _moved(b, -1)), da)
    by_exponent = _ZERO if db is _ZERO else _times(x * _log(a), db)
    return _plus(by_base, by_exponent)


def _moved(b: Expr, n: int) -> Expr:
    assert isinstance(b.value, Fraction)
    return num(b.value + n)


def _plus(a: Expr, b: Expr) -> Expr:
    return b if a is _ZERO else a if b is _ZERO else a + b


def _times(a: Expr, b: Expr) -> Expr:
    if _ZERO in (a, b):
        return _ZERO
    if b is _ONE:
        return a
    if a is _ONE:
        return b
    return -a if b.op == "num" and b.value == -1 else a * b
