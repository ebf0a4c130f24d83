"""The helpers that generated modules carry, against exact arithmetic, compiled as they will be."""

from __future__ import annotations

import math
from typing import Any

import flint
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

import vjpgen
from helper_modules import error, helpers
from vjpgen import verify
from vjpgen.expr import call, num, var
from vjpgen.floats import ulps
from vjpgen.ops import OPS
from vjpgen.render import render_plain
from vjpgen.spec import Spec
from vjpgen.truth import Truth

pytestmark = pytest.mark.usefixtures("exact_arithmetic")
SINGLE, DOUBLE = np.float32, np.float64


def run(f: Any, x: Any) -> Any:
    with jax.enable_x64(x.dtype == DOUBLE):
        return np.asarray(jax.jit(f)(x))


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_erfcx(dtype: Any) -> None:
    f = helpers("erfcx")._erfcx
    rng = np.random.default_rng(3)
    x = np.concatenate(
        [rng.uniform(-9, 9, 300), 10 ** rng.uniform(-6, 6, 300), -(10 ** rng.uniform(-6, 0.9, 300))]
    )
    x = x.astype(dtype)
    exact = [arb(v).erfc() * (arb(v) ** 2).exp() for v in x.tolist()]
    assert error(run(f, x), exact).max() < 4
    slopes = [2 * arb(v) * e - 2 / arb.pi().sqrt() for v, e in zip(x.tolist(), exact, strict=True)]
    assert error(run(jax.vmap(jax.grad(f)), x), slopes).max() < 8
    ends = run(f, np.array([np.inf, -np.inf, -100, 0, np.nan], dtype))
    np.testing.assert_array_equal(ends, np.array([0, np.inf, np.inf, 1, np.nan], dtype))


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_ierfcx(dtype: Any) -> None:
    f = helpers("ierfcx")._ierfcx
    rng = np.random.default_rng(13)
    x = np.concatenate(
        [rng.uniform(-9, 9, 300), 10 ** rng.uniform(-6, 6, 300), -(10 ** rng.uniform(-6, 0.9, 300))]
    )
    x = x.astype(dtype)
    erfcx = [arb(v).erfc() * (arb(v) ** 2).exp() for v in x.tolist()]
    exact = [1 / arb.pi().sqrt() - arb(v) * e for v, e in zip(x.tolist(), erfcx, strict=True)]
    assert error(run(f, x), exact).max() < 8


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
@pytest.mark.parametrize("op", ["sinpi", "cospi"])
def test_sinpi_and_cospi(op: str, dtype: Any) -> None:
    f = getattr(helpers(op), f"_{op}")
    rng = np.random.default_rng(17)
    near = rng.integers(-9, 9, 300) / 2 + rng.choice([-1, 1], 300) * 10 ** rng.uniform(-6, -1, 300)
    x = np.concatenate([rng.uniform(-3, 3, 300), 10 ** rng.uniform(-30, 6, 300), near]).astype(dtype)
    sine, cosine = [arb(v).sin_pi() for v in x.tolist()], [arb(v).cos_pi() for v in x.tolist()]
    value, slope = (sine, cosine) if op == "sinpi" else (cosine, [-s for s in sine])
    assert error(run(f, x), value).max() < 3
    exact = np.array([float(arb.pi() * s) for s in slope])
    np.testing.assert_allclose(run(jax.vmap(jax.grad(f)), x), exact, atol=16 * np.finfo(dtype).eps)
    assert run(jax.vmap(jax.grad(jax.grad(f))), np.zeros(1, dtype))[0] == pytest.approx(
        0 if op == "sinpi" else -(np.pi**2), abs=1e-5
    )
    np.testing.assert_array_equal(
        run(f, np.array([0, 0.5, 1, 2.5, -3, np.inf], dtype)),
        np.array([0, 1, 0, 1, 0, np.nan] if op == "sinpi" else [1, 0, -1, 0, -1, np.nan], dtype),
    )


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_lgamma1p(dtype: Any) -> None:
    f = helpers("lgamma1p")._lgamma1p
    rng = np.random.default_rng(16)
    near = 10 ** rng.uniform(-12, -0.7, 200)
    x = np.concatenate([rng.uniform(-0.25, 1.25, 400), near, -near, 1 + near, 1 - near]).astype(dtype)
    exact = [(1 + arb(v)).lgamma() for v in x.tolist()]
    assert error(run(f, x), exact).max() < 8
    slopes = [(1 + arb(v)).digamma() for v in x.tolist()]
    assert np.quantile(error(run(jax.vmap(jax.grad(f)), x), slopes), 0.9) < 64
    ends = run(f, np.array([0, 1, -1, np.inf, np.nan], dtype))
    np.testing.assert_array_equal(ends, np.array([0, 0, np.inf, np.inf, np.nan], dtype))


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_stirling(dtype: Any) -> None:
    f = helpers("stirling")._stirling
    rng = np.random.default_rng(14)
    x = np.concatenate([rng.uniform(0, 20, 500), 10 ** rng.uniform(-30, 18, 500)]).astype(dtype)
    exact = [
        arb(v).lgamma() - (arb(v) - arb("0.5")) * arb(v).log() + arb(v) - (2 * arb.pi()).log() / 2
        for v in x.tolist()
    ]
    assert error(run(f, x), exact).max() < 12
    slopes = [arb(v).digamma() - arb(v).log() + 1 / (2 * arb(v)) for v in x.tolist()]
    assert np.quantile(error(run(jax.vmap(jax.grad(f)), x), slopes), 0.9) < 64
    ends = run(f, np.array([np.inf, np.nan, 1], dtype))
    assert ends[0] < 1e-30
    assert np.isnan(ends[1])


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_digamma_excess(dtype: Any) -> None:
    f = helpers("digamma_excess")._digamma_excess
    rng = np.random.default_rng(17)
    x = np.concatenate([rng.uniform(0, 20, 500), 10 ** rng.uniform(-30, 18, 500)]).astype(dtype)
    exact = [(1 + arb(v)).digamma() - arb(v).log() for v in x.tolist()]
    assert error(run(f, x), exact).max() < 8
    slopes = [arb(2).zeta(1 + arb(v)) - 1 / arb(v) for v in x.tolist()]
    assert np.quantile(error(run(jax.vmap(jax.grad(f)), x), slopes), 0.9) < 64
    ends = run(f, np.array([np.inf, np.nan, 0, -1], dtype))
    np.testing.assert_array_equal(ends, np.array([0, np.nan, np.inf, np.nan], dtype))


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_log_ratio(dtype: Any) -> None:
    f = helpers("log_ratio")._log_ratio
    rng = np.random.default_rng(18)
    x = 10 ** rng.uniform(-35, 35, 900)
    close = x[:300] * (1 + 10 ** rng.uniform(-6, -0.2, 300) * rng.choice([-1, 1], 300))
    y = np.concatenate([close, x[300:600] * rng.uniform(0.3, 3, 300), 10 ** rng.uniform(-35, 35, 300)])
    x, y = x.astype(dtype), y.astype(dtype)
    pairs = list(zip(x.tolist(), y.tolist(), strict=True))
    with jax.enable_x64(dtype == DOUBLE):
        got = np.asarray(jax.jit(f)(x, y))
        by_x, by_y = map(np.asarray, jax.jit(jax.vmap(jax.grad(f, (0, 1))))(x, y))
        edges = ((0, 3), (1, 0), (np.inf, 1), (np.nan, 1), (1, 1))
        ends = [f(jnp.asarray(a, dtype), jnp.asarray(b, dtype)) for a, b in edges]
    with flint.ctx.workprec(200):
        exact = [(arb(a) / arb(b)).log() for a, b in pairs]
    assert error(got, exact).max() < 4
    assert error(by_x, [1 / arb(a) for a, _ in pairs]).max() < 4
    assert error(by_y, [-1 / arb(b) for _, b in pairs]).max() < 4
    np.testing.assert_array_equal(np.asarray(ends), np.array([-np.inf, np.inf, np.inf, np.nan, 0], dtype))


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_kl_div(dtype: Any) -> None:
    f = helpers("kl_div")._kl_div
    rng = np.random.default_rng(15)
    x = 10 ** rng.uniform(-15, 15, 600)
    y = np.concatenate([x[:300] * (1 + 10 ** rng.uniform(-6, -0.2, 300)), 10 ** rng.uniform(-15, 15, 300)])
    x, y = x.astype(dtype), y.astype(dtype)

    def exact(a: float, b: float) -> Any:
        return arb(a) * (arb(a) / arb(b)).log() - arb(a) + arb(b)

    pairs = list(zip(x.tolist(), y.tolist(), strict=True))
    with jax.enable_x64(dtype == DOUBLE):
        got = np.asarray(jax.jit(f)(x, y))
        by_x, by_y = map(np.asarray, jax.jit(jax.vmap(jax.grad(f, (0, 1))))(x, y))
        ends = np.asarray(f(np.array([0, 1, np.nan, -1], dtype), np.array([3, 1, 1, -2], dtype)))
    assert error(got, [exact(a, b) for a, b in pairs]).max() < 12
    assert error(by_x, [(arb(a) / arb(b)).log() for a, b in pairs]).max() < 8
    assert error(by_y, [1 - arb(a) / arb(b) for a, b in pairs]).max() < 4
    np.testing.assert_array_equal(ends, np.array([3, 0, np.nan, np.nan], dtype))


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_lambertw(dtype: Any) -> None:
    f = helpers("lambertw")._lambertw
    rng = np.random.default_rng(4)
    edge = -math.exp(-1)
    near = edge + 10 ** rng.uniform(-7, -0.5, 300)
    x = np.concatenate(
        [near, rng.uniform(edge, 0, 300), rng.uniform(0, 5, 300), 10 ** rng.uniform(-8, 30, 300)]
    )
    x = x.astype(dtype)
    x = x[x.astype(DOUBLE) > edge]
    exact = [arb(v).lambertw() for v in x.tolist()]
    assert error(run(f, x), exact).max() < 4
    at = x[x > -0.36]
    slopes = [arb(1) / (arb(v).lambertw().exp() * (1 + arb(v).lambertw())) for v in at.tolist()]
    assert error(run(jax.vmap(jax.grad(f)), at), slopes).max() < 12
    ends = run(f, np.array([0, np.inf, -0.37, -1, -np.inf, np.nan], dtype))
    np.testing.assert_array_equal(ends, np.array([0, np.inf, *[np.nan] * 4], dtype))
    assert run(jax.vmap(jax.grad(jax.grad(f))), np.zeros(1, dtype)) == -2


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
@pytest.mark.parametrize("order", [0, 1, 2, 7, -3])
def test_besseli(order: int, dtype: Any) -> None:
    m = helpers("besseli")
    rng = np.random.default_rng(5)
    x = np.concatenate([rng.uniform(-20, 20, 200), rng.uniform(0.5, 90, 200)]).astype(dtype)
    x = x[np.abs(x) > 0.1]
    exact = [arb(v).bessel_i(order) for v in x.tolist()]
    assert error(run(lambda v: m._besseli(order, v), x), exact).max() < 8
    slopes = [(arb(v).bessel_i(order - 1) + arb(v).bessel_i(order + 1)) / 2 for v in x.tolist()]
    assert error(run(jax.vmap(jax.grad(lambda v: m._besseli(order, v))), x), slopes).max() < 8


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
@pytest.mark.parametrize("order", [0, 1, 2, 7, -3])
def test_besselj(order: int, dtype: Any) -> None:
    """Within a few ulps of the amplitude: at a zero no formula in one number does better."""
    m = helpers("besselj")
    rng = np.random.default_rng(6)
    x = np.concatenate([rng.uniform(-30, 30, 200), rng.uniform(1, 200, 200)]).astype(dtype)
    exact = [arb(v).bessel_j(order) for v in x.tolist()]
    slopes = [(arb(v).bessel_j(order - 1) - arb(v).bessel_j(order + 1)) / 2 for v in x.tolist()]
    size = np.maximum(np.abs(x), 1)
    amplitude = np.where(size > abs(order), np.sqrt(2 / np.pi / size), [abs(float(e)) for e in exact])
    f = jax.vmap(jax.value_and_grad(lambda v: m._besselj(order, v)))
    with jax.enable_x64(dtype == DOUBLE):
        values, grads = (np.asarray(y) for y in jax.jit(f)(x))
    for got, wanted in ((values, exact), (grads, slopes)):
        gap = np.array([abs(float(arb(g) - e)) for g, e in zip(got.tolist(), wanted, strict=True)])
        floor = np.array([abs(float(e)) for e in wanted])
        assert (gap / np.maximum(floor, amplitude) / np.finfo(dtype).eps).max() < 8


def test_every_operation_with_a_helper_has_its_text() -> None:
    arity = {"besselj": 2, "besseli": 2, "polygamma": 2}
    for op in OPS.values():
        if op.support:
            args = [var(a) for a in "abcd"[: op.arity]]
            args[: arity.get(op.name, 1) - 1] = [num(1)] * (arity.get(op.name, 1) - 1)
            source = render_plain(Spec("f", tuple("abcd"), (call(op.name, *args),), False, (), ""))
            assert f"def _{op.support}(" in source
            verify.load(source, "f").f(*map(jnp.float32, (0.1, 0.2, 0.3, 0.4)))


@pytest.mark.parametrize("x", [-18.25, -3.3, -0.6, 0.2, 0.49, 0.51, 3.0, 30.0])
def test_derivatives_of_digamma_are_right_below_zero(x: float) -> None:
    """JAX's own polygamma is not."""
    spec = Spec("f", ("a",), (call("digamma", var("a")),), False, (), "")
    function = verify.load(render_plain(spec), "f").f
    exact = Truth(tuple(call("polygamma", num(n), var("a")) for n in (1, 2, 3)), ("a",)).values(
        np.array([[float(np.float32(x))]])
    )[0]
    for order in range(3):
        function = jax.grad(function)
        np.testing.assert_allclose(float(function(jnp.float32(x))), exact[order], rtol=2e-5)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_derivatives_of_digamma_to_the_last_bits(order: int, dtype: Any) -> None:
    """JAX's own polygamma is 5 ulps off on average, and 0 where zeta's power underflows."""
    formula = call("polygamma", num(order), var("a"))
    f = verify.load(render_plain(Spec("f", ("a",), (formula,), False, (), "")), "f").f
    x = np.logspace(-4 / order, 28 / order, 400).astype(dtype)
    exact = Truth((formula,), ("a",)).values(x[:, None].astype(np.float64))[:, 0]
    far = ulps(run(f, x), exact)
    assert far.max() <= 8
    assert far.mean() < 1.5


@pytest.fixture(scope="module")
def spilling() -> Any:
    """A module of which one partial may overflow where the other does not."""
    return verify.load(vjpgen.generate("exp(x)*y", name="f").module, "f")


@pytest.mark.parametrize("partial", [2.5, -np.inf, np.inf, np.nan])
def test_an_argument_that_does_not_move_does_not_count(spilling: Any, partial: float) -> None:
    """0 * inf is NaN: it would spoil the derivative along the other argument."""
    zero, one, at = jnp.float32([0]), jnp.float32([1]), jnp.float32([partial])

    @jax.jit
    def pushed(at: Any, x_dot: Any, y_dot: Any) -> Any:
        return spilling._guarded_tangent(at, (at, x_dot), (3 * one, y_dot))

    np.testing.assert_array_equal(pushed(at, zero, one), [3])
    np.testing.assert_array_equal(pushed(at, one, zero), [partial])
    np.testing.assert_array_equal(pushed(at, -2 * one, one), [3 - 2 * partial])
    pulled = jax.jit(lambda at: jax.linear_transpose(lambda *dots: pushed(at, *dots), zero, zero)(one))(at)
    np.testing.assert_array_equal(pulled, [[partial], [3]])


def test_what_is_not_differentiated_has_no_tangent(spilling: Any) -> None:
    still = np.zeros(1, jax.dtypes.float0)
    value = jnp.float32([3.0])
    found = spilling._guarded_tangent(value, (value, still), (value, value))
    np.testing.assert_array_equal(found, [9])


def test_forward_mode_is_right_where_another_partial_overflows(spilling: Any) -> None:
    at = jnp.float32(88.5), jnp.float32(100)
    over, along_y = jax.jit(jax.jacfwd(spilling.f_jvp, (0, 1)))(*at)
    assert np.isinf(over)
    assert along_y == jax.grad(spilling.f, 1)(*at) < np.inf
    assert "_guarded_tangent(" not in vjpgen.generate("a*x + sin(b)").module
