"""Derivatives by sympy against exact ones, and JAX's policy at kinks."""

from __future__ import annotations

import time

import numpy as np
import pytest

from patience import PATIENCE
from vjpgen import derive
from vjpgen.evaluation import evaluate
from vjpgen.parse import parse
from vjpgen.truth import Truth

AT = np.array([[0.5, 1.25], [1.5, 0.75], [2.0, 3.0], [0.125, 4.0], [0.7, 0.3]])


@pytest.mark.parametrize(
    "text",
    [
        "log(1+exp(x))", "x**y", "exp(x*y)/(x+y)", "sqrt(x**2+y**2)", "atan2(x, y)", "erf(x)*erfc(y)",
        "erfcx(x*y)", "gamma(x)*lgamma(y)", "digamma(x)", "polygamma(1, x*y)",
        "besselj(2, x)*besseli(1, y)", "lambertw(x*y)", "cbrt(x-y)", "hypot(x, y)", "logaddexp(x, y)",
        "sinh(x)*cosh(y)*tanh(x)", "asinh(x)+acosh(y+1)+atanh(x/9)", "(2*x+1)**100*y", "2**(x+100)",
        "abs(x-y)", "erfinv(x/8)*y", "log2(x)*log10(y)*exp2(x)", "max(x, y)*x",
        "y*(exp((x+1)*y)-1)/((exp(x*y)-1)*(exp(y)-1))",
    ],
)  # fmt: skip
def test_every_shape_is_the_derivative(text: str) -> None:
    (e,) = parse(text, args=["x", "y"]).outputs
    scope = derive.symbols(("x", "y"), frozenset(("x", "y")))
    _, truth = Truth((e,), ("x", "y")).with_partials(AT)
    for j, arg in enumerate(("x", "y")):
        shapes = derive.partial(e, arg, scope)
        got = Truth(shapes, ("x", "y")).values(AT)
        known = np.isfinite(truth[:, 0, j])
        assert known.any()
        np.testing.assert_allclose(
            got[known], np.tile(truth[known, 0, j, None], (1, len(shapes))), rtol=1e-13
        )


def test_the_value_comes_first_as_it_was_written() -> None:
    (e,) = parse("(x + y) - x").outputs
    found = derive.value(e, derive.symbols(("x", "y")))
    assert found[0] is e
    assert len(found) > 1


def test_quotients_of_exponentials_are_in_lowest_terms() -> None:
    """Where 1 + 1/(exp(x) - 1) + 1/(exp(y) - 1) is one quotient, its derivative is one term again."""
    (e,) = parse("(exp(x+y)-1)/((exp(x)-1)*(exp(y)-1))").outputs
    shortest = min(derive.partial(e, "x", derive.symbols(("x", "y"))), key=lambda s: s.size)
    assert shortest.names == ("x",)


@pytest.mark.parametrize(
    ("text", "at", "slope"),
    [
        ("abs(x)", 0.0, 0.0),
        ("abs(x)", -2.0, -1.0),
        ("max(x, 0)", 0.0, 0.5),
        ("min(x, 0)", 0.0, 0.5),
        ("max(x, 0)", 3.0, 1.0),
        ("sign(x)", 0.0, 0.0),
        ("floor(x)", 0.5, 0.0),
    ],
)
def test_kinks_follow_jax(text: str, at: float, slope: float) -> None:
    (e,) = parse(text).outputs
    for shape in derive.partial(e, "x", derive.symbols(("x",))):
        assert float(evaluate(shape, {"x": np.float32([at])}).item() if shape.args else shape.value) == slope


@pytest.mark.parametrize(
    "text", ["(x+y+z+w)**40", "(1+x+x**2)**30*(y+z)**30", "(x/3+1/7)**1000", "(x+1)**(2**40)", "3**(x*10**9)"]
)
def test_a_large_expansion_is_left_alone(text: str) -> None:
    spec = parse(text)
    start = time.monotonic()
    shapes = derive.partial(spec.outputs[0], "x", derive.symbols(spec.args))
    assert time.monotonic() - start < PATIENCE
    assert max(e.size for e in shapes) < 200
