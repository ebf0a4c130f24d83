"""Functions of products with first terms apart: equal to the formula, and without the cancellation."""

from __future__ import annotations

import pytest

from changed import found, have_limits, mean_bits, same
from vjpgen import first_terms, plainly
from vjpgen.parse import parse
from vjpgen.search import search

FORMULAS = (
    "u*cos(u*t)/sin(t) - sin(u*t)*cos(t)/sin(t)**2",
    "cos(x*y)/x - sin(x*y)/(x**2*y)",
    "(sin(x - x*y) - sin(x) + sin(x*y))/x",
    "sinh(x*y)*cos(x)/x - y*sin(x)*cosh(x*y)/x",
    "exp(x*y)*log(1 + x) - x*cos(y)",
    "exp(sin(x*y)) - exp(x*y)",
    "(cos(pi*x*y) - sin(pi*x*y)/(pi*x*y))*sin(pi*x)/x**2",
)


@pytest.mark.parametrize("text", FORMULAS)
def test_every_shape_is_equal_to_the_formula(text: str) -> None:
    same(first_terms.changes, text, 1e-9)


@pytest.mark.parametrize("text", FORMULAS)
def test_every_inner_function_has_its_limit_at_0(text: str) -> None:
    have_limits(found(first_terms.changes, text), 1e-2)


@pytest.mark.parametrize(
    "text", ["x*y + z", "sin(x) - x", "sin(x*y)/x", "cos(x + y) - x*sin(x + y)", "x**y - x"]
)
def test_nothing_where_no_first_terms_cancel(text: str) -> None:
    assert not found(first_terms.changes, text)


def test_the_derivative_of_a_quotient_of_sines() -> None:
    """It cancels to second order in t, whatever u is."""
    spec = parse("sin(u*t)/sin(t)", args=["u", "t"], assume=["0 < u & u < 1", "0 < t & t < 1.5"])
    shapes = plainly.partial(spec.outputs[0], "t"), search(spec).partials[0][1]
    plain, better = mean_bits(spec, shapes, "t")
    assert plain > 8
    assert better < 1.5


@pytest.mark.parametrize("text", ["exp(-((exp(x) - 1)/(x*y))**2)/y - x", "erf((exp(x) - 1)/(x*y)**2)"])
def test_what_is_taken_of_functions_is_over_the_arguments(text: str) -> None:
    formula = plainly.partial(parse(text).outputs[0], "x")
    for change in found(first_terms.changes, str(formula)):
        for one in change.inner:
            assert set(one.at.names) <= {"x", "y", "z"}
