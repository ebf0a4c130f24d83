"""Quotients of polynomials: equal to the formula, in lowest terms, and finite far out."""

from __future__ import annotations

import numpy as np
import pytest

from vjpgen import plainly
from vjpgen.evaluation import evaluate
from vjpgen.expr import show, walk
from vjpgen.parse import parse
from vjpgen.points import sample
from vjpgen.rational import inside, rational
from vjpgen.truth import Truth

FORMULAS = [
    "(x**3 + a*x)/(x**2 + 1)",
    "(1 - p/(p + r))*p",
    "1/(1 + (n + 1)**2) - 1/(1 + n**2)",
    "(x*(x + y) - x**2)/(y*(x + 1)**2)",
    "(log(x)**2 - 1)*x**2/(x + 2)",
    "x*sin(y)/x**2 - sin(y)*cos(x)/(1 + x)",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_they_are_equal_to_the_formula(text: str) -> None:
    spec = parse(text)
    formula = spec.outputs[0]
    found = rational(formula)
    assert found
    at = sample(spec, 40, 5).at.astype(np.float64)
    exact = Truth((formula, *found), spec.args).values(at)
    for k in range(1, exact.shape[1]):
        known = ~np.isnan(exact[:, 0]) & ~np.isnan(exact[:, k])
        assert known.sum() > 10
        np.testing.assert_allclose(exact[known, k], exact[known, 0], rtol=1e-14)


def test_lowest_terms() -> None:
    assert show(rational(parse("(x*(x + y) - x**2)/(y*(x + 1)**2)").outputs[0])[0]) == "x / (x + 1)**2"


def test_powers_do_not_overflow_far_out() -> None:
    spec = parse("(x**3 + a*x)/(x**2 + 1)", args=("x", "a"))
    env = {"x": np.float32([1e30, -1e25]), "a": np.float32([2.0, 3.0])}
    assert not np.isfinite(evaluate(spec.outputs[0], env)).any()
    np.testing.assert_allclose(evaluate(rational(spec.outputs[0])[1], env), env["x"], rtol=1e-6)


@pytest.mark.parametrize("text", ["exp(x)", "x*y**3/z", "sqrt(x + 1)", "1/(x - x) + x**2"])
def test_none_where_there_is_no_quotient_with_sums(text: str) -> None:
    assert rational(parse(text).outputs[0]) == ()


def test_long_coefficients_are_one_number() -> None:
    """The parts of a fraction of thirty digits may be beyond the range of a dtype, which it is not itself."""
    above = "(0.0692910599291889*z + 0.4917317610505968)*z + 0.279195317918525"
    formula = parse(f"({above})/((z + 6.012459259764103)*z + 3.350343815022304)").outputs[0]
    slope = plainly.partial(formula, "z")
    lowest, *_ = rational(slope)
    assert lowest.size < slope.size
    assert all(abs(x.value) < 1e18 for x in walk(lowest) if x.op == "num")


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("sqrt((x+1)/(x-1)*(l**2 + 2*t**2) - l**2)", "sqrt(2 * (t**2 * (x + 1) + l**2) / (x - 1))"),
        ("log(x/(1-x) + 1)*y", "log((-1) / (x - 1)) * y"),
        ("exp(b/c - (a+b)/c)", "exp(-(a / c))"),
    ],
)
def test_operands_of_functions_in_lowest_terms(text: str, shape: str) -> None:
    assert show(inside(parse(text).outputs[0])) == shape


@pytest.mark.parametrize("text", ["sqrt(x*y/2)", "exp(x + y)", "x/(1-x) + 1", "log(x/y)"])
def test_operands_without_sums_or_quotients_stay(text: str) -> None:
    formula = parse(text).outputs[0]
    assert inside(formula) is formula
