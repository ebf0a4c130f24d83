"""Derivatives of derivatives: what is exact, what is generated, what JAX's transformations make of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plain_forms import build, plain_forms
from vjpgen import higher_search, higher_truth, pieces, residuals
from vjpgen.expr import Expr, num
from vjpgen.floats import error_bits, ulps
from vjpgen.forms import Forms, Higher, higher_partials
from vjpgen.parse import parse
from vjpgen.passing import Passing
from vjpgen.points import sample
from vjpgen.search import search

CASES: dict[str, tuple[str, Callable[..., Any], tuple[float, ...]]] = {
    "softplus": ("log(1+exp(x))", lambda x: jnp.log(1 + jnp.exp(x)), (0.75,)),
    "cube": ("x**3 - 2*x", lambda x: x**3 - 2 * x, (1.5,)),
    "line": ("3*x", lambda x: 3 * x, (1.5,)),
    "piecewise": ("where(x > 0, x**3, sin(x))", lambda x: jnp.where(x > 0, x**3, jnp.sin(x)), (-0.5,)),
    "product": ("x*exp(y) + y", lambda x, y: x * jnp.exp(y) + y, (0.5, -0.25)),
    "separate": ("sin(x) + y**3", lambda x, y: jnp.sin(x) + y**3, (0.5, -0.25)),
    "three": ("exp(-x*y)*z", lambda x, y, z: jnp.exp(-x * y) * z, (0.5, -0.25, 2.0)),
    "several": ("(x*sin(y), y**2, x)", lambda x, y: (x * jnp.sin(y), y**2, x), (0.5, 1.25)),
}
Tower = Callable[..., Any]


def with_higher(forms: Forms, order: int) -> Forms:
    """The forms with plain ones of the higher partials."""
    spec, tree = forms.spec, pieces.tree(forms.spec.outputs)

    def form(i: int, places: tuple[int, ...]) -> Expr:
        names = [spec.args[k] for k in places]
        plain = higher_search.plain_partial
        return pieces.combine(tree, lambda leaf: plain(leaf.outputs[i], names), average_ties=True)

    found = tuple((p, form(*p)) for p in higher_partials(spec, order))
    return replace(forms, higher=Higher(order, found))


@cache
def module(name: str, order: int) -> ModuleType:
    return build(residuals.plan(with_higher(plain_forms(CASES[name][0], "f"), order)))


def stacked(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *at: jnp.stack(out) if isinstance(out := f(*at), tuple) else out


def whole(f: Callable[..., Any], ways: str, count: int) -> Callable[..., Any]:
    """All derivatives of one order: "r" reverse mode, "f" forward mode, the last letter first."""
    for way in reversed(ways):
        f = (jax.jacrev if way == "r" else jax.jacfwd)(f, tuple(range(count)))
    return f


def close(got: Any, wanted: Any, tolerance: float = 2e-5) -> None:
    one, other = jax.tree.leaves(got), jax.tree.leaves(wanted)
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert jnp.shape(a) == jnp.shape(b)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


# What is exact


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(-5, 5), min_size=6, max_size=6),
    st.floats(-4, 4, width=32),
    st.floats(-4, 4, width=32),
)
def test_exact_partials_of_polynomials(c: list[int], u: float, v: float) -> None:
    text = f"{c[0]}*x**4 + {c[1]}*x**3*y + {c[2]}*x**2*y**2 + {c[3]}*x*y**3 + {c[4]}*y**4 + {c[5]}*x*y"
    spec = parse(text.replace("+ -", "- "), name="f", args=("x", "y"))
    wanted = [(0, (0, 0)), (0, (0, 1)), (0, (1, 1)), (0, (0, 0, 1)), (0, (1, 1, 1))]
    got = higher_truth.exact(spec, np.array([[u, v]]), wanted)[0]
    exact = [
        12 * c[0] * u**2 + 6 * c[1] * u * v + 2 * c[2] * v**2,
        3 * c[1] * u**2 + 4 * c[2] * u * v + 3 * c[3] * v**2 + c[5],
        2 * c[2] * u**2 + 6 * c[3] * u * v + 12 * c[4] * v**2,
        6 * c[1] * u + 4 * c[2] * v,
        6 * c[3] * u + 24 * c[4] * v,
    ]
    np.testing.assert_allclose(got, exact, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("x", [1e-30, -3.0, 0.0, 40.0, 80.0])
def test_exact_partials_far_out(x: float) -> None:
    spec = parse("log(1+exp(x))", name="f")
    got = higher_truth.exact(spec, np.array([[x]]), [(0, (0, 0)), (0, (0, 0, 0))])[0]
    s, t = 1 / (1 + math.exp(-x)), math.exp(-x) / (1 + math.exp(-x))
    np.testing.assert_allclose(got[0], s * t, rtol=1e-14)
    np.testing.assert_allclose(got[1], s * t * (t - s), rtol=1e-12, atol=1e-30)


def test_there_is_no_exact_partial_at_a_kink() -> None:
    for text in ("abs(x)*x", "max(x, 0)**2", "abs(x)", "sqrt(x)"):
        assert math.isnan(higher_truth.exact(parse(text, name="f"), np.zeros((1, 1)), [(0, (0, 0))])[0, 0])


def test_condition_number() -> None:
    spec = parse("x**5", name="f")
    assert higher_truth.condition(spec, (2.0,), (0, (0, 0))) == pytest.approx(3)


def test_partials_are_there_once() -> None:
    spec = parse("(x*y, x)", name="f")
    assert higher_partials(spec, 2) == tuple((i, p) for i in (0, 1) for p in ((0, 0), (0, 1), (1, 1)))
    assert len(higher_partials(parse("x*y*z", name="f"), 3)) == 6 + 10
    assert spec.higher_label(1, (0, 0, 1)) == "d3out_1/dx2 dy"


# What the search finds


@pytest.mark.parametrize("text", ["log(1+exp(x))", "1/(1+exp(-x))", "x*log(1+y)"])
def test_found_forms_are_accurate(text: str) -> None:
    forms = search(parse(text, name="f", assume=("y > 0",) if "y" in text else ()))
    found = replace(forms, higher=higher_search.higher(forms, 2))
    assert found.higher is not None
    at = sample(forms.spec, 400, 99).at
    truth = higher_truth.exact(forms.spec, at, found.higher.wanted)
    f = build(residuals.plan(found)).f
    count, columns = at.shape[1], [jnp.asarray(c) for c in at.T]
    second = jax.jit(jax.vmap(whole(f, "rr", count)))(*columns)
    for q, (_, (j, k)) in enumerate(found.higher.wanted):
        counted = (
            np.isfinite(truth[:, q]) & (np.abs(truth[:, q]) > 2.0**-126) & (np.abs(truth[:, q]) < 2.0**127)
        )
        got = np.asarray(second[j][k])[counted]
        if counted.any():
            assert error_bits(ulps(got, truth[counted, q])).mean() < 0.7


def test_pieces_are_searched_apart() -> None:
    forms = search(parse("where(x > 1, x**3, exp(x))", name="f"), effort="low")
    ((_, form),) = higher_search.higher(forms, 2, effort="low").found
    assert form.op == "where"


# What is generated


@pytest.mark.parametrize("ways", ["rr", "fr", "rf", "ff"])
@pytest.mark.parametrize("name", CASES)
def test_second_derivatives_in_every_order_of_modes(name: str, ways: str) -> None:
    _, plain, at = CASES[name]
    m = module(name, 2)
    f = stacked(m.f if ways[-1] == "r" else m.f_jvp)
    found = jax.jit(whole(f, ways, len(at)))(*at)
    close(found, whole(stacked(plain), "fr", len(at))(*at))


@pytest.mark.parametrize("ways", ["rrr", "ffr", "rfr", "fff", "rff"])
@pytest.mark.parametrize("name", ["softplus", "product", "separate", "several"])
def test_third_derivatives(name: str, ways: str) -> None:
    _, plain, at = CASES[name]
    m = module(name, 3)
    f = stacked(m.f if ways[-1] == "r" else m.f_jvp)
    close(jax.jit(whole(f, ways, len(at)))(*at), whole(stacked(plain), "ffr", len(at))(*at), 1e-4)


def test_the_next_order_is_autodiff_of_the_last() -> None:
    _, plain, at = CASES["softplus"]
    close(whole(module("softplus", 2).f, "fffr", 1)(*at), whole(plain, "fffr", 1)(*at), 1e-4)


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient_are_as_without(name: str) -> None:
    _, plain, at = CASES[name]
    for order in (2, 3) if name != "three" else (2,):
        m = module(name, order)
        close(m.f(*at), plain(*at))
        close(whole(stacked(m.f), "r", len(at))(*at), whole(stacked(plain), "r", len(at))(*at))
        close(jax.jvp(m.f_jvp, at, at), jax.jvp(plain, at, at))


@pytest.mark.parametrize("order", [2, 3])
def test_what_jax_differentiates_is_the_generated_form(order: int) -> None:
    """Changed forms show in every second derivative, so that nothing else is differentiated."""
    forms = with_higher(plain_forms("x**3*y", "f"), order)
    assert forms.higher is not None
    marked = tuple((p, num(7) * e if len(p[1]) == order else e) for p, e in forms.higher.found)
    m = build(residuals.plan(replace(forms, higher=Higher(order, marked))))
    ways = {2: ("rr", "fr", "rf", "ff"), 3: ("rrr", "ffr", "rff", "fff")}[order]
    for way in ways:
        f = m.f if way[-1] == "r" else m.f_jvp
        plain = whole(lambda x, y: 7 * x**3 * y, "f" * order, 2)(1.5, 0.5)
        close(whole(f, way, 2)(1.5, 0.5), plain)


def test_transformations() -> None:
    _, plain, _ = CASES["product"]
    m, x, y = module("product", 2), jnp.linspace(-1, 1, 5), jnp.linspace(0.5, 1, 5)

    def gradient(f: Tower) -> Tower:
        return lambda x, y: jax.grad(lambda x, y: f(x, y).sum(), (0, 1))(x, y)

    at = ((x, y), (y, x))
    close(jax.jvp(gradient(m.f), *at), jax.jvp(gradient(plain), *at))
    close(jax.jit(jax.jvp, static_argnums=0)(gradient(m.f), *at), jax.jvp(gradient(plain), *at))
    close(jax.vjp(gradient(m.f), x, y)[1]((y, x)), jax.vjp(gradient(plain), x, y)[1]((y, x)))
    for axes in ((0, 0), (0, None), (None, 0)):
        given_at = [c if a == 0 else c[0] for c, a in zip((x, y), axes, strict=True)]
        got = jax.vmap(whole(m.f, "fr", 2), axes)(*given_at)
        close(got, jax.vmap(whole(plain, "fr", 2), axes)(*given_at))
    close(jax.linearize(gradient(m.f), x, y)[1](y, x), jax.jvp(gradient(plain), *at)[1])
    checked = jax.checkpoint(gradient(m.f))
    close(jax.vjp(checked, x, y)[1]((y, x)), jax.vjp(gradient(plain), x, y)[1]((y, x)))

    def scanned(f: Tower) -> Tower:
        def step(total: Any, at: Any) -> Any:
            return total + sum(gradient(f)(*at)), None

        return lambda x, y: jax.lax.scan(step, 0.0, (x, y))[0]

    close(jax.jit(jax.grad(scanned(m.f)))(x, y), jax.grad(scanned(plain))(x, y))


def test_broadcast_arguments() -> None:
    _, plain, _ = CASES["product"]
    m, x, y = module("product", 2), jnp.linspace(-1, 1, 3)[:, None], jnp.linspace(0.5, 1, 4)

    def loss(f: Tower) -> Tower:
        return lambda x, y: jax.grad(lambda x, y: (f(x, y) ** 2).sum(), 0)(x, y).sum()

    close(jax.grad(loss(m.f), (0, 1))(x, y), jax.grad(loss(plain), (0, 1))(x, y))
    close(jax.jacfwd(loss(m.f), (0, 1))(x, y), jax.jacfwd(loss(plain), (0, 1))(x, y))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_dtypes_are_kept(dtype: str) -> None:
    x, y = jnp.ones(3, dtype), jnp.ones(3, "float32")
    m = module("product", 2)
    for f in (m.f, m.f_jvp):
        second = jax.eval_shape(
            jax.grad(lambda x, y, f=f: jax.grad(lambda x, y: f(x, y).sum(), 1)(x, y).sum(), (0, 1)), x, y
        )
        assert [s.dtype for s in second] == [dtype, "float32"]
    half = jax.vmap(jax.grad(jax.grad(module("softplus", 2).f)))(x)
    assert half.dtype == dtype
    np.testing.assert_allclose(half.astype(float), 0.19661193, rtol=2.0**-8)


def test_the_inputs_that_partials_need_are_kept() -> None:
    kept = {
        name: residuals.plan(with_higher(plain_forms(CASES[name][0], "f"), 2)).residuals for name in CASES
    }
    assert [r.name for r in kept["softplus"]] == ["x"]
    assert [r.name for r in kept["line"]] == []
    assert [r.name for r in kept["product"]] == ["x", "y"]
    assert all(r.kind == "input" for rs in kept.values() for r in rs)


def test_names_that_are_taken() -> None:
    """An argument may be called like a function of the module."""
    forms = with_higher(plain_forms("f_dx*x**3", "f", args=("x", "f_dx")), 2)
    m = build(residuals.plan(forms))
    close(jax.hessian(m.f_jvp, (0, 1))(2.0, 3.0), ((36.0, 12.0), (12.0, 0.0)))
    close(jax.jacfwd(jax.jacrev(m.f, (0, 1)), (0, 1))(2.0, 3.0), ((36.0, 12.0), (12.0, 0.0)))


def test_arguments_without_a_gradient_and_outputs_in_a_dict() -> None:
    passing = Passing(nondiff=("n",), outputs=("u", "v"), defaults=(("y", "2"),))
    forms = with_higher(plain_forms("(x**3*n*y, exp(x))", "f", args=("n", "x", "y"), passing=passing), 2)
    m = build(residuals.plan(forms))
    for n in (3, 3.0, jnp.int8(3)):
        second = jax.jacfwd(jax.jacrev(m.f, (1, 2)), (1, 2))(n, 0.5, 2.0)
        close(second["u"], ((18.0, 2.25), (2.25, 0.0)))
        close(jax.grad(jax.grad(lambda x, n=n: m.f_jvp(n, x)["u"]))(0.5), 18.0)


def test_two_outputs_share_no_function() -> None:
    m = module("several", 2)
    assert {n for n in vars(m) if n.startswith("f_out") and not n.endswith("_rule")} == {
        "f_out_0_dx", "f_out_0_dy", "f_out_1_dy",
    }  # fmt: skip
