"""Two partials whose sum is one are kept as one array, to the last digits of both."""

from __future__ import annotations

import numpy as np
import pytest

from vjpgen import over_slope, points, residuals, search
from vjpgen.evaluation import evaluate
from vjpgen.expr import show, var
from vjpgen.forms import SLOPE, Forms
from vjpgen.parse import parse
from vjpgen.truth import Truth


def found(text: str) -> Forms:
    return search.search(parse(text, args=["x", "y"]))


def test_logaddexp_keeps_one_array() -> None:
    forms = found("log(exp(x) + exp(y))")
    plan = residuals.plan(forms, search.backward_bits)
    assert [(r.name, r.kind) for r in plan.residuals] == [("slope", "intermediate")]
    assert [show(e) for e in plan.bwd[0]] == [
        "where(signbit(slope), 1 - abs(slope), abs(slope))",
        "where(signbit(slope), abs(slope), 1 - abs(slope))",
    ]


@pytest.mark.parametrize(
    "at", [(0.5, 3.0), (3.0, 0.5), (2.0, 2.0), (-40.0, 40.0), (90.0, -60.0), (0.0, 200.0), (200.0, 0.0)]
)
def test_both_partials_have_all_their_digits(at: tuple[float, float]) -> None:
    forms = found("log(exp(x) + exp(y))")
    assert forms.over_slope is not None
    kept, partials = forms.over_slope
    env = {name: np.array([x], np.float32) for name, x in zip("xy", at, strict=True)}
    slope = evaluate(kept, env)
    got = [float(evaluate(e, {SLOPE.names[0]: slope}).item()) for e in partials]
    _, exact = Truth(forms.spec.outputs, ("x", "y")).with_partials(np.array([at]))
    assert got == pytest.approx(exact[0, 0].tolist(), rel=4e-7, abs=1.2e-38)


def test_the_one_that_is_never_the_larger_is_kept_as_it_is() -> None:
    forms = found("log(exp(x) - exp(y))")
    assert forms.over_slope is not None
    kept, partials = forms.over_slope
    assert kept == forms.partials[0][1]
    assert partials == (1 - SLOPE, SLOPE)


@pytest.mark.parametrize(
    "text",
    [
        "x*y",  # another sum
        "x + 0*y",  # nothing to keep
        "log(2*exp(x) + exp(y))",  # not symmetric: which partial is the smaller takes both
        "(x + y)/2 + 2*sin(x - y)",  # either may be the larger, or negative
        "sin(x)",
    ],
)
def test_not_otherwise(text: str) -> None:
    assert found(text).over_slope is None


def test_not_where_infinities_give_another_gradient() -> None:
    forms = found("log(exp(x) + exp(y))")
    first, second = forms.partials[0]
    at = points.sample(forms.spec, 512, 1)
    assert over_slope.over_slope(forms, at) is not None
    x = var("x")
    other = Forms(forms.spec, forms.values, ((first + 0 * x, second),), forms.anchors)
    assert over_slope.over_slope(other, at) is None
