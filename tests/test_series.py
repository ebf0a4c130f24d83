"""Taylor and Laurent coefficients, exact where they are rational."""

from __future__ import annotations

import math
from fractions import Fraction as Q

import numpy as np
import pytest

from vjpgen.evaluation import evaluate
from vjpgen.expr import has_op
from vjpgen.parse import parse
from vjpgen.series import LENGTHS, Series, expand, polynomials
from vjpgen.truth import Truth


def series(text: str) -> Series | None:
    return expand(parse(text, args=["x", "y"]).outputs[0], "x")


@pytest.mark.parametrize(
    ("text", "first", "step", "head"),
    [
        ("sin(x)/x", 0, 2, (Q(1), Q(-1, 6), Q(1, 120))),
        ("x/(exp(x)-1)", 0, 1, (Q(1), Q(-1, 2), Q(1, 12), Q(0), Q(-1, 720))),
        ("(1-cos(x))/x**2", 0, 2, (Q(1, 2), Q(-1, 24), Q(1, 720))),
        ("expm1(x) - x", 2, 1, (Q(1, 2), Q(1, 6), Q(1, 24))),
        ("1/tan(x)", -1, 2, (Q(1), Q(-1, 3), Q(-1, 45))),
        ("1/sin(x)**2", -2, 2, (Q(1), Q(1, 3), Q(1, 15))),
        ("1/x - 1/sin(x)", 1, 2, (Q(-1, 6), Q(-7, 360))),
        ("log1p(x)/x", 0, 1, (Q(1), Q(-1, 2), Q(1, 3))),
        ("tanh(x) - x", 3, 2, (Q(-1, 3), Q(2, 15))),
        ("x**3 * exp(x**4)", 3, 4, (Q(1), Q(1), Q(1, 2))),
        ("sqrt(1+x)-1", 1, 1, (Q(1, 2), Q(-1, 8), Q(1, 16))),
        ("x**(-2)", -2, 4, (Q(1),)),
        ("atanh(x)/asinh(x)", 0, 2, (Q(1), Q(1, 2))),
    ],
)
def test_rational_coefficients(text: str, first: int, step: int, head: tuple[Q, ...]) -> None:
    s = series(text)
    assert s is not None
    assert (s.first, s.step, s.coefficients[: len(head)]) == (first, step, head)


def test_other_coefficients_are_rounded_to_float64() -> None:
    s = series("erf(x)/x")
    assert s is not None
    assert s.step == 2
    assert [float(c) for c in s.coefficients[:2]] == pytest.approx(
        [2 / math.sqrt(math.pi), -2 / 3 / math.sqrt(math.pi)], rel=1e-15
    )


@pytest.mark.parametrize(
    "text",
    [
        "x*y",
        "log(x)",
        "sqrt(x)",
        "abs(x)",
        "exp(1/x)",
        "x**0.5",
        "x**y",
        "1/(x-x)",
        "besselj(0, x)",
        "where(x>0, x, 1)",
    ],
)
def test_what_has_no_series_at_zero_is_none(text: str) -> None:
    assert series(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "sin(x)/x",
        "x/(exp(x)-1)",
        "1/tan(x)",
        "1/sin(x)**2",
        "tanh(x) - x",
        "x**3*exp(x**4)",
        "erf(x)/x",
        "x**2",
    ],
)
def test_polynomials_are_the_function_near_zero(text: str) -> None:
    e = parse(text).outputs[0]
    s = expand(e, "x")
    assert s is not None
    found = polynomials(s, "x")
    assert 1 <= len(found) <= len(LENGTHS) + 1
    at = np.array([-0.05, 0.01, 0.1])
    truth = Truth((e,), ("x",)).values(at[:, None])[:, 0]
    for p in found:
        assert has_op(p, "poly")
        np.testing.assert_allclose(evaluate(p, {"x": at}, np.float64), truth, rtol=1e-6)
    np.testing.assert_allclose(evaluate(found[-1], {"x": at}, np.float64), truth, rtol=1e-14)
