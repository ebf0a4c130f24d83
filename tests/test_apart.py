"""Terms of series taken apart: equal to the formula, and without the cancellation."""

from __future__ import annotations

import pytest

from changed import found, have_limits, mean_bits, same
from vjpgen import apart, plainly
from vjpgen.parse import parse
from vjpgen.search import search

FORMULAS = (
    "n*(1+r)**(-n-1)/r - (1-(1+r)**(-n))/r**2",
    "p*r/(1-(1+r)**(-n))",
    "(exp(x*y) - 1 - x*y)/(x**2*(exp(x*z) - 1))",
    "((1 + x**2/y**2)**z - 1)/z",
    "((1 + x/y)**(-z) - 1 + z*x/y)/z**2",
    "sign(x)*((abs(x)*y + 1)**z - 1)*abs(x)/z",
    "(x**a*y**(1-a) - a*x - (1-a)*y)/a**2",
    "(exp(abs(x)*y) - 1 - abs(x)*y)/y**2",
)


@pytest.mark.parametrize("text", FORMULAS)
def test_every_shape_is_equal_to_the_formula(text: str) -> None:
    same(apart.changes, text, 1e-9)


@pytest.mark.parametrize("text", FORMULAS)
def test_every_inner_function_has_its_limit_at_0(text: str) -> None:
    have_limits(found(apart.changes, text))


@pytest.mark.parametrize("text", ["x*y + z", "exp(x) - 1", "sin(x*y)/x", "lgamma(x*y)*exp(x*y)"])
def test_nothing_where_no_exponential_cancels(text: str) -> None:
    assert not found(apart.changes, text)


def test_the_derivative_of_an_annuity() -> None:
    """It cancels to second order in n*log(1+r) and in r at once."""
    spec = parse("(1-(1+r)**(-n))/r", assume=["0 < r & r < 1", "0 < n & n < 1000"])
    shapes = plainly.partial(spec.outputs[0], "r"), search(spec).partials[0][0]
    plain, better = mean_bits(spec, shapes, "r")
    assert plain > 5
    assert better < 0.6
