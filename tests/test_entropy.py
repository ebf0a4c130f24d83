"""Relative entropies: equal shapes of sums of logarithms and gamma functions."""

from __future__ import annotations

import numpy as np
import pytest

from vjpgen import derive
from vjpgen.bridge import to_sympy
from vjpgen.entropy import gathered
from vjpgen.evaluation import evaluate
from vjpgen.expr import has_op
from vjpgen.parse import parse
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


@pytest.mark.parametrize("text", ["log(x) + y", "x*log(x)", "exp(x)*log(y)", "x*log(y)", "-x*log(x)"])
def test_nothing_to_gather(text: str) -> None:
    spec = parse(text)
    assert gathered(to_sympy(spec.outputs[0], derive.symbols(spec.args, frozenset(spec.args)))) == []
