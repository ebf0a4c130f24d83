"""One function for reverse and forward mode: what it keeps, and that it holds under JAX's transformations."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from commanded import run
from mutation.run import passes
from plain_forms import build, plain_forms
from test_higher import close, stacked, whole, with_higher
from vjpgen import check, function, generate, residuals
from vjpgen.api import external_function
from vjpgen.errors import InputError, OptionError
from vjpgen.passing import Passing
from vjpgen.pipeline import Generated

CASES: dict[str, tuple[str, Callable[..., Any], tuple[float, ...], str]] = {
    "exp": ("exp(x)", jnp.exp, (0.5,), "auto"),
    "softplus": ("log1p(exp(x))", lambda x: jnp.log1p(jnp.exp(x)), (0.75,), "input"),
    "slope": ("log1p(exp(x))", lambda x: jnp.log1p(jnp.exp(x)), (0.75,), "speed"),
    "line": ("3*x", lambda x: 3 * x, (1.5,), "auto"),
    "difference": ("sin(x - y)", lambda x, y: jnp.sin(x - y), (0.5, -0.25), "auto"),
    "product": ("x*exp(y) + y", lambda x, y: x * jnp.exp(y) + y, (0.5, -0.25), "auto"),
    "several": ("(x*sin(y), exp(x), y)", lambda x, y: (x * jnp.sin(y), jnp.exp(x), y), (0.5, 1.25), "auto"),
}


@cache
def module(name: str, both: bool = True) -> ModuleType:
    text, *_, choice = CASES[name]
    return build(residuals.plan(plain_forms(text, "f"), None, choice, both))


def held(f: Callable[..., Any], count: int) -> set[str]:
    """The arrays that reverse mode keeps, with those that are inputs or outputs told apart."""
    shaped = [jax.ShapeDtypeStruct((7,), jnp.float32)] * count
    jaxpr = jax.make_jaxpr(lambda *at: jax.vjp(f, *at))(*shaped).jaxpr
    n = len(jax.tree.leaves(jax.eval_shape(f, *shaped)))
    outputs, kept = jaxpr.outvars[:n], jaxpr.outvars[n:]
    names = {id(v): f"input {k}" for k, v in enumerate(jaxpr.invars)}
    names |= {id(v): f"output {k}" for k, v in enumerate(outputs)}
    return {names.get(id(v), f"array {k}") for k, v in enumerate(kept)}


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("exp", {"output 0"}), ("softplus", {"input 0"}), ("slope", {"array 0"}), ("line", set()),
        ("difference", {"array 0"}), ("product", {"input 0", "input 1"}),
        ("several", {"input 0", "input 1", "output 1"}),
    ],
)  # fmt: skip
def test_what_is_planned_is_kept(name: str, kept: set[str], compiled: bool) -> None:
    count = len(CASES[name][2])
    f, reverse = module(name).f, module(name, False).f
    got = held(jax.jit(f) if compiled else f, count)
    assert len(got) == len(held(reverse, count))
    assert got == kept or (name == "several" and len(got) <= 3)


@pytest.mark.parametrize("ways", ["r", "f", "rr", "fr", "rf", "ff", "rfr"])
@pytest.mark.parametrize("name", CASES)
def test_derivatives_in_every_order_of_modes(name: str, ways: str) -> None:
    _, plain, at, _ = CASES[name]
    found = jax.jit(whole(stacked(module(name).f), ways, len(at)))(*at)
    close(found, whole(stacked(plain), "f" * (len(ways) - 1) + "r", len(at))(*at), 1e-4)


def test_transformations() -> None:
    _, plain, *_ = CASES["product"]
    f, x, y = module("product").f, jnp.linspace(-1, 1, 5), jnp.linspace(0.5, 1, 5)

    def loss(f: Callable[..., Any]) -> Callable[..., Any]:
        def step(total: Any, at: Any) -> Any:
            return f(*at) + 0.5 * total, None

        return lambda x, y: jax.lax.scan(step, 0.0, (x, y))[0]

    for g, h in ((f, plain), (loss(f), loss(plain)), (jax.checkpoint(loss(f)), loss(plain))):
        close(jax.jvp(g, (x, y), (y, x)), jax.jvp(h, (x, y), (y, x)))
        close(jax.linearize(g, x, y)[1](y, x), jax.jvp(h, (x, y), (y, x))[1])
        ones = jnp.ones_like(h(x, y))
        close(jax.jit(lambda g=g, o=ones: jax.vjp(g, x, y)[1](o))(), jax.vjp(h, x, y)[1](ones))
    twice = [jax.jit(jax.grad(lambda x, y, g=g: jax.grad(loss(g))(x, y).sum(), (0, 1))) for g in (f, plain)]
    close(*(g(x, y) for g in twice))
    for axes in ((0, 0), (0, None), (None, 0)):
        at = [c if a == 0 else c[0] for c, a in zip((x, y), axes, strict=True)]
        for g in (jax.jacrev, jax.jacfwd):
            close(jax.vmap(g(f, (0, 1)), axes)(*at), jax.vmap(g(plain, (0, 1)), axes)(*at))
    wide = x[:, None]
    sums = [jax.grad(lambda x, y, g=g: (g(x, y) ** 2).sum(), (0, 1)) for g in (f, plain)]
    close(*(g(wide, y) for g in sums))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_dtypes_are_kept(dtype: str) -> None:
    x, y = jnp.ones(3, dtype), jnp.ones(3, "float32")
    f = module("product").f
    assert [g.dtype for g in jax.grad(lambda x, y: f(x, y).sum(), (0, 1))(x, y)] == [dtype, "float32"]
    for g in (jax.grad, lambda f: lambda x: jax.jvp(f, (x,), (x,))[1]):
        assert jax.vmap(g(module("exp").f))(x).dtype == dtype
    assert jax.eval_shape(lambda x: jax.vjp(module("softplus").f, x)[1](x), x)[0].dtype == dtype


def test_integers_and_a_dict() -> None:
    passing = Passing(nondiff=("n",), outputs=("u", "v"))
    forms = plain_forms("(x**3*n, exp(x))", "f", args=("n", "x"), passing=passing)
    f = build(residuals.plan(forms, both=True)).f
    for n in (3, jnp.int8(3), 3.0):
        assert jax.grad(lambda x, n=n: f(n, x)["u"])(2.0) == 36.0
        assert jax.jvp(lambda x, n=n: f(n, x)["u"], (2.0,), (1.0,))[1] == 36.0
    plain = np.zeros((), jax.dtypes.float0)
    assert jax.jvp(f, (3, 2.0), (plain, 1.0))[1]["u"] == 36.0
    g = build(residuals.plan(plain_forms("x**2", "g"), both=True)).g
    assert jax.jvp(g, (3,), (plain,))[1].dtype == jnp.float32
    assert jax.grad(g)(3.0) == 6.0


def test_with_an_order() -> None:
    _, plain, at, _ = CASES["product"]
    m = build(residuals.plan(with_higher(plain_forms("x*exp(y) + y", "f"), 2), both=True))
    for ways in ("r", "f", "rr", "fr", "rf", "ff"):
        close(whole(m.f, ways, 2)(*at), whole(plain, ways, 2)(*at))
    assert held(m.f, 2) == {"input 0", "input 1"}


def test_memory_of_a_network() -> None:
    """Unrolled and in a loop, as much as a function for reverse mode alone."""

    def loss(f: Callable[..., Any], scanned: bool) -> Callable[..., Any]:
        def layer(h: Any, w: Any) -> Any:
            return f(h @ w), None

        def total(weights: Any, h: Any) -> Any:
            if scanned:
                h, _ = jax.lax.scan(layer, h, weights)
            else:
                for k in range(6):
                    h, _ = layer(h, weights[k])
            return jnp.mean(h**2)

        return total

    def bytes_of(f: Callable[..., Any], scanned: bool) -> int:
        shapes = [jax.ShapeDtypeStruct(s, jnp.float32) for s in ((6, 64, 64), (256, 64))]
        program = jax.jit(jax.value_and_grad(loss(f, scanned))).lower(*shapes).compile()
        return int(program.memory_analysis().temp_size_in_bytes)

    for name in ("exp", "softplus"):
        for scanned in (False, True):
            assert bytes_of(module(name).f, scanned) <= 1.01 * bytes_of(module(name, False).f, scanned)


# Its files


@pytest.fixture(scope="module")
def softplus() -> Generated:
    return generate("log(1+exp(x))", name="softplus", mode="both", effort="low")


def test_what_is_said(softplus: Generated) -> None:
    assert "--mode both" in softplus.module.partition('"""')[2].partition('"""')[0]
    assert "custom_vjp" not in softplus.module
    assert softplus.report.residual_bytes == 4
    assert json.dumps(softplus.report.to_dict())


def test_its_own_tests_pass_and_kill_faults(softplus: Generated, tmp_path: Path) -> None:
    tests = tmp_path / "test_softplus.py"
    tests.write_text(softplus.tests)
    assert passes(tests, "softplus", softplus.module)
    checkpointed = "    @functools.partial(jax.checkpoint, prevent_cse=False)\n"
    for old, new in {
        "(partial_x, x_dot)": "(-partial_x, x_dot)",
        "return -jnp.expm1(-y)": "return jnp.exp(-y)",
        "softplus_jvp = softplus": "softplus_jvp = _softplus",
        # what is kept then: the partial beside the output, once the output is needed
        "    partial_x = _softplus_partials(*_widen(y.dtype, y))\n": "    partial_x = jnp.exp(x - y)\n",
    }.items():
        assert old in softplus.module, old
        assert not passes(tests, "softplus", softplus.module.replace(old, new)), old
    assert checkpointed in softplus.module


def test_from_python_and_checked_anew(tmp_path: Path) -> None:
    f = function("x**3*y", args=["x", "y"], mode="both", effort="low")
    assert jax.grad(f)(2.0, 3.0) == 36.0
    assert jax.jvp(f, (2.0, 3.0), (1.0, 0.0))[1] == 36.0
    path = tmp_path / "product.py"
    assert run("x*y", "--args", "x,y", "--mode", "both", "--effort", "low", "-o", str(path)) == 0
    assert check(path, tests=False).holds


def test_a_gradient_that_is_meant_keeps_inputs() -> None:
    found = generate("exp(x)", name="f", grad={"x": "2*exp(x)"}, mode="both", effort="low")
    assert "the input x" in found.report.residuals


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"grad_clip": {"x": (-1, 1)}}, "no forward rule"),
        ({"static": "k"}, "no argument is static"),
        ({"grad": {"x": "k"}, "residuals": "output"}, "computed from the inputs"),
        ({"mode": "jvp"}, "mode is one of vjp, both"),
    ],
)
def test_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        generate("x*k", **{"mode": "both", **options})


def test_refused_of_other_functions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--solve", "y", "y**2 = x", "--assume", "x > 0", "--assume", "y > 0"]
    assert run(*words, "--mode", "both", "-o", str(tmp_path / "f.py")) == 2
    assert "--mode does not go with --solve" in capsys.readouterr().err
    with pytest.raises(OptionError, match="does not go with a function outside JAX"):
        external_function("numpy:sin", args=["x"], grad={"x": "1"}, mode="both")
    assert not any(tmp_path.iterdir())
