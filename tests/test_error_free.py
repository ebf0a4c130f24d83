"""Error-free transformations as generated modules carry them, compiled amid other work as they will be."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

from helper_modules import error, helpers
from vjpgen.floats import ulps

pytestmark = pytest.mark.usefixtures("exact_arithmetic")
SINGLE, DOUBLE = np.float32, np.float64
PAIRS = 100_000


def numbers(rng: np.random.Generator, dtype: Any, n: int = PAIRS) -> Any:
    """Numbers of both signs over 40 binades, every bit of the significand random."""
    size = rng.uniform(1, 2, n) * 2.0 ** rng.integers(-20, 20, n)
    return (rng.choice([-1, 1], n) * size).astype(dtype)


def programs(f: Any) -> list[Any]:
    """Compiled alone, and compiled amid other work with which it can be fused."""
    return [jax.jit(f), jax.jit(lambda *a: f(*(0.0 * jnp.sin(x) + x for x in a)) * 1.0)]


@pytest.mark.parametrize("cancelling", [False, True])
def test_sum3_is_rounded_once(cancelling: bool) -> None:
    f = helpers("sum3")._sum3
    rng = np.random.default_rng(0)
    a, b, c = (numbers(rng, SINGLE) for _ in range(3))
    if cancelling:
        near = -(a.astype(DOUBLE) + b)
        c = (near * (1 + rng.integers(-3, 4, PAIRS) * 2.0**-23)).astype(SINGLE)
    exact = np.array([math.fsum(t) for t in zip(a.tolist(), b.tolist(), c.tolist(), strict=True)])
    for program in programs(f):
        assert ulps(np.asarray(program(a, b, c)), exact).max() <= 1


@pytest.mark.parametrize("cancelling", [False, True])
def test_diff_of_products_is_rounded_once(cancelling: bool) -> None:
    f = helpers("diff_of_products")._diff_of_products
    rng = np.random.default_rng(1)
    a, b, c, d = (numbers(rng, SINGLE) for _ in range(4))
    if cancelling:
        d = (a.astype(DOUBLE) * b / c).astype(SINGLE)
    exact = a.astype(DOUBLE) * b - c.astype(DOUBLE) * d  # both products are exact in float64
    for program in programs(f):
        assert ulps(np.asarray(program(a, b, c, d)), exact).max() <= 1


def test_diff_of_products_in_double_precision() -> None:
    f = helpers("diff_of_products")._diff_of_products
    rng = np.random.default_rng(2)
    a, b, c = (numbers(rng, DOUBLE, 2000) for _ in range(3))
    d = a * b / c
    rows = zip(a.tolist(), b.tolist(), c.tolist(), d.tolist(), strict=True)
    exact = [float(Fraction(p) * Fraction(q) - Fraction(r) * Fraction(s)) for p, q, r, s in rows]
    with jax.enable_x64(True):
        got = np.asarray(jax.jit(f)(a, b, c, d))
    np.testing.assert_allclose(got, exact, rtol=2**-51)


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
@pytest.mark.parametrize("binades", [10, 60])
def test_root_of_a_difference_of_products(binades: int, dtype: Any) -> None:
    """Products far beyond the range, and far below it, under a root that is well inside."""
    f = helpers("sqrt_diff_of_products")._sqrt_diff_of_products
    rng = np.random.default_rng(19)
    half = binades if dtype == SINGLE else 8 * binades
    whole = rng.integers(-half, half, 300)
    a, b, c, d = (np.ldexp(rng.uniform(1, 2, 300), whole + k).astype(dtype) for k in (1, 3, 0, 1))
    d[::3] = (a * b / c * (1 - 2.0**-9))[::3]
    rows = zip(a.tolist(), b.tolist(), c.tolist(), d.tolist(), strict=True)
    exact = [(arb(p) * arb(q) - arb(r) * arb(s)).sqrt() for p, q, r, s in rows]
    with jax.enable_x64(dtype == DOUBLE):
        for program in programs(f):
            assert error(np.asarray(program(a, b, c, d)), exact).max() <= 1.5
        slopes = jax.jit(jax.vmap(jax.grad(f, (0, 3))))(a, b, c, d)
    roots = np.array([float(e) for e in exact])
    for got, wanted in zip(slopes, (b / (2 * roots), -c / (2 * roots)), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=20 * np.finfo(dtype).eps)
    assert np.isnan(f(1.0, 1.0, 2.0, 1.0))
    assert f(0.0, 1.0, 0.0, 2.0) == 0
    assert f(jnp.inf, 1.0, 2.0, 1.0) == jnp.inf


def test_error_free_sums_take_numbers_and_differentiate() -> None:
    m = helpers("diff_of_products", "sum3")
    x = jnp.float32(1.5)
    for dtype in (jnp.float32, jnp.float64):
        with jax.enable_x64(True):
            assert m._diff_of_products(x.astype(dtype), x.astype(dtype), 4.0, 0.5).dtype == dtype
    grads = jax.grad(m._diff_of_products, (0, 1, 2, 3))(x, 2 * x, 3 * x, 4 * x)
    np.testing.assert_allclose(grads, (3.0, 1.5, -6.0, -4.5))
    np.testing.assert_allclose(jax.grad(m._sum3, (0, 1, 2))(x, 2 * x, 3 * x), (1.0, 1.0, 1.0))
    hessian = jax.hessian(lambda v: m._diff_of_products(v, v, 3.0, v))(x)
    assert hessian == 2.0


@pytest.mark.parametrize("op", ["sum3", "diff_of_products"])
def test_error_free_sums_overflow_as_plain_ones(op: str) -> None:
    f = getattr(helpers(op), f"_{op}")
    big = jnp.float32(3e38)
    if op == "sum3":
        assert f(big, big, 1.0) == jnp.inf
        assert f(big, 1e38, -big) == jnp.float32(1e38) or f(big, 1e38, -big) == jnp.inf
        assert f(jnp.inf, 1.0, 2.0) == jnp.inf
    else:
        assert f(big, 2.0, 1.0, 1.0) == jnp.inf
        assert f(big, 1.0, 1.0, 1.0) == big
        assert f(1.0, 1.0, big, 2.0) == -jnp.inf


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_exp_sum(dtype: Any) -> None:
    f = helpers("exp_sum")._exp_sum
    rng = np.random.default_rng(9)
    limit = 85 if dtype == SINGLE else 700
    a = (rng.choice([-1, 1], 2000) * 10 ** rng.uniform(-3, 5, 2000)).astype(dtype)
    b = (rng.uniform(-limit, limit, 2000) - a).astype(dtype)
    exact = [(arb(p) + arb(q)).exp() for p, q in zip(a.tolist(), b.tolist(), strict=True)]
    with jax.enable_x64(dtype == DOUBLE):
        for program in programs(f):
            assert error(np.asarray(program(a, b)), exact).max() < 2.5
        slopes = jax.jit(jax.vmap(jax.grad(f, 1)))(a, b)
        ends = f(
            jnp.asarray([np.inf, -np.inf, 1e30, -1e30, 1, np.nan], dtype),
            jnp.asarray([1, 1, 1e10, 1e10, -1, 1], dtype),
        )
    np.testing.assert_allclose(slopes, [float(e) for e in exact], rtol=1e-5 if dtype == SINGLE else 1e-13)
    np.testing.assert_array_equal(ends, np.array([np.inf, 0, np.inf, 0, 1, np.nan], dtype))
    assert f(2.0, jnp.float32(1.5)).dtype == jnp.float32


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_exp_product(dtype: Any) -> None:
    f = helpers("exp_product")._exp_product
    rng = np.random.default_rng(8)
    limit = 85 if dtype == SINGLE else 700
    a = rng.uniform(0.1, 30, 2000).astype(dtype)
    b = (rng.uniform(-limit, limit, 2000) / a).astype(dtype)
    exact = [(arb(p) * arb(q)).exp() for p, q in zip(a.tolist(), b.tolist(), strict=True)]
    with jax.enable_x64(dtype == DOUBLE):
        got = np.asarray(jax.jit(f)(a, b))
        slopes = jax.jit(jax.vmap(jax.grad(f)))(a, b)
        ends = f(
            jnp.asarray([1e20, -1e20, 10, 0, np.nan], dtype), jnp.asarray([1e20, 1e20, 1e3, 3, 1], dtype)
        )
        far = jnp.asarray(10 ** rng.uniform(4, 18, 200), dtype)
        assert (f(far, far / 3) == jnp.inf).all()
        assert (f(-far, far / 3) == 0).all()
    assert error(got, exact).max() < 2.5
    np.testing.assert_allclose(slopes, b * got, rtol=1e-5 if dtype == SINGLE else 1e-13)
    np.testing.assert_array_equal(ends, np.array([np.inf, 0, np.inf, 1, np.nan], dtype))
    assert f(2.0, jnp.float32(1.5)).dtype == jnp.float32
