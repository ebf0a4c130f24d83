"""Inner functions: equal to the formula wherever it is defined, with the limit at 0 that they should have."""

from __future__ import annotations

import numpy as np
import pytest

from changed import formula, found, same
from vjpgen import derive, inner
from vjpgen.candidates import Target
from vjpgen.effort import Effort, Graph
from vjpgen.evaluation import evaluate
from vjpgen.expr import variables
from vjpgen.improve import Improver
from vjpgen.spec import Spec
from vjpgen.truth import Truth

FORMULAS = (
    "(x**y - 1)/y",
    "-(1 + 1/y)*log(1 + y*x)",
    "log(1 + x*y)/y**2 - (1 + 1/y)*x/(1 + x*y)",
    "(1 + x/(2*y*z**2))**(-y)",
    "y*(exp(x/y) - 1)",
    "(1 - exp(-(x/y)**2/2))*z",
    "sin(v*u)*y/(v*sin(v))",
    "cos(pi*x*y)*sin(pi*x)/(pi*y*x) - sin(pi*x)*sin(pi*y*x)/(pi**2*y**2*x**2)",
    "exp(-log(1 + x*y)/y)*(log(1 + x*y)/y**2 - x/(y*(1 + x*y)))",
    # two products and a sum at once: 1/x + 1/y where z is small
    "z*(exp((x+y)*z) - 1)/((exp(x*z) - 1)*(exp(y*z) - 1))",
    # a function of a product within another
    "exp(-2*sin(x*y)**2/z**2)",
    "(exp(sin(x*y)*z) - 1)/sin(x*y)",
    # a function of one argument, whatever multiplies it
    "y*(1/(1 - exp(-x)) - x*exp(-x)/(1 - exp(-x))**2) + z",
    # a function of a difference
    "(exp(x)*(x - y) - exp(x) + exp(y))/(x - y)**2",
)


@pytest.mark.parametrize("text", FORMULAS)
def test_every_shape_is_equal_to_the_formula(text: str) -> None:
    same(inner.changes, text, 1e-10)


@pytest.mark.parametrize("text", FORMULAS)
def test_the_limit_is_the_value_at_0(text: str) -> None:
    for change in found(inner.changes, text):
        for one in change.inner:
            near = Truth((one.function,), (one.variable,)).values(np.array([[1e-12]]))
            assert near[0, 0] == pytest.approx(one.limit, rel=1e-10)


@pytest.mark.parametrize("text", ["x*y", "x + exp(y)", "exp(x)*y", "exp(x*y)/cos(x*y)**2", "x/(1 + x*y)"])
def test_nothing_is_outlined_where_nothing_cancels_or_vanishes(text: str) -> None:
    e = formula(text)
    assert not inner.changes(e, derive.symbols(variables(e)))


def test_a_zero_that_no_rewriting_takes_out_is_found() -> None:
    """(x*y*exp(x*y) - exp(x*y) + 1)/y**2 where x*y is small: the plain form has no digit right."""
    e = formula("(x*y*exp(x*y) - exp(x*y) + 1)/y**2")
    spec = Spec("f", ("x", "y"), (e,), False, (), "")
    draw = np.random.default_rng(1)
    at = (2.0 ** draw.uniform(-12, 2, (384, 2))).astype(np.float32)
    truth = Truth((e,), spec.args).values(at.astype(np.float64))[:, 0]
    how = Effort((Graph(nodes=700), Graph(nodes=5000)))
    (form,) = Improver(spec, at, how).improve([Target((e,), truth)])
    env = {"x": at[:, 0], "y": at[:, 1]}
    plain, found = (np.abs(evaluate(f, env) / truth - 1) for f in (e, form))
    assert np.mean(plain > 1e-3) > 0.2
    assert np.mean(found > 2e-6) < 0.02
    assert found.max() < 1e-3
