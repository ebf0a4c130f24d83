"""Powers of negative numbers: real at whole exponents, as jnp has them, in the value and by the base."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vjpgen
from vjpgen.parse import parse
from vjpgen.truth import Truth


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("x**y - 1", lambda x, y: x**y - 1),
        ("(x + y)**y*exp(-x)", lambda x, y: (x + y) ** y * jnp.exp(-x)),
    ],
)
def test_a_power_of_a_negative_number_is_what_the_formula_says(text: str, plain) -> None:  # type: ignore[no-untyped-def]
    f = vjpgen.function(text, args=["x", "y"])
    for x, y in ((-5.0, 2.0), (-5.0, 3.0), (-1.5, -2.0), (-7.0, 4.0)):
        assert np.isclose(f(x, y), plain(x, y), rtol=1e-5)
        slope, wanted = (jax.grad(g)(x, y) for g in (f, plain))
        assert np.isclose(slope, wanted, rtol=1e-5, equal_nan=True)


def test_an_assumption_that_keeps_the_base_positive_adds_no_choice() -> None:
    made = vjpgen.generate("x**y - 1", name="f", assume="x > 0")
    assert "x < 0" not in made.module


def test_second_derivatives_stay_finite_where_the_base_is_positive() -> None:
    f = vjpgen.function("x**y - 1", args=["x", "y"])
    assert np.isfinite(jax.jacfwd(jax.grad(f))(2.0, 3.0))


def test_the_sign_of_a_base_is_that_of_a_form_that_is_right() -> None:
    """Beyond 2**25 the sum x/2 + pi/4 is rounded to any multiple of pi."""
    text = "k*tan(x/2 + pi/4)**y"
    f = vjpgen.function(text, args=["x", "y", "k"])
    rng = np.random.default_rng(3)
    x = rng.choice([-1, 1], 300) * 2.0 ** rng.uniform(27, 120, 300)
    at = np.stack([x, rng.uniform(0.5, 3, 300), rng.uniform(1, 2, 300)], axis=1).astype(np.float32)
    exact = Truth(parse(text).outputs, ("x", "k", "y")).values(at[:, [0, 2, 1]].astype(np.float64))[:, 0]
    real = np.isfinite(exact)
    got = np.asarray(f(*at.T))
    assert 100 < real.sum() < 200
    assert np.isfinite(got[real]).all()
    assert np.allclose(got[real], exact[real], rtol=1e-4)


def test_forms_where_the_base_is_negative_are_searched_too() -> None:
    """As it is written, the derivative multiplies 0 by infinity there."""
    text = "n*x**n*c/x"
    f = vjpgen.function(text, args=["x", "c", "n"], assume="n > 0")
    rng = np.random.default_rng(4)
    n = np.concatenate([2.0 * rng.integers(1, 9, 100), 2.0 ** rng.integers(25, 120, 100)])
    x = -(2.0 ** rng.uniform(-60, 3, 200))
    at = np.stack([x, rng.uniform(1, 2, 200), n], axis=1).astype(np.float32)
    exact = Truth(parse("n*(n - 1)*x**(n - 2)*c").outputs, ("x", "c", "n")).values(
        np.abs(at).astype(np.float64)
    )[:, 0]  # n is even
    got = np.asarray(jax.vmap(jax.grad(f))(*at.T))
    known = np.isfinite(exact) & (np.abs(exact) < 3e38) & ((exact == 0) | (np.abs(exact) > 1.2e-38))
    assert known.sum() > 100
    assert np.allclose(got[known], exact[known], rtol=1e-4)
