"""Relative entropies: equal shapes of sums of logarithms and gamma functions."""

from __future__ import annotations

import numpy as np
import pytest

from vjpgen import derive
from vjpgen.bridge import to_sympy
from vjpgen.entropy import gathered
from vjpgen.evaluation import evaluate
from vjpgen.expr import has_op, walk
from vjpgen.parse import parse
from vjpgen.search import search
from vjpgen.truth import Truth

GATHERED = (
    "k*log(m) - m - loggamma(k + 1)",
    "loggamma(n + m + 1) - loggamma(m + 1) - loggamma(n + 1) + m*log(p) + n*log(1 - p)",
    "a*log(b) - loggamma(a) + (a - 1)*log(x) - b*x",
    "-x*log(x) + x*log(y) + x - y",
    "m*log(p/m) + n*log(q) - n*log(n)",
    "loggamma(x) + loggamma(y) - loggamma(x + y)",
)


@pytest.mark.parametrize("text", GATHERED)
def test_shapes_are_equal(text: str) -> None:
    spec = parse(text)
    (e,) = spec.outputs
    scope = derive.symbols(spec.args, frozenset(spec.args))
    found = derive.value(e, scope)
    assert any(has_op(s, "kl_div") for s in found) or "loggamma(a)" in text
    at = np.random.default_rng(5).uniform(0.1, 0.9, (50, len(spec.args)))
    exact = Truth((e,), spec.args).values(at)[:, 0]
    env = {a: at[:, k].copy() for k, a in enumerate(spec.args)}
    for shape in found:
        np.testing.assert_allclose(evaluate(shape, env, np.float64), exact, rtol=1e-9)
        np.testing.assert_allclose(Truth((shape,), spec.args).values(at)[:, 0], exact, rtol=1e-12)


@pytest.mark.parametrize("text", ["beta(x, y)", "binomial(n, k)", "z*gamma(x + y)**2/gamma(x)"])
def test_gamma_functions_by_their_logarithms(text: str) -> None:
    spec = parse(text)
    (e,) = spec.outputs
    scope = derive.symbols(spec.args, frozenset(spec.args))
    positive = [x.args[0] for x in walk(e) if x.op == "gamma"]
    at = np.random.default_rng(5).uniform(0.1, 0.9, (50, len(spec.args)))
    at[:, 0] += 1
    exact = Truth((e,), spec.args).values(at)[:, 0]
    found = [s for s in derive.value(e, scope, positive) if not has_op(s, "gamma")]
    assert found
    for shape in found:
        np.testing.assert_allclose(Truth((shape,), spec.args).values(at)[:, 0], exact, rtol=1e-12)
    assert not any(has_op(s, "lgamma", "stirling") for s in derive.value(e, scope))  # a sign may be lost


def test_a_beta_function_of_ordinary_arguments() -> None:
    """gamma(100) is infinite in float32."""
    (value,) = search(parse("beta(x, y)", assume=["x > 0", "y > 0"])).values
    got = evaluate(value, {"x": np.float32([100.0, 0.5, 3e4]), "y": np.float32([0.25, 80.0, 1e-3])})
    np.testing.assert_allclose(got, [1.147594780020, 0.1984762398349, 989.173654], rtol=3e-6)


@pytest.mark.parametrize("text", ["log(x) + y", "x*log(x)", "exp(x)*log(y)", "x*log(y)", "-x*log(x)"])
def test_nothing_to_gather(text: str) -> None:
    spec = parse(text)
    assert gathered(to_sympy(spec.outputs[0], derive.symbols(spec.args, frozenset(spec.args)))) == []
