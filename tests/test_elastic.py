"""Partials by elasticities: equal to the derivative, and without the cancellation."""

from __future__ import annotations

import pytest

from changed import have_limits, mean_bits, partials, same_partial
from vjpgen import elastic, plainly
from vjpgen.parse import parse
from vjpgen.search import search

FORMULAS = (
    ("log(1 + m*x)/log(1 + m)", "m"),
    ("asinh(a*x)/asinh(a)", "a"),
    ("sin((1 - u)*t)/sin(t)", "t"),
    ("(1 - exp(-r*t))/r", "r"),
    ("x*tanh(a*x)/a**2", "a"),
    ("sqrt(log(1 + a*y))*atan(3*a)**2", "a"),
    ("tanh(x/s)/tanh(1/s)", "s"),
)


@pytest.mark.parametrize(("text", "arg"), FORMULAS)
def test_every_shape_is_equal_to_the_partial(text: str, arg: str) -> None:
    same_partial(elastic.changes, text, arg, 1e-9, 1e-12)


@pytest.mark.parametrize(("text", "arg"), FORMULAS)
def test_every_inner_function_has_its_limit_at_0(text: str, arg: str) -> None:
    have_limits(partials(elastic.changes, text, arg))


@pytest.mark.parametrize(
    ("text", "arg"), [("log(x + y)/y", "y"), ("exp(x*y)*y", "y"), ("sin(x)", "x"), ("x**y*log(1 + y)", "y")]
)
def test_nothing_where_a_factor_is_no_function_of_a_product(text: str, arg: str) -> None:
    """In an exponential the elasticity is its exponent: nothing is gained."""
    assert not partials(elastic.changes, text, arg)


def test_a_curve_through_0_and_1() -> None:
    """Its derivative by the curvature cancels where that is small, and where x is near 1."""
    spec = parse("log(1 + m*x)/log(1 + m)", args=["x", "m"], assume=["x > 0", "m > 0"])
    shapes = plainly.partial(spec.outputs[0], "m"), search(spec).partials[0][1]
    plain, better = mean_bits(spec, shapes, "m")
    assert plain > 8
    assert better < 1.5


def test_the_value_is_that_of_the_output_it_belongs_to() -> None:
    """The first output is a constant, of which nothing is known to the search."""
    spec = parse("(2, log(1 + m*x)/log(1 + m))", args=["x", "m"], assume=["x > 0", "m > 0"])
    (bits,) = mean_bits(spec, [search(spec).partials[1][1]], "m", 1)
    assert bits < 1.5
