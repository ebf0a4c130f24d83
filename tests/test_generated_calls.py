"""Generated functions under every transformation and with every kind of argument JAX users have."""

from __future__ import annotations

import warnings
from functools import cache
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from plain_forms import module
from rarely import rarely

FORMULAS = {
    "softplus": "log(1+exp(x))",
    "square": "x**2",
    "line": "3*x - 2",
    "constant": "0*x + 3",
    "steps": "where(x > 1, sqrt(x), where(x < -1, exp(x), x**3))",
    "sinc": "where(abs(x) < 0.1, 1 - x**2/6 + x**4/120, sin(x)/x)",
    "logaddexp": "log(exp(x) + exp(y))",
    "difference": "sin(x - y)",
    "product": "x*y",
    "affine": "2*x - y",
    "three": "exp(-(x - y)**2)*z",
    "polar": "(x*cos(y), x*sin(y))",
    "pair": "(x, x**2)",
    "mixed": "(x + y, x, 2)",
}


OFTEN = ("softplus", "mixed")  # the others compile as long for less
Case = tuple[ModuleType, Any, int]
PLAIN: dict[str, Any] = {
    "softplus": lambda x: jnp.log(1 + jnp.exp(x)),
    "square": lambda x: x**2,
    "line": lambda x: 3 * x - 2,
    "constant": lambda x: 0 * x + 3,
    "steps": lambda x: jnp.where(x > 1, jnp.sqrt(jnp.maximum(x, 1)), jnp.where(x < -1, jnp.exp(x), x**3)),
    "sinc": lambda x: jnp.where(abs(x) < 0.1, 1 - x**2 / 6 + x**4 / 120, jnp.sin(x) / x),
    "logaddexp": lambda x, y: jnp.log(jnp.exp(x) + jnp.exp(y)),
    "difference": lambda x, y: jnp.sin(x - y),
    "product": lambda x, y: x * y,
    "affine": lambda x, y: 2 * x - y,
    "three": lambda x, y, z: jnp.exp(-((x - y) ** 2)) * z,
    "polar": lambda x, y: (x * jnp.cos(y), x * jnp.sin(y)),
    "pair": lambda x: (x, x**2),
    "mixed": lambda x, y: (x + y, x + 0 * y, 2 + 0 * (x + y)),
}


@cache
def case(name: str) -> Case:
    """The module, the formula as a user writes it in jnp, and the number of arguments."""
    text = FORMULAS[name]
    names = [n for n in "xyz" if n in text.replace("exp", "")]
    return module(text, args=names), PLAIN[name], len(names)


@pytest.fixture(scope="module", params=[f if f in OFTEN else rarely(f) for f in FORMULAS])
def every_case(request: pytest.FixtureRequest) -> Case:
    return case(request.param)


@pytest.fixture(scope="module", params=["steps", "mixed", rarely("three")])
def few(request: pytest.FixtureRequest) -> Case:
    return case(request.param)


def total(f: Any) -> Any:
    """The sum of everything `f` returns, weighted so that outputs cannot be confused."""
    return lambda *a: sum((k + 1) * jnp.sum(y) for k, y in enumerate(jax.tree.leaves(f(*a))))


def columns(n: int, shape: tuple[int, ...] = (5,)) -> list[jax.Array]:
    rng = np.random.default_rng(7)
    return [jnp.asarray(rng.uniform(0.3, 2.2, shape), jnp.float32) for _ in range(n)]


def close(got: Any, wanted: Any, tolerance: float = 2e-5) -> None:
    for g, w in zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(np.asarray(g, float), np.asarray(w, float), rtol=tolerance, atol=tolerance)


def test_value(every_case: Case) -> None:
    m, plain, n = every_case
    a = columns(n)
    for f in (m.f, m.f_jvp):
        close(f(*a), plain(*a))
        close(jax.jit(f)(*a), plain(*a))


def test_gradients(every_case: Case) -> None:
    m, plain, n = every_case
    a, every = columns(n), tuple(range(n))
    wanted = jax.grad(total(plain), every)(*a)
    for f in (m.f, m.f_jvp):
        close(jax.grad(total(f), every)(*a), wanted)
        close(jax.jit(jax.grad(total(f), every))(*a), wanted)
        close(jax.jit(jax.value_and_grad(total(f), every))(*a), (total(plain)(*a), wanted))
        close(jax.grad(total(jax.checkpoint(f)), every)(*a), wanted)


def test_jacobians(few: Case) -> None:
    m, plain, n = few
    a, every = columns(n, (3,)), tuple(range(n))
    close(jax.jacrev(m.f, every)(*a), jax.jacrev(plain, every)(*a))
    close(jax.jacfwd(m.f_jvp, every)(*a), jax.jacfwd(plain, every)(*a))
    close(jax.jacrev(m.f_jvp, every)(*a), jax.jacrev(plain, every)(*a))
    with pytest.raises(TypeError):
        jax.jacfwd(m.f)(*a)


def test_hessians(every_case: Case) -> None:
    m, plain, n = every_case
    a, every = columns(n, ()), tuple(range(n))
    wanted = jax.hessian(total(plain), every)(*a)
    close(jax.jit(jax.hessian(total(m.f), every))(*a), wanted)
    close(jax.jit(jax.jacfwd(jax.jacfwd(total(m.f_jvp), every), every))(*a), wanted)


def test_hessians_either_way(few: Case) -> None:
    m, plain, n = few
    a, every = columns(n, ()), tuple(range(n))
    wanted = jax.hessian(total(plain), every)(*a)
    close(jax.hessian(total(m.f), every)(*a), wanted)
    close(jax.hessian(total(m.f_jvp), every)(*a), wanted)
    close(jax.jacrev(jax.jacrev(total(m.f_jvp), every), every)(*a), wanted)


def test_linearize(few: Case) -> None:
    m, plain, n = few
    a = columns(n)
    dots = [x + 1 for x in a]
    close(jax.linearize(m.f_jvp, *a)[1](*dots), jax.jvp(plain, a, dots)[1])


def test_vmap(few: Case) -> None:
    m, plain, n = few
    a, every = columns(n, (4, 3)), tuple(range(n))
    for axis in (0, 1, -1):
        for f in (m.f, m.f_jvp):
            close(jax.vmap(f, in_axes=axis)(*a), jax.vmap(plain, in_axes=axis)(*a))
            g = jax.vmap(jax.grad(total(f), every), in_axes=axis)
            close(g(*a), jax.vmap(jax.grad(total(plain), every), in_axes=axis)(*a))


def test_vmap_of_one_argument(few: Case) -> None:
    m, plain, n = few
    if n == 1:
        return
    a = [columns(n, (4,))[0], *columns(n - 1, ())]
    axes = (0, *[None] * (n - 1))
    for f in (m.f, m.f_jvp):
        close(jax.vmap(f, axes)(*a), jax.vmap(plain, axes)(*a))
        both = [total(jax.vmap(g, axes)) for g in (f, plain)]
        close(*(jax.grad(b, tuple(range(n)))(*a) for b in both))
        close(*(jax.vmap(jax.grad(total(g), tuple(range(n))), axes)(*a) for g in (f, plain)))


SHAPES = [((2, 1), (3,)), ((0, 1), (1, 2)), rarely(((3,), ())), rarely(((1,), (4,)))]


@pytest.mark.parametrize("shapes", SHAPES)
def test_broadcasting(few: Case, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    (m, plain, n), (first, other) = few, shapes
    a = [columns(1, first)[0], *columns(n - 1, other)]
    every = tuple(range(n))
    shape = jnp.broadcast_shapes(*(x.shape for x in a))
    for f in (m.f, m.f_jvp):
        assert all(y.shape == shape for y in jax.tree.leaves(f(*a)))
        close(f(*a), plain(*a))
        grads = jax.grad(total(f), every)(*a)
        assert [g.shape for g in grads] == [x.shape for x in a]
        close(grads, jax.grad(total(plain), every)(*a))
    dots = [x + 1 for x in a]
    close(jax.jvp(m.f_jvp, a, dots), jax.jvp(plain, a, dots))


def test_python_numbers(every_case: Case) -> None:
    m, plain, n = every_case
    numbers, every = [1.25, 0.75, 2.0][:n], tuple(range(n))
    for f in (m.f, m.f_jvp):
        ys = jax.tree.leaves(f(*numbers))
        assert all(y.shape == () and y.dtype == jnp.float32 and y.weak_type for y in ys)
        close(f(*numbers), plain(*map(jnp.float32, numbers)))
        close(jax.grad(total(f), every)(*numbers), jax.grad(total(plain), every)(*map(jnp.float32, numbers)))
        close(jax.jit(jax.grad(total(f), every))(*numbers), jax.grad(total(plain), every)(*numbers))


def test_a_number_does_not_widen_an_array(few: Case) -> None:
    m, _, n = few
    a = [jnp.bfloat16(1.5), *([2.0] * (n - 1))]
    assert all(y.dtype == jnp.bfloat16 for y in jax.tree.leaves(m.f(*a)))
    half = jnp.ones(3, jnp.bfloat16)
    assert all((half * y).dtype == jnp.bfloat16 for y in jax.tree.leaves(m.f(*[2.0] * n)))


@pytest.mark.parametrize("kind", [np.int32, bool, *map(rarely, (np.int8, np.uint8, np.bool_, int))])
def test_integers(few: Case, kind: Any) -> None:
    m, plain, n = few
    for f in (m.f, m.f_jvp):
        ys = f(*[kind(1)] * n)
        assert all(y.dtype == jnp.float32 for y in jax.tree.leaves(ys))
        close(ys, plain(*[jnp.float32(1)] * n))
    if n > 1:
        at = [jnp.float32(1.5), *[kind(1)] * (n - 1)]
        same = [jnp.float32(1.5), *[jnp.float32(1)] * (n - 1)]
        for f in (m.f, m.f_jvp):
            close(jax.grad(total(f))(*at), jax.grad(total(plain))(*same))
            close(jax.jit(jax.grad(total(f)))(*at), jax.grad(total(plain))(*same))


def test_integer_tangents_are_float0(few: Case) -> None:
    m, _, n = few
    zeros = [np.zeros((2,), jax.dtypes.float0)] * n
    _, tangent = jax.jvp(m.f_jvp, [np.ones(2, np.int32)] * n, zeros)
    assert all(t.shape == (2,) and not np.any(t) for t in jax.tree.leaves(tangent))
    grads = jax.grad(total(m.f), tuple(range(n)), allow_int=True)(*[jnp.ones(2, jnp.int32)] * n)
    assert all(g.dtype == jax.dtypes.float0 and g.shape == (2,) for g in grads)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, rarely(jnp.float16)])
def test_half_types_are_rounded_once(few: Case, dtype: Any) -> None:
    m, _, n = few
    a, every = [x.astype(dtype) for x in columns(n, (200,))], tuple(range(n))
    wide = [x.astype(jnp.float32) for x in a]
    for f in (m.f, m.f_jvp):
        ys, grads = f(*a), jax.grad(total(f), every)(*a)
        assert all(y.dtype == dtype for y in jax.tree.leaves((ys, grads)))
        for y, w in zip(jax.tree.leaves(ys), jax.tree.leaves(f(*wide)), strict=True):
            np.testing.assert_array_equal(y, w.astype(dtype))
        eps = float(jnp.finfo(dtype).eps)
        close(grads, jax.grad(total(f), every)(*wide), 4 * eps)


def test_mixed_dtypes(few: Case) -> None:
    m, plain, n = few
    dtypes = [jnp.float32, jnp.bfloat16, jnp.float16][:n]
    a = [x.astype(d) for x, d in zip(columns(n), dtypes, strict=True)]
    wide = [x.astype(jnp.float32) for x in a]
    for f in (m.f, m.f_jvp):
        assert all(y.dtype == jnp.float32 for y in jax.tree.leaves(f(*a)))
        close(f(*a), plain(*wide))
        grads = jax.grad(total(f), tuple(range(n)))(*a)
        assert [g.dtype for g in grads] == dtypes
        close(grads, jax.grad(total(plain), tuple(range(n)))(*wide), 0.02)
    dots = [jnp.ones_like(x) for x in a]
    close(jax.jvp(m.f_jvp, a, dots), jax.jvp(plain, wide, [d.astype(jnp.float32) for d in dots]))


def test_float64(few: Case) -> None:
    m, plain, n = few
    every = tuple(range(n))
    with jax.enable_x64(True):
        a = [jnp.asarray(np.asarray(x), jnp.float64) for x in columns(n)]
        for f in (m.f, m.f_jvp):
            assert all(y.dtype == jnp.float64 for y in jax.tree.leaves(f(*a)))
            close(f(*a), plain(*a), 1e-13)
            close(jax.grad(total(f), every)(*a), jax.grad(total(plain), every)(*a), 1e-13)
        assert all(y.dtype == jnp.float32 for y in jax.tree.leaves(m.f(*map(jnp.float32, a))))
        wide_and_narrow = [a[0], *map(jnp.float32, a[1:])]
        grads = jax.grad(total(m.f), every)(*wide_and_narrow)
        assert [g.dtype for g in grads] == [x.dtype for x in wide_and_narrow]
        close(grads[0], jax.grad(total(plain))(*(x.astype(jnp.float64) for x in wide_and_narrow)), 1e-13)


@pytest.mark.parametrize("dtype", [rarely(jnp.float32), jnp.bfloat16])
def test_scan(few: Case, dtype: Any) -> None:
    m, plain, n = few

    def chain(f: Any) -> Any:
        def step(carry: Any, x: Any) -> Any:
            return jax.tree.leaves(f(*[carry] * n))[0] * jnp.asarray(0.25, dtype) + x, carry

        return lambda c, xs: jax.lax.scan(step, c, xs)[0].astype(jnp.float32)

    at = (jnp.asarray(0.5, dtype), jnp.asarray([0.1, 0.2, 0.3], dtype))
    for f in (m.f, m.f_jvp):
        grads = jax.grad(chain(f), (0, 1))(*at)
        assert all(g.dtype == dtype for g in grads)
        close(grads, jax.grad(chain(plain), (0, 1))(*at), 1e-5 if dtype == jnp.float32 else 0.1)


def test_numpy_arrays(few: Case) -> None:
    m, plain, n = few
    a = [np.asarray(x, np.float64) for x in columns(n)]
    for f in (m.f, m.f_jvp):
        close(f(*a), plain(*map(jnp.asarray, a)))
        assert all(g.dtype == jnp.float32 for g in jax.grad(total(f), tuple(range(n)))(*a))


def test_numbers_beyond_the_dtype() -> None:
    """A user whose warnings are errors can use the module; float64 has the numbers themselves."""
    m = module("where(x > 10**50, 1, x*10**100)")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert jax.jit(m.f)(jnp.float32(1)) == jnp.inf
        assert jax.jit(jax.grad(m.f))(jnp.float32(1)) == jnp.inf
    with jax.enable_x64(True):
        assert m.f(1e-90) == 1e10


def test_keywords(few: Case) -> None:
    m, plain, n = few
    a = columns(n)
    named = dict(zip("xyz", a, strict=False))
    close(m.f(**named), plain(*a))
    close(jax.grad(lambda x: total(m.f)(*[x, *a[1:]]))(a[0]), jax.grad(total(plain))(*a))
