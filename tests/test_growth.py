"""Partials of powers by what their logarithms grow by: equal to the derivative, without cancellation."""

from __future__ import annotations

import pytest

from changed import mean_bits, partials, same_partial
from vjpgen import growth
from vjpgen.parse import parse
from vjpgen.search import search

FORMULAS = (
    ("(1 - a + a*t**r)**(1/r)", "r"),
    ("(1 - a + a*t**r)**(1/r)", "a"),
    ("y*((1 + t**p)/2)**(1/p)", "p"),
    ("(1 + d**2/(2*a))**(-a)", "a"),
    ("x**y*log(1 + y)", "y"),
)


@pytest.mark.parametrize(("text", "arg"), FORMULAS)
def test_every_shape_is_equal_to_the_partial(text: str, arg: str) -> None:
    same_partial(growth.changes, text, arg, 1e-8)


@pytest.mark.parametrize(("text", "arg"), [("exp(x*y)*y", "y"), ("x**3", "x"), ("sqrt(x + y)*y", "y")])
def test_nothing_where_no_exponent_varies(text: str, arg: str) -> None:
    assert not partials(growth.changes, text, arg)


def test_a_weighted_mean_of_powers() -> None:
    """Its value overflows where none of the arguments do, and its derivatives cancel where r is small."""
    assume = ["x > 0", "y > 0", "0 < a & a < 1", "r > 0"]
    spec = parse("(a*x**r + (1 - a)*y**r)**(1/r)", args=["x", "y", "a", "r"], assume=assume)
    forms = search(spec)
    plain, better = mean_bits(spec, [spec.outputs[0], *forms.values])
    assert plain > 8
    assert better < 0.6
    for k, arg in enumerate("xya"):
        (bits,) = mean_bits(spec, [forms.partials[0][k]], arg)
        assert bits < 1.5, arg
