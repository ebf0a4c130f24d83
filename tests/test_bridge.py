"""Expr to sympy and back, and sympy's expressions as text of the language."""

from __future__ import annotations

import time

import numpy as np
import pytest
import sympy as sp

from patience import PATIENCE
from vjpgen.bridge import OPAQUE, from_sympy, to_sympy, to_text
from vjpgen.derive import symbols
from vjpgen.errors import InputError
from vjpgen.expr import call, num, show, var
from vjpgen.ops import OPS
from vjpgen.parse import parse
from vjpgen.truth import Truth

x, y = sp.symbols("x y", real=True)
AT = np.array([[0.5, 1.25], [-1.5, 0.75], [2.0, -3.0], [0.125, 4.0], [0.7, 0.3]])


def equal(one: object, other: object, args: tuple[str, ...], at: np.ndarray) -> None:
    truth = Truth((one, other), args).values(at)
    assert np.isfinite(truth).any()
    np.testing.assert_allclose(truth[:, 0], truth[:, 1], rtol=1e-14)


@pytest.mark.parametrize(
    "text",
    [
        "x", "-x", "x + y", "x - y", "-x - y", "x/y",
        "-3*x/(4*y)", "x**3", "x**(-2)", "x**2.5 + x**0.5", "x**y",
        "sqrt(x**2 + 1)", "1/sqrt(x**2+1)", "exp(x) - 1",
        "expm1(x)", "log1p(x**2)", "log2(x**2)*log10(y**2)",
        "exp2(x)", "sin(x)*cos(y)/tan(x)", "asin(x/4)+acos(y/5)+atan(x)", "atan2(x, y)",
        "sinh(x)+cosh(y)*tanh(x)",
        "asinh(x)+atanh(x/8)", "acosh(2+x**2)",
        "erf(x)-erfc(y)", "erfcx(x)", "erfinv(x/8)", "gamma(x**2+1)",
        "lgamma(x**2+1)", "digamma(x**2+1)", "polygamma(2, x**2+1)", "lambertw(x**2)", "besselj(2, x)",
        "besseli(0, x)", "cbrt(x)", "hypot(x, y)", "abs(x)*sign(y)", "floor(x)+ceil(y)+round(x)", "max(x, y)",
        "min(x, 2*y)", "pi*x + e*y", "softplus(x)", "sigmoid(x)*x", "logaddexp(x, y)", "1e-300*x", "0.1*x",
    ],
)  # fmt: skip
def test_round_trip(text: str) -> None:
    (e,) = parse(text, args=["x", "y"]).outputs
    scope = symbols(("x", "y"))
    back = from_sympy(to_sympy(e, scope), {s: n for n, s in scope.items()})
    equal(e, back, ("x", "y"), AT)


@pytest.mark.parametrize(
    "op", [op for op in OPS.values() if op.arity > 0 and op.gives == "real"], ids=lambda o: o.name
)
def test_every_smooth_operation_is_known(op: object) -> None:
    ours = ("diff_of_products", "sqrt_diff_of_products", "sum3", "exp_product", "exp_sum")
    if op.name in ("where", "poly", *ours):
        pytest.skip("not in a formula that is differentiated")
    order = op.name in ("polygamma", "besselj", "besseli")
    operands = [num(1) if order and k == 0 else var("x") * (k + 1) + k for k in range(op.arity)]
    assert to_sympy(call(op.name, *operands), {"x": x}).has(x)


@pytest.mark.parametrize(
    "text",
    [
        "x + (2*x)**(10**9)", "2**(x + 10**9)", "3**(x*10**9)", "(2*x+4)**(10**8)", "(x+1)**(2**40)",
        "gamma(170)*x", "besselj(3, x + 10**9)", "lgamma(10**15)*x", "(x/3+1/7)**1000",
        "x*sqrt(10**300+7)", "x**(10**12)", "(((((2*x)**60)**60)**60)**60)**60",
    ],
)  # fmt: skip
def test_no_huge_number_is_written_out(text: str) -> None:
    (e,) = parse(text, args=["x"]).outputs
    start = time.monotonic()
    s = to_sympy(e, symbols(("x",)))
    sp.diff(s, symbols(("x",))["x"])
    assert time.monotonic() - start < PATIENCE  # written out, it would take minutes
    assert all(int(n.p).bit_length() < 5000 for n in s.atoms(sp.Rational))


def test_an_opaque_power_has_its_derivatives() -> None:
    power = OPAQUE["pow"](2 * x + 1, y)
    assert sp.diff(power, x) == 2 * y * OPAQUE["pow"](2 * x + 1, y - 1)
    assert sp.diff(power, y) == sp.log(2 * x + 1) * power


def test_constants_of_special_functions_are_not_evaluated() -> None:
    (e,) = parse("x*gamma(5) + lgamma(7)*besselj(1, 2) + polygamma(1, 3)", args=["x"]).outputs
    names = {type(f).__name__ for f in to_sympy(e, {"x": x}).atoms(sp.Function)}
    assert names == {"op_gamma", "op_lgamma", "op_besselj", "op_polygamma"}


TEXTS = [
    (sp.log(1 + sp.exp(x)), "log(exp(x) + 1)", ("x",)),
    (sp.Max(x, 0), "max(0, x)", ("x",)),
    (sp.Min(x, y), "min(x, y)", ("x", "y")),
    (sp.Piecewise((x**2, x > 0), (0, True)), "where(x > 0, x**2, 0)", ("x",)),
    (sp.Piecewise((x, sp.And(x > 0, y > 0)), (y, True)), "where(x > 0 and y > 0, x, y)", ("x", "y")),
    (sp.Piecewise((x, sp.Or(x > 2, y > 3)), (y, True)), "where(x > 2 or y > 3, x, y)", ("x", "y")),
    (sp.Piecewise((x, sp.Ne(x, 0)), (1, True)), "where(x != 0, x, 1)", ("x",)),
    (sp.Heaviside(x), "where(x > 0, 1, where(x < 0, 0, 1/2))", ("x",)),
    (sp.Abs(x) * sp.sign(x), "abs(x) * sign(x)", ("x",)),
    (sp.sqrt(x) / 2, "sqrt(x) / 2", ("x",)),
    (sp.Float("0.1") * x, "1/10 * x", ("x",)),
    (sp.sec(x), "1 / cos(x)", ("x",)),
    (sp.coth(x), "1 / tanh(x)", ("x",)),
    (sp.E * x + sp.pi + sp.EulerGamma, "e * x + euler_gamma + pi", ("x",)),
    (sp.exp(x), "exp(x)", ("x",)),
    (sp.erf(x) + sp.gamma(x) + sp.loggamma(x), "erf(x) + gamma(x) + lgamma(x)", ("x",)),
    (sp.polygamma(0, x), "digamma(x)", ("x",)),
    (sp.besselj(1, x), "besselj(1, x)", ("x",)),
    (sp.LambertW(x), "lambertw(x)", ("x",)),
    (sp.Integer(3), "3", ()),
]  # fmt: skip


@pytest.mark.parametrize(("s", "text", "names"), TEXTS, ids=[row[1] for row in TEXTS])
def test_to_text(s: sp.Expr, text: str, names: tuple[str, ...]) -> None:
    got, args = to_text(s)
    assert sorted(args) == sorted(names)
    args = list(args) or ["x"]
    one, other = parse(got, args=args).outputs[0], parse(text, args=args).outputs[0]
    equal(one, other, tuple(args), np.abs(AT[:, : len(args)]) + 0.5)


def test_several_outputs() -> None:
    text, names = to_text((x * sp.cos(y), x * sp.sin(y)))
    assert names == ("x", "y")
    spec = parse(text, args=names)
    assert spec.several
    assert [show(e) for e in spec.outputs] == ["x * cos(y)", "x * sin(y)"]
    assert to_text([x]) == ("(x,)", ("x",))


@pytest.mark.parametrize(
    "s",
    [
        sp.I * x, sp.Integral(sp.exp(x**2), x), sp.zeta(x), sp.oo, sp.nan, sp.zoo, sp.Float("1e500") * x,
        sp.Float("1e-5000"), sp.Piecewise((x, x > 0)),
        sp.Derivative(sp.Function("f")(x), x), sp.Sum(x, (x, 1, 3)), sp.factorial(x), sp.Matrix([x]),
    ],
    ids=lambda s: type(s).__name__,
)  # fmt: skip
def test_what_the_language_lacks_is_refused(s: sp.Basic) -> None:
    with pytest.raises(InputError):
        to_text(s)


@pytest.mark.parametrize(
    "thing", [3, 2.5, None, [], {}, ["x"], object(), b"x", (x, "y")], ids=lambda t: type(t).__name__
)
def test_what_is_no_formula_is_refused(thing: object) -> None:
    with pytest.raises(InputError, match="a formula is text or a sympy expression"):
        to_text(thing)
