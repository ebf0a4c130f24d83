"""Formulas over the square of a variable."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vjpgen import plainly
from vjpgen.evaluation import evaluate
from vjpgen.evenness import over_square
from vjpgen.expr import Expr, show
from vjpgen.parse import parse


def formula(text: str) -> Expr:
    return parse(text, args=["x", "a"]).outputs[0]


@pytest.mark.parametrize(
    ("text", "over"),
    [
        ("sqrt(x**2 + a**2)", "sqrt(x + a**2)"),
        ("exp(-x*x/a)", "exp(-(x / a))"),
        ("a/(1 + x**4)", "a / (1 + x**2)"),
        ("(x + x**3)*x", "(1 + x) * x"),
        ("x*(x*a)", "a * x"),
        ("a + 1", "a + 1"),
    ],
)
def test_even_formulas(text: str, over: str) -> None:
    found = over_square(formula(text), "x")
    assert found is not None
    env = {"x": np.array([0.5, 2.0, 3.0]), "a": np.array([1.5, 0.25, 4.0])}
    squared = env | {"x": env["x"] ** 2}
    assert evaluate(found, squared, np.float64) == pytest.approx(evaluate(formula(text), env, np.float64))
    assert evaluate(found, env, np.float64) == pytest.approx(
        evaluate(parse(over, args=["x", "a"]).outputs[0], env, np.float64)
    ), show(found)


@pytest.mark.parametrize("text", ["x", "x*a", "x**3 + a", "sin(x)", "abs(x)", "x + x**2", "exp(x)*x**2"])
def test_an_odd_power_is_left(text: str) -> None:
    assert over_square(formula(text), "x") is None


@pytest.mark.parametrize("text", ["x**2", "a", "sin(x)", "x + a"])
def test_what_x_does_not_divide(text: str) -> None:
    assert over_square(formula(text), "x", odd=True) is None


_EVEN = (
    "sqrt(x**2 + a**2) - a",
    "(1 + x**2/a)**(-a)",
    "x**2/(x**2 + a**2)",
    "a*log(1 + x**4*a)",
    "exp(-x*x)*a",
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(_EVEN), st.floats(-4.0, 4.0).filter(lambda x: abs(x) > 1e-3), st.floats(0.25, 4.0))
def test_value_and_partials_on_both_sides_of_zero(text: str, x: float, a: float) -> None:
    e = formula(text)
    env, squared = ({"x": np.array(v), "a": np.array(a)} for v in (x, x * x))
    for plain, odd in ((e, False), (plainly.partial(e, "a"), False), (plainly.partial(e, "x"), True)):
        over = over_square(plain, "x", odd=odd)
        assert over is not None, plain
        again = float(evaluate(over, squared, np.float64)) * (x if odd else 1.0)
        assert again == pytest.approx(float(evaluate(plain, env, np.float64)), rel=1e-7, abs=1e-12)
