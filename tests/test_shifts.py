"""Formulas over the difference of two arguments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vjpgen import plainly
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr
from vjpgen.parse import parse
from vjpgen.shifts import Difference, differences

D = Difference("x", "m")


def formula(text: str) -> Expr:
    return parse(text, args=["x", "m", "s"]).outputs[0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("exp(-((x - m)/s)**2)", [D]),
        ("(m - x)*s + (x - m)", [Difference("m", "x")]),
        ("(x - m)*(x - s)", [D, Difference("x", "s")]),
        ("x - m*s", []),
    ],
)
def test_differences_that_occur(text: str, found: list[Difference]) -> None:
    assert list(differences(formula(text))) == found


@pytest.mark.parametrize("text", ["(x - m)*x", "(x - m)*m", "x + m", "(x - m)/(x - s)", "sin(x) - sin(m)"])
def test_what_depends_on_more_than_the_difference(text: str) -> None:
    assert D.alone(formula(text)) is None


_FORMULAS = (
    "exp(-((x - m)/s)**2/2)/s",
    "log(1 + exp((m - x)/s)) + (x - m)*s",
    "abs(x - m) - s*atan((x - m)/s)",
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(_FORMULAS), st.floats(-4, 4), st.floats(-4, 4), st.floats(0.25, 4))
def test_value_and_partials_over_the_difference_and_back(text: str, x: float, m: float, s: float) -> None:
    e = formula(text)
    env = {"x": np.array(x), "m": np.array(m), "s": np.array(s)}
    over_difference = {"x": np.array(x - m), "s": np.array(s)}
    for plain in (e, *(plainly.partial(e, a) for a in ("x", "m", "s"))):
        over = D.alone(plain)
        assert over is not None, plain
        value = float(evaluate(plain, env, np.float64))
        assert float(evaluate(over, over_difference, np.float64)) == pytest.approx(value, rel=1e-12)
        assert float(evaluate(D.back(over), env, np.float64)) == pytest.approx(value, rel=1e-12)
