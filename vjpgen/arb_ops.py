"""What each operation is in ball arithmetic, with its derivative: the oracle's own table.

A row is Python source over balls: `{0}`, `{1}` are the operands and `{r}` the result. Nothing here
comes from the rooms that derive or search, because this table is what they are held against.
Composite operations (`softplus`, `hypot`, ...) are written out in elementary ones first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from flint import arb, arb_series, ctx, fmpq

from vjpgen.expr import APART, Expr, call, const, num, opened, rebuild

NAN = arb.nan()
ZERO = arb(0)


@dataclass(frozen=True, slots=True)
class Rule:
    """One operation on balls.

    Attributes:
        value: source of the result.
        slopes: source of the derivative by each operand; "1", "-1" and "0" cost nothing.
        undefined: true exactly where the value is certainly not a real number.
        kink: true exactly where the value is defined and the derivative certainly is not.
    """

    value: str
    slopes: tuple[str, ...]
    undefined: str = ""
    kink: str = ""


RULES: dict[str, Rule] = {
    "add": Rule("{0} + {1}", ("1", "1")),
    "sub": Rule("{0} - {1}", ("1", "-1")),
    "mul": Rule("{0} * {1}", ("{1}", "{0}")),
    "div": Rule("{0} / {1}", ("1 / {1}", "-{r} / {1}"), undefined="{1} == 0"),
    "neg": Rule("-{0}", ("-1",)),
    "pow": Rule("power({0}, {1})", ("power_by_base({0}, {1})", "power_by_exponent({0}, {1})"),
                undefined="{0} < 0 or ({0} == 0 and {1} < 0)", kink="{0} == 0 and not {1} > 1"),
    "abs": Rule("abs({0})", ("sign({0})",), kink="{0} == 0"),
    "sign": Rule("sign({0})", ("0",), kink="{0} == 0"),
    "floor": Rule("{0}.floor()", ("0",), kink="{0}.is_integer()"),
    "ceil": Rule("{0}.ceil()", ("0",), kink="{0}.is_integer()"),
    "round": Rule("half_to_even({0})", ("0",), kink="is_half({0})"),
    "exp": Rule("{0}.exp()", ("{r}",)),
    "exp2": Rule("TWO ** {0}", ("{r} * LOG2()",)),
    "expm1": Rule("{0}.expm1()", ("{r} + 1",)),
    "log": Rule("{0}.log()", ("1 / {0}",), undefined="{0} <= 0"),
    "log2": Rule("{0}.log_base(2)", ("1 / ({0} * LOG2())",), undefined="{0} <= 0"),
    "log10": Rule("{0}.log_base(10)", ("1 / ({0} * LOG10())",), undefined="{0} <= 0"),
    "log1p": Rule("{0}.log1p()", ("1 / (1 + {0})",), undefined="{0} <= -1"),
    "sqrt": Rule("{0}.sqrt()", ("1 / (2 * {r})",), undefined="{0} < 0", kink="{0} == 0"),
    "rsqrt": Rule("{0}.rsqrt()", ("-{r} / (2 * {0})",), undefined="{0} <= 0"),
    "cbrt": Rule("cube_root({0})", ("1 / (3 * {r} * {r})",), kink="{0} == 0"),
    "sin": Rule("{0}.sin()", ("{0}.cos()",)),
    "cos": Rule("{0}.cos()", ("-{0}.sin()",)),
    "tan": Rule("{0}.tan()", ("1 + {r} * {r}",)),
    "sinpi": Rule("{0}.sin_pi()", ("arb.pi() * {0}.cos_pi()",)),
    "cospi": Rule("{0}.cos_pi()", ("-arb.pi() * {0}.sin_pi()",)),
    "asin": Rule("{0}.asin()", ("(1 - {0} * {0}).rsqrt()",), undefined="abs({0}) > 1", kink="abs({0}) == 1"),
    "acos": Rule("{0}.acos()", ("-(1 - {0} * {0}).rsqrt()",), undefined="abs({0}) > 1", kink="abs({0}) == 1"),
    "atan": Rule("{0}.atan()", ("1 / (1 + {0} * {0})",)),
    "atan2": Rule("arb.atan2({0}, {1})", ("{1} / ({0} * {0} + {1} * {1})", "-{0} / ({0} * {0} + {1} * {1})"),
                  kink="{0} == 0 and {1} <= 0"),
    "sinh": Rule("{0}.sinh()", ("{0}.cosh()",)),
    "cosh": Rule("{0}.cosh()", ("{0}.sinh()",)),
    "tanh": Rule("{0}.tanh()", ("{0}.sech() ** 2",)),
    "asinh": Rule("{0}.asinh()", ("(1 + {0} * {0}).rsqrt()",)),
    "acosh": Rule("{0}.acosh()", ("({0} * {0} - 1).rsqrt()",), undefined="{0} < 1", kink="{0} == 1"),
    "atanh": Rule("{0}.atanh()", ("1 / (1 - {0} * {0})",), undefined="abs({0}) >= 1"),
    "erf": Rule("{0}.erf()", ("BELL() * (-{0} * {0}).exp()",)),
    "erfc": Rule("{0}.erfc()", ("-BELL() * (-{0} * {0}).exp()",)),
    "erfinv": Rule("{0}.erfinv()", ("({r} * {r}).exp() / BELL()",), undefined="abs({0}) >= 1"),
    "gamma": Rule("{0}.gamma()", ("{r} * {0}.digamma()",), undefined="is_pole({0})"),
    "lgamma": Rule("log_gamma({0})", ("{0}.digamma()",), undefined="is_pole({0})"),
    "digamma": Rule("{0}.digamma()", ("polygamma(1, {0})",), undefined="is_pole({0})"),
    "lambertw": Rule("lambert({0})", ("1 / ({0} + {r}.exp())",), undefined="{0} * E() < -1"),
}  # fmt: skip


def rule(e: Expr) -> Rule:
    """The row for one node; nodes with an exact exponent or order get a row of their own."""
    if e.op == "pow" and (exponent := rational(e.args[1])) is not None:
        return _exact_power(exponent)
    if e.op in ("polygamma", "besselj", "besseli"):
        order = rational(e.args[0])
        if order is None or order.denominator != 1 or (e.op == "polygamma" and order < 0):
            return Rule("NAN", ("NAN", "NAN"), undefined="True")
        return _of_order(e.op, int(order))
    return RULES[e.op]


def rational(e: Expr) -> Fraction | None:
    """The exact value of a subtree that is arithmetic on numbers alone, else None."""
    if e.op == "num":
        assert isinstance(e.value, Fraction)
        return e.value
    if e.op not in ("add", "sub", "mul", "div", "neg"):
        return None
    parts = [p for a in e.args if (p := rational(a)) is not None]
    if len(parts) < len(e.args) or (e.op == "div" and parts[1] == 0):
        return None
    if e.op == "neg":
        return -parts[0]
    a, b = parts
    return a + b if e.op == "add" else a - b if e.op == "sub" else a * b if e.op == "mul" else a / b


def _exact_power(exponent: Fraction) -> Rule:
    n, d = exponent.numerator, exponent.denominator
    if d == 1:
        slope = {0: "0", 1: "1"}.get(n, f"{n} * {{0}} ** {n - 1}")
        return Rule(f"{{0}} ** {n}", (slope, "0"), undefined="{0} == 0" if n < 0 else "")
    return Rule(
        f"root_power({{0}}, {n}, {d})", (f"root_power({{0}}, {n - d}, {d}) * {n} / {d}", "0"),
        undefined="{0} < 0" if n > 0 else "{0} <= 0", kink="{0} == 0" if n < d else "",
    )  # fmt: skip


def _of_order(op: str, n: int) -> Rule:
    if op == "polygamma":
        return Rule(f"polygamma({n}, {{1}})", ("NAN", f"polygamma({n + 1}, {{1}})"), undefined="is_pole({1})")
    if op == "besselj":
        slope = f"({{1}}.bessel_j(arb({n - 1})) - {{1}}.bessel_j(arb({n + 1}))) / 2"
        return Rule(f"{{1}}.bessel_j(arb({n}))", ("NAN", slope))
    slope = f"({{1}}.bessel_i(arb({n - 1})) + {{1}}.bessel_i(arb({n + 1}))) / 2"
    return Rule(f"{{1}}.bessel_i(arb({n}))", ("NAN", slope))


# ------------------------------------------------------------------ composite operations, written out

COMPOSITE: dict[str, Callable[..., Expr]] = {
    "square": lambda a: call("pow", a, num(2)),
    "hypot": lambda a, b: call("sqrt", call("pow", a, num(2)) + call("pow", b, num(2))),
    "erfcx": lambda a: call("exp", call("pow", a, num(2))) * call("erfc", a),
    "ierfcx": lambda a: 1 / call("sqrt", const("pi")) - a * (call("exp", a * a) * call("erfc", a)),
    "ndtri": lambda a: call("sqrt", num(2)) * call("erfinv", 2 * a - 1),
    "stirling": lambda a: (
        call("lgamma", a) - ((2 * a - 1) * call("log", a) + call("log", 2 * const("pi"))) / 2 + a
    ),
    "i0e": lambda a: call("exp", -call("abs", a)) * call("besseli", num(0), a),
    "i1e": lambda a: call("exp", -call("abs", a)) * call("besseli", num(1), a),
    "lgamma1p": lambda a: call("lgamma", 1 + a),
    "digamma_excess": lambda a: call("digamma", 1 + a) - call("log", a),
    "log_ratio": lambda a, b: call("log", a / b),
    "kl_div": lambda a, b: a * call("log", a / b) - a + b,
    "logistic": lambda a: 1 / (1 + call("exp", -a)),
    "softplus": lambda a: call("log1p", call("exp", a)),
    "logaddexp": lambda a, b: call("log", call("exp", a) + call("exp", b)),
    "diff_of_products": lambda a, b, c, d: a * b - c * d,
    "sqrt_diff_of_products": lambda a, b, c, d: call("sqrt", a * b - c * d),
    "exp_product": lambda a, b: call("exp", a * b),
    "exp_sum": lambda a, b: call("exp", a + b),
    "sum3": lambda a, b, c: a + b + c,
    "poly": lambda z, *c: _horner(z, c),
}


def _horner(z: Expr, coefficients: tuple[Expr, ...]) -> Expr:
    total = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = c + z * total
    return total


def write_out(e: Expr) -> Expr | None:
    """A composite operation in elementary ones, for `expr.rebuild`."""
    if e.op in APART:
        return rebuild(opened(e), write_out)
    if e.op == "signbit":  # there is one exact zero
        return call("lt", e.args[0], num(0))
    return COMPOSITE[e.op](*e.args) if e.op in COMPOSITE else None


# ------------------------------------------------------------------ helpers the generated code calls


def sign(x: arb) -> arb:
    return arb(1) if x > 0 else arb(-1) if x < 0 else ZERO if x == 0 else NAN


def is_half(x: arb) -> bool:
    return bool((2 * x).is_integer() and not x.is_integer())


def half_to_even(x: arb) -> arb:
    if not is_half(x):
        return (x + arb(0.5)).floor()
    below = x.floor()
    return below if (below / 2).is_integer() else below + 1


def is_pole(x: arb) -> bool:
    return bool(x.is_integer() and x <= 0)


def cube_root(x: arb) -> arb:
    return ZERO if x == 0 else -((-x).root(3)) if x < 0 else x.root(3)


def root_power(x: arb, n: int, d: int) -> arb:
    """x**(n/d) for x >= 0."""
    if x == 0:
        return ZERO if n > 0 else arb(1) if n == 0 else NAN
    if d == 2:
        return x.sqrt() ** n if n > 0 else x.rsqrt() ** -n
    return x ** arb(fmpq(n, d))


def power(a: arb, b: arb) -> arb:
    if a == 0:
        return ZERO if b > 0 else arb(1) if b == 0 else NAN
    return a**b if a > 0 else NAN


def power_by_base(a: arb, b: arb) -> arb:
    if a == 0:
        return ZERO if b > 1 else NAN
    return b * a ** (b - 1) if a > 0 else NAN


def power_by_exponent(a: arb, b: arb) -> arb:
    if a == 0:
        return ZERO if b > 0 else NAN
    return a**b * a.log() if a > 0 else NAN


def log_gamma(x: arb) -> arb:
    """log|gamma(x)|, by reflection left of zero."""
    if x > 0:
        return x.lgamma()
    return (arb.pi() / abs(x.sin_pi())).log() - (1 - x).lgamma()


def polygamma(n: int, x: arb) -> arb:
    """The n-th derivative of digamma, by reflection left of zero."""
    if n == 0:
        return x.digamma()
    if not x > 0:
        ctx.cap = n + 1
        angle = arb_series([arb.pi() * (x - x.floor()), arb.pi()], n + 1)
        sine = angle.sin()
        if not x < 0 or sine[0].contains(0):
            return NAN
        slope: arb = arb.pi() * (angle.cos() / sine)[n] * arb.fac_ui(n)
        mirrored = polygamma(n, 1 - x)
        return (mirrored if n % 2 == 0 else -mirrored) - slope
    value: arb = arb.fac_ui(n) * arb(n + 1).zeta(x)
    return value if n % 2 else -value


def lambert(x: arb) -> arb:
    return ZERO if x == 0 else x.lambertw()


def log_of_two() -> arb:
    return arb(2).log()


def log_of_ten() -> arb:
    return arb(10).log()


def bell() -> arb:
    """2/sqrt(pi), the slope of erf at zero."""
    return 2 / arb.pi().sqrt()


CONSTANT_SOURCE = {"pi": "arb.pi()", "e": "arb.const_e()", "euler_gamma": "arb.const_euler()"}

HELPERS: dict[str, object] = {
    "arb": arb, "NAN": NAN, "ZERO": ZERO, "TWO": arb(2), "sign": sign, "is_half": is_half,
    "half_to_even": half_to_even, "is_pole": is_pole, "cube_root": cube_root, "root_power": root_power,
    "power": power, "power_by_base": power_by_base, "power_by_exponent": power_by_exponent,
    "log_gamma": log_gamma, "polygamma": polygamma, "lambert": lambert, "LOG2": log_of_two,
    "LOG10": log_of_ten, "BELL": bell, "E": arb.const_e,
}  # fmt: skip
