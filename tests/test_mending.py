"""Limits in place of NaN where arguments are zero together, and at infinities."""

from __future__ import annotations

import math

import numpy as np
import pytest

import vjpgen
from vjpgen import smooth
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, show
from vjpgen.forms import Forms
from vjpgen.mending import mend
from vjpgen.parse import parse

INF, NAN = math.inf, math.nan


def mended(formula: str, *partials: str, args: str = "x,y", assume: tuple[str, ...] = ()) -> Forms:
    """The forms that are typed here, mended; ordinary points are the anchors."""
    names = args.split(",")
    spec = parse(formula, name="f", args=names, assume=assume)

    def read(text: str) -> Expr:
        return parse(text, name="f", args=names).outputs[0]

    anchors = tuple(tuple(0.75 + 0.5 * (i + k) for k in range(len(names))) for i in range(4))
    forms = Forms(spec, spec.outputs, (tuple(map(read, partials)),), anchors)
    return mend(forms, lambda i, j: True)


def at(e: Expr, *point: float) -> float:
    return float(evaluate(e, {n: np.array([v], np.float32) for n, v in zip("xyz", point, strict=False)})[0])


@pytest.mark.parametrize("y", [0.0, -0.0])
def test_a_norm_has_no_slope_at_the_origin(y: float) -> None:
    found = mended("sqrt(x^2 + y^2)", "x/sqrt(x^2 + y^2)", "y/sqrt(x^2 + y^2)")
    for e in found.partials[0]:
        assert at(e, 0.0, y) == 0.0
    assert at(found.partials[0][0], 3.0, 4.0) == np.float32(0.6)
    assert at(found.partials[0][1], 0.0, -2.0) == -1.0
    assert found.values == (found.spec.outputs[0],)


def test_an_angle_beside_its_branch_cut() -> None:
    found = mended("atan2(x, y)", "y/(x^2 + y^2)", "-x/(x^2 + y^2)")
    assert [at(e, 0.0, 0.0) for e in found.partials[0]] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("formula", "slope", "point", "value", "partial"),
    [
        ("x/(1 + exp(-x))", "1/(1 + exp(-x)) + x*exp(-x)/(1 + exp(-x))^2", -INF, 0.0, 0.0),
        ("x/(1 + exp(-x))", "1/(1 + exp(-x)) + x/exp(x)/(1 + exp(-x))^2", INF, INF, 1.0),
        ("exp(-x^2)", "-2*x*exp(-x^2)", INF, 0.0, 0.0),
        ("exp(-x^2)", "-2*x*exp(-x^2)", -INF, 0.0, 0.0),
        ("x/(1 + abs(x))", "1/(1 + abs(x))^2", INF, 1.0, 0.0),
        ("x/(1 + abs(x))", "1/(1 + abs(x))^2", -INF, -1.0, 0.0),
        ("x^2*tanh(x)", "2*x*tanh(x) + x^2/cosh(x)^2", -INF, -INF, INF),
    ],
)
def test_infinities(formula: str, slope: str, point: float, value: float, partial: float) -> None:
    found = mended(formula, slope, args="x")
    assert at(found.values[0], point) == value
    assert at(found.partials[0][0], point) == partial


def test_both_infinities_share_one_condition() -> None:
    found = mended("exp(-x^2)", "-2*x*exp(-x^2)", args="x")
    assert show(found.partials[0][0]).startswith("where(abs(x) == inf, 0, ")


def test_nan_stays_nan() -> None:
    found = mended("x/(1 + exp(-x))", "1/(1 + exp(-x)) + x*exp(-x)/(1 + exp(-x))^2", args="x")
    assert math.isnan(at(found.values[0], NAN))
    assert math.isnan(at(found.partials[0][0], NAN))


@pytest.mark.parametrize(
    ("formula", "partials", "assume"),
    [
        ("x + y", ("1", "1"), ()),  # nothing is NaN
        ("x + x*y/(x + y)", ("1", "1"), ("x > 0 & y > 0",)),  # 0 is outside the domain; not finite
        ("log(x)*y", ("y/x", "log(x)"), ()),  # no limit
        ("y + sin(1/x)", ("-cos(1/x)/x^2", "1"), ()),  # no limit
    ],
)
def test_left_alone(formula: str, partials: tuple[str, ...], assume: tuple[str, ...]) -> None:
    found = mended(formula, *partials, assume=assume)
    assert not any(e.op == "where" for e in (*found.values, *found.partials[0]))


def test_gradients_that_are_meant_are_left_alone() -> None:
    spec = parse("sqrt(x^2 + y^2)", name="f", args=["x", "y"])
    slope = parse("x/sqrt(x^2 + y^2)", name="f", args=["x", "y"]).outputs[0]
    forms = Forms(spec, spec.outputs, ((slope, slope),), ((1.0, 2.0),))
    assert mend(forms, lambda i, j: False) == forms


@pytest.mark.parametrize(
    ("formula", "inputs", "expected"),
    [
        ("tanh(x)", (INF,), (1.0, 0.0)),
        ("log(1 + exp(x))", (-INF,), (0.0, 0.0)),
        ("log(1 + exp(x))", (INF,), (INF, 1.0)),
        ("exp(-x)", (-INF,), (INF, -INF)),
        ("sin(x)", (INF,), (NAN, NAN)),
    ],
)
def test_limits_far_out(formula: str, inputs: tuple[float, ...], expected: tuple[float, ...]) -> None:
    np.testing.assert_equal(smooth.far(parse(formula, name="f"), inputs), expected)


@pytest.mark.parametrize(
    ("formula", "slope"), [("sqrt(x)", NAN), ("cbrt(x)", NAN), ("x^2*sin(1/x)", NAN), ("abs(x)*x", 0.0)]
)
def test_slopes_at_zero(formula: str, slope: float) -> None:
    """One side alone, growth without bound and oscillation have no average."""
    values, partials = np.zeros((1, 1)), np.full((1, 1, 1), NAN)
    smooth.fill(parse(formula, name="f"), np.zeros((1, 1)), values, partials)
    np.testing.assert_equal(partials[0, 0, 0], slope)


def test_a_limit_that_depends_on_the_way_is_none() -> None:
    """sqrt(abs(1 - b**2/a**2)) is even in both, so that all diagonals through the origin agree."""
    f = vjpgen.function("sqrt(abs(1 - b**2/a**2))", args=["a", "b"])
    assert np.isnan(f(0.0, 0.0))


@pytest.mark.parametrize("arg", [2, 3])
def test_a_slope_that_depends_on_how_far_the_others_are_is_none(arg: int) -> None:
    """Along a or b, x and y are a hair above 0: log(...) tells how far, atan2(y, x) in which direction."""
    spec = parse("exp(log(sqrt(x*x + y*y))*a - atan2(y, x)*b)", name="f", args=["x", "y", "a", "b"])
    values, partials = np.ones((1, 1)), np.full((1, 1, 4), NAN)
    smooth.fill(spec, np.zeros((1, 4)), values, partials)
    assert np.isnan(partials[0, 0, arg])
