"""Modified Bessel functions with their growth apart: equal to the formula, and free of overflow."""

from __future__ import annotations

import numpy as np
import pytest

from vjpgen.bessel import scaled
from vjpgen.evaluation import evaluate
from vjpgen.expr import has_op
from vjpgen.parse import parse
from vjpgen.search import search
from vjpgen.truth import Truth

AT = np.array([[-30.0], [-2.5], [0.25], [7.0], [80.0]])


@pytest.mark.parametrize("text", ["besseli(0, x)", "besseli(1, x)/x", "log(besseli(0, x**2))"])
def test_equal_to_the_formula(text: str) -> None:
    e = parse(text).outputs[0]
    forms = scaled(e)
    assert forms
    for found in forms:
        assert not has_op(found, "besseli")
        exact = Truth((e, found), ("x",)).values(AT)
        np.testing.assert_allclose(exact[:, 0], exact[:, 1], rtol=1e-15)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("exp(k*cos(x))/besseli(0, k)", "1 / i0e(k) * exp(k * (cos(x) - 1))"),
        ("besseli(1, k)/besseli(0, k)", "i1e(k) / i0e(k)"),
        (
            "cos(x)*exp(k)/besseli(0, k) - exp(k)*besseli(1, k)/besseli(0, k)**2",
            "(cos(x) - i1e(k) / i0e(k)) / i0e(k)",
        ),
    ],
)
def test_other_exponentials_take_the_growth_up(text: str, form: str) -> None:
    *_, found = scaled(parse(text).outputs[0], frozenset("k"))
    assert str(found) == form


@pytest.mark.parametrize("text", ["exp(x)", "besseli(2, x)", "besselj(0, x)"])
def test_nothing_else_is_scaled(text: str) -> None:
    assert scaled(parse(text).outputs[0]) == ()


def test_the_logarithm_does_not_overflow() -> None:
    (form,) = search(parse("log(besseli(0, x))"), effort="low").values
    got = evaluate(form, {"x": np.float32([500.0, 1e20])})
    np.testing.assert_allclose(got, [495.9739, 1e20], rtol=1e-6)
