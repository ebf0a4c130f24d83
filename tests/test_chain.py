"""The chain rule on expressions, against exact derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from vjpgen.chain import partial
from vjpgen.evaluation import evaluate
from vjpgen.parse import parse
from vjpgen.truth import Truth

FORMULAS = [
    "x*y/(x + y**2)", "x**y", "y**3 - 2/x**2", "exp(x*y)*log(x)", "hypot(x, y)", "atan2(x, y)",
    "log1p(x)*expm1(y)",
    "sin(x)*cos(y) + tan(x)", "tanh(x)/cosh(y)", "sigmoid(x - y)", "softplus(x*y)", "logaddexp(x, y)",
    "erf(x) + erfc(y)", "sqrt(x)*asinh(y)", "loggamma(x + y)", "abs(x - 3*y)", "atan(x/y)", "cbrt(x)*log2(y)",
    "where(x < y, x*y**2, x**2)*y",
]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_partials_are_exact(text: str) -> None:
    (e,) = parse(text, args=["x", "y"]).outputs
    at = np.random.default_rng(3).uniform(0.2, 2.5, (40, 2))
    exact = Truth((e,), ("x", "y")).with_partials(at)[1][:, 0]
    env = {"x": at[:, 0].copy(), "y": at[:, 1].copy()}
    for j, name in enumerate(("x", "y")):
        found = partial(e, name)
        assert found is not None
        np.testing.assert_allclose(evaluate(found, env, np.float64), exact[:, j], rtol=1e-9, atol=1e-12)


def test_an_operation_without_a_rule_gives_none() -> None:
    assert partial(parse("max(x, 1)*x").outputs[0], "x") is None


def test_the_sign_of_something_has_no_slope() -> None:
    e = parse("sign(x*y - 1)*x").outputs[0]
    assert partial(e, "x") is parse("sign(x*y - 1)", args=("x", "y")).outputs[0]
