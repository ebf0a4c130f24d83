"""Between `Expr` and sympy: both directions, and nothing evaluated from text.

Elementary functions become sympy's own, so that it can collect and cancel them. Everything else is an
opaque function that knows only its partials: sympy then neither rewrites it nor needs to understand it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

import sympy as sp

from vjpgen.errors import InputError
from vjpgen.expr import Expr, call, const, num, show, var, variables, walk

Slope = Callable[..., Any]
_LARGEST_EXPONENT = 64  # larger ones of anything but a variable are not sympy's: it would write the power out
_POWER_BITS = 4096  # of the largest number that it may write out
_RATIONAL_LIMIT = 12  # an integer power up to this is written out as products when it is converted back


def _opaque(name: str, *slopes: Slope) -> Any:
    """A sympy function that nothing rewrites; its partials are `slopes`, one per operand."""

    def fdiff(self: Any, argindex: int = 1) -> Any:
        return slopes[argindex - 1](*self.args)

    return type(
        f"op_{name}", (sp.Function,), {"fdiff": fdiff, "nargs": (len(slopes),), "is_extended_real": True}
    )


def _none(*_: Any) -> Any:
    raise InputError("the order of a Bessel or polygamma function must be a constant integer")


# Kinks follow JAX: abs' = sign, so 0 at 0; steps have derivative 0. max and min are split before sympy.
OPAQUE: dict[str, Any] = {"sign": _opaque("sign", lambda a: sp.S.Zero)}
OPAQUE["abs"] = _opaque("abs", lambda a: OPAQUE["sign"](a))
for _name in ("floor", "ceil", "round"):
    OPAQUE[_name] = _opaque(_name, lambda a: sp.S.Zero)
_HALF = sp.Rational(1, 2)
OPAQUE["max"] = _opaque(
    "max", lambda a, b: (1 + OPAQUE["sign"](a - b)) * _HALF, lambda a, b: (1 - OPAQUE["sign"](a - b)) * _HALF
)
OPAQUE["min"] = _opaque(
    "min", lambda a, b: (1 - OPAQUE["sign"](a - b)) * _HALF, lambda a, b: (1 + OPAQUE["sign"](a - b)) * _HALF
)
OPAQUE["cbrt"] = _opaque("cbrt", lambda a: 1 / (3 * OPAQUE["cbrt"](a) ** 2))
OPAQUE["atan2"] = _opaque("atan2", lambda a, b: b / (a**2 + b**2), lambda a, b: -a / (a**2 + b**2))
OPAQUE["erf"] = _opaque("erf", lambda a: 2 * sp.exp(-(a**2)) / sp.sqrt(sp.pi))
OPAQUE["erfc"] = _opaque("erfc", lambda a: -2 * sp.exp(-(a**2)) / sp.sqrt(sp.pi))
OPAQUE["erfcx"] = _opaque("erfcx", lambda a: -2 * OPAQUE["ierfcx"](a))
OPAQUE["ierfcx"] = _opaque("ierfcx", lambda a: 2 * a * OPAQUE["ierfcx"](a) - OPAQUE["erfcx"](a))
OPAQUE["erfinv"] = _opaque("erfinv", lambda a: sp.sqrt(sp.pi) / 2 * sp.exp(OPAQUE["erfinv"](a) ** 2))
OPAQUE["ndtri"] = _opaque("ndtri", lambda a: sp.sqrt(2 * sp.pi) * sp.exp(OPAQUE["ndtri"](a) ** 2 / 2))
OPAQUE["polygamma"] = _opaque("polygamma", _none, lambda n, a: OPAQUE["polygamma"](n + 1, a))
OPAQUE["digamma"] = _opaque("digamma", lambda a: OPAQUE["polygamma"](sp.S.One, a))
OPAQUE["lgamma"] = _opaque("lgamma", lambda a: OPAQUE["digamma"](a))
OPAQUE["gamma"] = _opaque("gamma", lambda a: OPAQUE["gamma"](a) * OPAQUE["digamma"](a))
OPAQUE["lgamma1p"] = _opaque("lgamma1p", lambda a: OPAQUE["digamma"](1 + a))
OPAQUE["stirling"] = _opaque("stirling", lambda a: OPAQUE["digamma_excess"](a) - 1 / (2 * a))
OPAQUE["digamma_excess"] = _opaque("digamma_excess", lambda a: OPAQUE["polygamma"](sp.S.One, 1 + a) - 1 / a)
OPAQUE["kl_div"] = _opaque("kl_div", lambda a, b: sp.log(a / b), lambda a, b: (b - a) / b)
OPAQUE["log_ratio"] = _opaque("log_ratio", lambda a, b: 1 / a, lambda a, b: -1 / b)
OPAQUE["lambertw"] = _opaque(
    "lambertw", lambda a: sp.exp(-OPAQUE["lambertw"](a)) / (1 + OPAQUE["lambertw"](a))
)
OPAQUE["besselj"] = _opaque(
    "besselj",
    _none,
    lambda n, a: (
        -OPAQUE["besselj"](sp.S.One, a)
        if n == 0
        else (OPAQUE["besselj"](n - 1, a) - OPAQUE["besselj"](n + 1, a)) * _HALF
    ),
)
OPAQUE["besseli"] = _opaque(
    "besseli",
    _none,
    lambda n, a: (
        OPAQUE["besseli"](sp.S.One, a)
        if n == 0
        else (OPAQUE["besseli"](n - 1, a) + OPAQUE["besseli"](n + 1, a)) * _HALF
    ),
)
OPAQUE["i0e"] = _opaque("i0e", lambda a: OPAQUE["i1e"](a) - OPAQUE["sign"](a) * OPAQUE["i0e"](a))
OPAQUE["i1e"] = _opaque(
    "i1e", lambda a: OPAQUE["i0e"](a) - OPAQUE["i1e"](a) / a - OPAQUE["sign"](a) * OPAQUE["i1e"](a)
)
OPAQUE["pow"] = _opaque(
    "pow", lambda a, b: b * OPAQUE["pow"](a, b - 1), lambda a, b: sp.log(a) * OPAQUE["pow"](a, b)
)


def _pow(a: Any, b: Any) -> Any:
    """a**b, opaque where sympy would write out a huge number or, when it expands, a huge polynomial."""
    exponent = max((abs(n) for n in b.atoms(sp.Rational)), default=0)
    scale = a.as_coeff_Mul()[0]
    bits = max(int(scale.p).bit_length(), int(scale.q).bit_length()) if scale.is_Rational else 1
    large = exponent > _LARGEST_EXPONENT and not a.is_Symbol
    return OPAQUE["pow"](a, b) if large or bits * exponent > _POWER_BITS else a**b


_FORWARD: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a: -a, "square": lambda a: _pow(a, sp.Integer(2)), "exp": sp.exp,
    "exp2": lambda a: _pow(sp.Integer(2), a), "expm1": lambda a: sp.exp(a) - 1,
    "log": sp.log, "log1p": lambda a: sp.log(1 + a),
    "log2": lambda a: sp.log(a) / sp.log(2), "log10": lambda a: sp.log(a) / sp.log(10), "sqrt": sp.sqrt,
    "rsqrt": lambda a: 1 / sp.sqrt(a), "hypot": lambda a, b: sp.sqrt(a**2 + b**2), "sin": sp.sin,
    "cos": sp.cos, "tan": sp.tan, "sinpi": lambda a: sp.sin(sp.pi * a), "cospi": lambda a: sp.cos(sp.pi * a),
    "asin": sp.asin, "acos": sp.acos, "atan": sp.atan, "sinh": sp.sinh,
    "cosh": sp.cosh, "tanh": sp.tanh, "asinh": sp.asinh, "acosh": sp.acosh, "atanh": sp.atanh,
    "logistic": lambda a: 1 / (1 + sp.exp(-a)), "softplus": lambda a: sp.log(1 + sp.exp(a)),
    "logaddexp": lambda a, b: sp.log(sp.exp(a) + sp.exp(b)), **OPAQUE, "pow": _pow,
}  # fmt: skip
_CONSTANTS = {"pi": sp.pi, "e": sp.E, "euler_gamma": sp.EulerGamma}
_BACK = {f"op_{name}": name for name in OPAQUE}
_NATIVE = {
    sp.exp: "exp", sp.log: "log", sp.sin: "sin", sp.cos: "cos", sp.tan: "tan", sp.asin: "asin",
    sp.acos: "acos", sp.atan: "atan", sp.sinh: "sinh", sp.cosh: "cosh", sp.tanh: "tanh", sp.asinh: "asinh",
    sp.acosh: "acosh", sp.atanh: "atanh", sp.Abs: "abs", sp.sign: "sign", sp.floor: "floor",
    sp.ceiling: "ceil", sp.erf: "erf", sp.erfc: "erfc", sp.erfinv: "erfinv", sp.gamma: "gamma",
    sp.loggamma: "lgamma", sp.digamma: "digamma", sp.atan2: "atan2", sp.LambertW: "lambertw",
    sp.besselj: "besselj", sp.besseli: "besseli", sp.polygamma: "polygamma",
}  # fmt: skip
_RECIPROCALS = {
    sp.sec: "cos", sp.csc: "sin", sp.cot: "tan", sp.sech: "cosh", sp.csch: "sinh", sp.coth: "tanh",
}  # fmt: skip


def to_sympy(e: Expr, symbols: Mapping[str, Any]) -> Any:
    """The sympy expression equal to a real `Expr` without `where`, over the given symbols."""
    done: dict[Expr, Any] = {}
    for x in walk(e):
        if x.op == "num":
            assert isinstance(x.value, Fraction)
            done[x] = sp.Rational(x.value.numerator, x.value.denominator)
        elif x.op == "var":
            done[x] = symbols[str(x.value)]
        elif x.op == "const":
            done[x] = _CONSTANTS[str(x.value)]
        else:
            done[x] = _FORWARD[x.op](*(done[a] for a in x.args))
    return done[e]


def has_sympy(e: Expr) -> bool:
    """Whether all operations of an expression have a counterpart in sympy."""
    return all(not x.args or x.op in _FORWARD for x in walk(e))


def from_sympy(s: Any, names: Mapping[Any, str] | None = None) -> Expr:
    """The `Expr` of a sympy expression.

    Args:
        s: a real sympy expression, relation or boolean; Piecewise, Max, Min and Heaviside included.
        names: the argument's name of each symbol, its own name by default.

    Raises:
        InputError: a sympy object without a counterpart in the language.
    """
    done: dict[Any, Expr] = {}

    def back(a: Any) -> Expr:
        found = done.get(a)
        if found is None:
            found = done[a] = _back(a, names or {}, back)
        return found

    return back(s)


def _back(s: Any, names: Mapping[Any, str], back: Callable[[Any], Expr]) -> Expr:
    if s is sp.true or s is sp.false:
        return call("true" if s is sp.true else "false")
    if s.is_Symbol:
        return var(names.get(s, s.name))
    if s.is_Rational:
        return num(Fraction(int(s.p), int(s.q)))
    if s.is_Float:
        return num(_decimal(s))
    for name, value in _CONSTANTS.items():
        if s == value:
            return const(name)
    if s.is_Add:
        return _sum(s, back)
    if s.is_Mul:
        return _product(s, back)
    if s.is_Pow:
        return _power(s, back)
    return _function(s, back)


def _decimal(s: Any) -> Fraction:
    """The number that a Float prints as: 0.1 is one tenth."""
    if s != 0 and abs(float(s)) in (0.0, math.inf):
        raise InputError("the expression has a number outside the range of float64")
    return Fraction(str(s))


def _sum(s: Any, back: Callable[[Any], Expr]) -> Expr:
    """A sum, what is subtracted after what is added."""
    total: Expr | None = None
    signed = [(bool(a.could_extract_minus_sign()), a) for a in s.args]
    for _, a in (pair for pair in signed if not pair[0]):
        total = back(a) if total is None else total + back(a)
    for _, a in (pair for pair in signed if pair[0]):
        total = -back(-a) if total is None else total - back(-a)
    assert total is not None
    return total


def _product(s: Any, back: Callable[[Any], Expr]) -> Expr:
    coefficient, rest = s.as_coeff_Mul()
    if coefficient.is_negative:
        return -back(-s)
    top: list[Expr] = [num(int(coefficient.p))] if coefficient.is_Rational and coefficient.p != 1 else []
    bottom: list[Expr] = [num(int(coefficient.q))] if coefficient.is_Rational and coefficient.q != 1 else []
    if not coefficient.is_Rational:
        rest = s
    for a in sp.Mul.make_args(rest):
        if a.is_Pow and a.exp.is_Rational and a.exp.is_negative:
            bottom.append(back(a.base**-a.exp))
        else:
            top.append(back(a))
    product = _fold(top) or num(1)
    below = _fold(bottom)
    return product / below if below is not None else product


def _fold(factors: list[Expr]) -> Expr | None:
    total: Expr | None = None
    for f in factors:
        total = f if total is None else total * f
    return total


def _power(s: Any, back: Callable[[Any], Expr]) -> Expr:
    base, exponent = s.base, s.exp
    if base is sp.E:
        return call("exp", back(exponent))
    if exponent.is_Rational and exponent.is_negative:
        return 1 / back(base**-exponent)
    if exponent == sp.S.Half:
        return call("sqrt", back(base))
    if exponent.is_Rational and exponent.q == 2 and exponent.p < _RATIONAL_LIMIT:
        return back(base ** ((exponent.p - 1) // 2)) * call("sqrt", back(base))
    return call("pow", back(base), back(exponent))


def _function(s: Any, back: Callable[[Any], Expr]) -> Expr:
    name = type(s).__name__
    if name in _BACK:
        return call(_BACK[name], *map(back, s.args))
    if isinstance(s, sp.Piecewise):
        *pieces, (last, condition) = s.args
        if condition is not sp.true:
            raise InputError(f"the Piecewise {s} has no value where none of its conditions holds",
                             hint="give it a last branch (value, True)")  # fmt: skip
        total = back(last)
        for value, condition in reversed(pieces):
            total = call("where", back(condition), back(value), total)
        return total
    if isinstance(s, (sp.Max, sp.Min)):
        total, *others = map(back, s.args)
        for other in others:
            total = call("max" if isinstance(s, sp.Max) else "min", total, other)
        return total
    if isinstance(s, sp.Heaviside):
        a = back(s.args[0])
        half = back(s.args[1]) if len(s.args) > 1 else num(Fraction(1, 2))
        return call(
            "where", call("gt", a, num(0)), num(1), call("where", call("lt", a, num(0)), num(0), half)
        )
    if isinstance(s, sp.core.relational.Relational):
        op = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}[s.rel_op]
        return call(op, back(s.lhs), back(s.rhs))
    if isinstance(s, (sp.And, sp.Or)):
        total, *others = map(back, s.args)
        for other in others:
            total = call("and" if isinstance(s, sp.And) else "or", total, other)
        return total
    if isinstance(s, sp.Not):
        return call("not", back(s.args[0]))
    for kind, inverse in _RECIPROCALS.items():
        if isinstance(s, kind):
            return 1 / call(inverse, back(s.args[0]))
    for kind, op in _NATIVE.items():
        if isinstance(s, kind):
            if op == "polygamma" and s.args[0] == 0:
                return call("digamma", back(s.args[1]))
            return call(op, *map(back, s.args))
    raise InputError(f"sympy's {name} is not in the language", hint="see docs/language.md for what is")


def to_text(s: Any) -> tuple[str, tuple[str, ...]]:
    """The formula of a sympy expression (a tuple of them for several outputs) and its symbols' names.

    Raises:
        InputError: as `to_outputs`.
    """
    outputs, several = to_outputs(s)
    text = ", ".join(show(e) for e in outputs) + ("," if several and len(outputs) == 1 else "")
    return (f"({text})" if several else text), variables(*outputs)


def to_outputs(s: Any) -> tuple[list[Expr], bool]:
    """The outputs of a sympy expression or a tuple of them, and whether there was a tuple.

    Raises:
        InputError: it is no sympy expression, something in it has no counterpart in the language, or two of
            its symbols have one name.
    """
    several = isinstance(s, (tuple, list, sp.Tuple))
    parts = list(s) if several else [s]
    if not parts or not all(isinstance(p, sp.Basic) for p in parts):
        raise InputError(
            f"a formula is text or a sympy expression, not {type(s).__name__}",
            hint='write it as text, for example "log(1+exp(x))"',
        )
    symbols = {v for p in parts for v in p.free_symbols}
    names = sorted(v.name for v in symbols if v.is_Symbol)
    twice = next((a for a, b in pairwise(names) if a == b), None)
    if twice is not None:
        raise InputError(f"two symbols that differ are both called {twice}",
                         hint="give them the same assumptions, or two names")  # fmt: skip
    return [from_sympy(p) for p in parts], several
