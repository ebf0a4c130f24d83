"""Like terms and like factors: what comes out is equal, shorter, and reads as one would write it."""

from __future__ import annotations

import numpy as np
import pytest

from test_chain import FORMULAS
from vjpgen import plainly
from vjpgen.collect import collected
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, show
from vjpgen.parse import parse
from vjpgen.truth import Truth


def formula(text: str) -> Expr:
    return parse(text, name="f").outputs[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x + x", "2 * x"),
        ("abs(x) - d/2 - d/2", "abs(x) - d"),
        ("x*y - y*x + x*y", "2 * (x * y) - y * x"),
        ("-x + y - x", "y - 2 * x"),
        ("x - x", "0"),
        ("2*(3*x)", "6 * x"),
        ("2*x/2", "x"),
        ("x/3 + x/3", "2 * x / 3"),
        ("x*(1/y)", "x / y"),
        ("2*x/x**2", "2 / x"),
        ("x**3*x**2/x", "x**4"),
        ("exp(x)*exp(x)", "exp(x)**2"),
        ("1 + x + 1", "2 + x"),
        ("sqrt(x)*x", "sqrt(x) * x"),
        ("x**y*x**y", "(x**y)**2"),
        ("exp(a*log(q) + (1 - a)*log(q))", "exp(log(q))"),
        ("x*(1 - y)/z + y*x/z", "x / z"),
        ("a + t*(b - a)", "a + t * (b - a)"),
        ("x*(y - y) + z", "x * 0 + z"),
    ],
)
def test_collected(text: str, expected: str) -> None:
    assert show(collected(formula(text))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("log(1+exp(x))", "exp(x) / (1 + exp(x))"),
        ("x*log(y)", "log(y)"),
        ("x**2/2", "x"),
        ("x*(abs(y) - x/2)", "abs(y) - x"),
        ("max(x, 1)*y", "y * (1/2 + sign(x - 1) / 2)"),
        ("y", "0"),
    ],
)
def test_the_plain_derivative(text: str, expected: str) -> None:
    assert show(plainly.partial(formula(text), "x")) == expected


@pytest.mark.parametrize("text", FORMULAS)
def test_it_is_exact(text: str) -> None:
    (e,) = parse(text, args=["x", "y"]).outputs
    at = np.random.default_rng(5).uniform(0.2, 2.5, (40, 2))
    exact = Truth((e,), ("x", "y")).with_partials(at)[1][:, 0]
    env = {"x": at[:, 0].copy(), "y": at[:, 1].copy()}
    for j, name in enumerate(("x", "y")):
        found = evaluate(plainly.partial(e, name), env, np.float64)
        np.testing.assert_allclose(found, exact[:, j], rtol=1e-9, atol=1e-12)
