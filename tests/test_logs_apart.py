"""Logarithms of exponentials with first terms apart: equal to the formula, and without the cancellation."""

from __future__ import annotations

import pytest

from changed import found, have_limits, mean_bits, same
from vjpgen import logs_apart
from vjpgen.parse import parse
from vjpgen.search import search

FORMULAS = (
    "log(1 + exp(y)) - log(1 + exp(x)) - (y - x)/(1 + exp(-x))",
    "log(1 - a + a*exp(s)) - a*s",
    "s*a*exp(s)/(1 + a*(exp(s) - 1)) - log(1 + a*(exp(s) - 1))",
    "log(1 - a + a*t**r)/r**2 - a*log(t)/r",
    "(2*log(1 + exp(y)) - 2*log(1 + exp(x)))*b - 2*(y - x)*b/(1 + exp(-x))",
    "x*(log(a + exp(-x*y)) - log(1 + a) + x*y/(1 + a))",
    "log(exp(2) + exp(x)) - log(exp(2) + exp(y)) - (x - y)*exp(y)/(exp(2) + exp(y))",
)


@pytest.mark.parametrize("text", FORMULAS)
def test_every_shape_is_equal_to_the_formula(text: str) -> None:
    same(logs_apart.changes, text, 1e-8)


@pytest.mark.parametrize("text", FORMULAS)
def test_every_inner_function_has_its_limit_at_0(text: str) -> None:
    have_limits(found(logs_apart.changes, text))


@pytest.mark.parametrize(
    "text",
    [
        "log(x + y)",
        "log(1 + exp(x))",
        "log(exp(x) + exp(y))",
        "log(1 + exp(x)) - log(x)*y",
        "log(x)*log(y) - x",
    ],
)
def test_nothing_where_no_first_terms_cancel(text: str) -> None:
    assert not found(logs_apart.changes, text)


def test_the_divergence_of_two_logits() -> None:
    """It cancels to second order where they are near each other, on either side of 0."""
    spec = parse(FORMULAS[0], args=["x", "y"])
    (form,) = search(spec).values
    plain, better = mean_bits(spec, [spec.outputs[0], form])
    assert plain > 8
    assert better < 1
