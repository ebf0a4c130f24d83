"""Removable singularities, kinks, zeros of both signs, infinities and NaN: limits where there are any.

Each row is a formula, an argument, and the value and derivative that are expected there: the limits where
they exist, otherwise what plain jnp gives. `NAN` stands only where an argument is NaN, or where value or
derivative have no limit.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import numpy as np
import pytest

from vjpgen.pipeline import generate
from vjpgen.verify import load

pytestmark = pytest.mark.thorough
INF, NAN = math.inf, math.nan
ROWS: list[tuple[str, float, float, float]] = [
    ("(exp(x) - 1)/x", 0.0, 1.0, 0.5),
    ("(exp(x) - 1)/x", -0.0, 1.0, 0.5),
    ("(exp(x) - 1)/x", -INF, 0.0, 0.0),
    ("sin(x)/x", 0.0, 1.0, 0.0),
    ("sin(x)/x", -0.0, 1.0, 0.0),
    ("(1 - cos(x))/x", 0.0, 0.0, 0.5),
    ("(1 - cos(x))/x**2", 0.0, 0.5, 0.0),
    ("tanh(x)/x", 0.0, 1.0, 0.0),
    ("log(1 + x)/x", 0.0, 1.0, -0.5),
    ("(x - sin(x))/x**3", 0.0, 1 / 6, 0.0),
    ("x/(exp(x) - 1)", 0.0, 1.0, -0.5),
    ("log(1 + exp(x))", INF, INF, 1.0),
    ("log(1 + exp(x))", -INF, 0.0, 0.0),
    ("log(1 + exp(x))", NAN, NAN, NAN),
    ("1/(1 + exp(-x))", INF, 1.0, 0.0),
    ("1/(1 + exp(-x))", -INF, 0.0, 0.0),
    ("1/(1 + exp(-x))", NAN, NAN, NAN),
    ("exp(-x**2)", 0.0, 1.0, 0.0),
    ("abs(x)", 0.0, 0.0, 0.0),
    ("abs(x)", -0.0, 0.0, 0.0),
    ("abs(x)", INF, INF, 1.0),
    ("abs(x)", -INF, INF, -1.0),
    ("max(x, 0)", 0.0, 0.0, 0.5),
    ("max(x, 0)", INF, INF, 1.0),
    ("max(x, 0)", -INF, 0.0, 0.0),
    ("relu(x)", 0.0, 0.0, 0.0),
    ("min(x, 1)", 1.0, 1.0, 0.5),
    ("sign(x)", 0.0, 0.0, 0.0),
    ("tanh(x)", INF, 1.0, 0.0),
    ("tanh(x)", -INF, -1.0, 0.0),
    ("tanh(x)", NAN, NAN, NAN),
    ("atan(x)", INF, math.pi / 2, 0.0),
    ("atan(x)", -INF, -math.pi / 2, 0.0),
    ("log(x)", INF, INF, 0.0),
    ("sqrt(x)", 0.0, 0.0, INF),
    ("sqrt(x)", INF, INF, 0.0),
    ("erf(x)", INF, 1.0, 0.0),
    ("erf(x)", -INF, -1.0, 0.0),
    ("exp(x)", -INF, 0.0, 0.0),
    ("exp(x)", INF, INF, INF),
    ("exp(x)", NAN, NAN, NAN),
    ("log(1 + x**2)", 0.0, 0.0, 0.0),
    ("x/(1 + abs(x))", 0.0, 0.0, 1.0),
    ("atan(x)/x", 0.0, 1.0, 0.0),
    ("asinh(x)/x", -0.0, 1.0, 0.0),
    ("(exp(x) - 1 - x)/x**2", 0.0, 0.5, 1 / 6),
    ("x/(1 + exp(-x))", INF, INF, 1.0),
    ("x/(1 + exp(-x))", -INF, 0.0, 0.0),
    ("x*tanh(log(1 + exp(x)))", INF, INF, 1.0),
    ("x*tanh(log(1 + exp(x)))", -INF, 0.0, 0.0),
    ("x*(1 + erf(x/sqrt(2)))/2", INF, INF, 1.0),
    ("x*(1 + erf(x/sqrt(2)))/2", -INF, 0.0, 0.0),
    ("exp(-x**2)", INF, 0.0, 0.0),
    ("x*exp(-x)", INF, 0.0, 0.0),
]  # fmt: skip


@functools.cache
def module(text: str) -> Any:
    return load(generate(text, name="f", effort="low").module, "f")


@pytest.mark.parametrize(("text", "x", "value", "slope"), ROWS)
def test_value_and_derivatives(text: str, x: float, value: float, slope: float) -> None:
    f, twin, at = module(text).f, module(text).f_jvp, np.float32(x)
    np.testing.assert_allclose(f(at), value, rtol=1e-6)
    np.testing.assert_allclose(jax.jit(f)(at), value, rtol=1e-6)
    np.testing.assert_allclose(jax.grad(f)(at), slope, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(jax.jvp(twin, (at,), (np.float32(1),))[1], slope, rtol=1e-6, atol=1e-7)


def test_there_are_enough_of_them() -> None:
    assert len(ROWS) >= 40
    assert len({text for text, *_ in ROWS}) >= 20
