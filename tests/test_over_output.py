"""Partials over the output: undone step by step, as accurate as over the argument, or not there."""

from __future__ import annotations

import numpy as np
import pytest

from vjpgen import over_output, residuals, search
from vjpgen.evaluation import evaluate
from vjpgen.expr import show, substitute, var
from vjpgen.forms import OUTPUT
from vjpgen.parse import parse
from vjpgen.truth import Truth

INVERTIBLE = [
    ("log(1+exp(x))", 0.0),
    ("1 - 2/(x + 3)", 0.5),
    ("(2 - sqrt(x))/3", 0.5),
    ("asinh(exp(x) - 1)", 0.5),
    ("atan(x**3)", 0.5),
    ("exp2(log1p(x))*4", 0.5),
    ("erf(expm1(x))", 0.1),
    ("log10(tan(x))", 0.5),
    ("cbrt(sinh(x))", 0.5),
    ("asin(tanh(x))", 0.5),
    ("log(acos(1/x))", 2.0),
]


@pytest.mark.parametrize(("text", "at"), INVERTIBLE)
def test_every_step_is_undone(text: str, at: float) -> None:
    formula = parse(text).outputs[0]
    known = over_output.undone(formula)
    assert known is not None
    value = Truth((formula,), ("x",)).values(np.array([[at + 0.25]]))
    (x,) = Truth((known[var("x")],), OUTPUT.names).values(value)[0]
    assert x == pytest.approx(at + 0.25, rel=1e-12)


@pytest.mark.parametrize("text", ["x*exp(x)", "cos(x)", "abs(x) + 1", "x**x"])
def test_none_where_the_argument_is_not_alone_or_the_operation_has_no_inverse(text: str) -> None:
    assert over_output.undone(parse(text).outputs[0]) is None


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("log(1+exp(x))", "-expm1(-y)"),
        ("log(1/(1+exp(-x)))", "-expm1(y)"),
        ("exp(2*x)", "y * 2"),
    ],
)
def test_the_output_alone_is_kept(text: str, form: str) -> None:
    plan = residuals.plan(search.search(parse(text)), search.backward_bits)
    assert [r.kind for r in plan.residuals] == ["output"]
    assert show(plan.bwd[0][0]) == form


@pytest.mark.parametrize("text", ["1/(1+exp(-x))", "log(1+x)", "log(1-exp(-x))", "tanh(x)"])
def test_not_where_the_rounded_output_does_not_hold_the_digits(text: str) -> None:
    plan = residuals.plan(search.search(parse(text)), search.backward_bits)
    assert [r.kind for r in plan.residuals] == ["input"]


def test_zero_and_infinity_give_what_the_argument_gives() -> None:
    forms = search.search(parse("sqrt(1+x) - 1"))
    assert forms.over_output is not None
    x = np.float32([0.0, np.inf, 3.0])
    y = evaluate(forms.values[0], {"x": x})
    got = evaluate(substitute(forms.over_output, {OUTPUT: var("y")}), {"y": y})
    np.testing.assert_allclose(got, [0.5, 0.0, 0.25], rtol=1e-6)
