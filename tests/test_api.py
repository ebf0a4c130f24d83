"""Functions without files."""

from __future__ import annotations

import inspect

import jax
import jax.numpy as jnp
import pytest

import vjpgen
from vjpgen.api import function
from vjpgen.errors import InputError, OptionError

FORMULA = {"expr": "log(1+exp(x))", "name": "soft", "effort": "low"}


@pytest.fixture(scope="module")
def reverse() -> object:
    return function(**FORMULA)


@pytest.fixture(scope="module")
def forward() -> object:
    return vjpgen.function(mode="jvp", **FORMULA)


def test_a_live_function(reverse: object) -> None:
    at = jnp.array([-100.0, 0.0, 100.0], jnp.float32)
    assert reverse(at).tolist() == pytest.approx([3.783506e-44, 0.6931472, 100.0], abs=1e-7)
    slopes = jax.jit(jax.vmap(jax.grad(reverse)))(at)
    assert slopes.tolist() == pytest.approx([0.0, 0.5, 1.0], abs=1e-7)


def test_the_twin_goes_forward(forward: object) -> None:
    value, slope = jax.jvp(forward, (jnp.float32(0.0),), (jnp.float32(2.0),))
    assert (float(value), float(slope)) == pytest.approx((0.6931472, 1.0))
    assert float(jax.grad(forward)(1000.0)) == 1.0


def test_reverse_mode_has_no_forward(reverse: object) -> None:
    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(reverse, (1.0,), (1.0,))


def test_the_source_can_be_read(reverse: object) -> None:
    source = inspect.getsource(inspect.unwrap(reverse))
    assert "def soft(x" in source


@pytest.mark.parametrize("mode", ["", "rev", None, "VJP"])
def test_a_mode_that_is_none(mode: object) -> None:
    with pytest.raises(OptionError, match="mode is one of vjp, jvp"):
        function("x", mode=mode)


def test_refusals_are_those_of_generate() -> None:
    with pytest.raises(InputError):
        function("x +")
