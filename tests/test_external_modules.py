"""Functions outside JAX: what a wrapped function gives, and what its generated tests let through."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from mutation.run import passes
from vjpgen import generate_external, render_external, verify
from vjpgen.external import read

HERE = f"{__name__}:"
JV = {"x": "(jv(v-1,x) - jv(v+1,x))/2"}
CALLS: list[tuple[object, ...]] = []


def cube(x: np.ndarray) -> np.ndarray:
    """A function to be wrapped, which says what it gets."""
    CALLS.append((type(x), getattr(x, "dtype", None), np.shape(x)))
    return x * x * x


def root(a: float) -> float:
    """Takes single numbers, and refuses some."""
    return math.sqrt(a)


def parity(x: np.ndarray) -> object:
    return [1.0]


class Kept:
    @staticmethod
    def double(x: np.ndarray) -> np.ndarray:
        return 2 * x


def wrap(target: str, args: str, **options: object) -> ModuleType:
    """The live module."""
    given = {k: list(v.items()) if isinstance(v, dict) else v for k, v in options.items()}
    found = read(target, args=args, **given)  # type: ignore[arg-type]
    return verify.load(render_external.render_external(found, "vjpgen ..."), found.name)


# What a wrapped function gives


def test_bessel_functions_of_real_order() -> None:
    m = wrap("scipy.special:jv", "v,x", grad=JV, stop=["v"], name="bessel")
    v, x = jnp.linspace(0.25, 3.0, 5), jnp.linspace(1.0, 9.0, 5)
    np.testing.assert_allclose(m.bessel(v, x), scipy.special.jv(v, x), rtol=1e-6)
    exact = scipy.special.jvp(np.asarray(v), np.asarray(x))
    np.testing.assert_allclose(jax.vmap(jax.grad(m.bessel, 1))(v, x), exact, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(jax.vmap(jax.grad(m.bessel_jvp, 1))(v, x), exact, rtol=1e-4, atol=1e-6)
    second = scipy.special.jvp(np.asarray(v), np.asarray(x), 2)
    for outer in (jax.grad, jax.jacfwd):
        got = jax.vmap(outer(jax.grad(m.bessel, 1), 1))(v, x)
        np.testing.assert_allclose(got, second, rtol=1e-3, atol=1e-5)
    assert jax.grad(m.bessel)(0.5, 2.0) == 0


def test_real_parts_and_nan_of_complex_results() -> None:
    m = wrap("scipy.special:lambertw", "x", grad={"x": "exp(-y)/(1 + y)"})
    assert np.isnan(m.lambertw(jnp.array([1.0, -1.0]))).tolist() == [False, True]
    assert float(jax.grad(m.lambertw)(1.0)) == pytest.approx(0.36189626, rel=1e-6)
    residuals = jax.make_jaxpr(lambda x: jax.vjp(m.lambertw, x)[1])(jnp.ones(3)).jaxpr.outvars
    assert len({*map(id, residuals)}) == 1  # the output alone


@pytest.mark.parametrize(
    ("dtype", "call_dtype", "seen"),
    [("float32", "float64", "float64"), ("bfloat16", "float64", "float64"), ("float32", "same", "float32"),
     ("bfloat16", "same", "float32"), ("float32", "float32", "float32")],
)  # fmt: skip
def test_what_the_function_gets(dtype: str, call_dtype: str, seen: str) -> None:
    m = wrap(HERE + "cube", "x", grad={"x": "3*x**2"}, call_dtype=call_dtype)
    CALLS.clear()
    x = jnp.ones((2, 3), dtype)
    assert jax.vmap(m.cube)(x).dtype == dtype
    (call,) = CALLS
    assert call == (np.ndarray, np.dtype(seen), (6,))


def test_slopes_that_are_computed() -> None:
    m = wrap("numpy:power", "a,b", missing={"a": "difference", "b": "complex-step"})
    a, b = jnp.array([1e-4, 0.5, 3.0]), jnp.array([0.5, -2.0, 7.0])
    da, db = jax.vmap(jax.grad(m.power, (0, 1)))(a, b)
    np.testing.assert_allclose(da, b * a ** (b - 1), rtol=1e-5)
    np.testing.assert_allclose(db, a**b * jnp.log(a), rtol=1e-5)


def test_a_complex_step_needs_complex_results() -> None:
    m = wrap(HERE + "Kept.double", "x", missing={"x": "complex-step"})
    assert float(jax.grad(m.double)(3.0)) == 2.0
    real = wrap("numpy:abs", "x", missing={"x": "complex-step"}, name="size")
    with pytest.raises(Exception, match="complex step needs complex results: numpy:abs"):
        jax.block_until_ready(jax.grad(real.size)(1.0))


@pytest.mark.parametrize("name", ["jv", "jv_jvp"])
def test_second_derivatives_that_nobody_gave_are_nan_and_no_others(name: str) -> None:
    f = getattr(wrap("scipy.special:jv", "v,x", grad=JV, missing={"v": "difference"}), name)
    for outer in (jax.grad, jax.jacfwd):
        assert float(outer(jax.grad(f, 1), 1)(1.5, 2.5)) == pytest.approx(scipy.special.jvp(1.5, 2.5, 2))
        assert np.isnan(outer(jax.grad(f, 0), 1)(1.5, 2.5))
        assert float(outer(jax.grad(f, 1), 0)(1.5, 2.5)) == pytest.approx(0.40455496, rel=1e-5)


def test_single_numbers_and_their_errors() -> None:
    m = wrap(HERE + "root", "a", grad={"a": "1/(2*y)"}, elementwise=True)
    a = jnp.array([[1.0, 4.0], [9.0, 16.0]])
    np.testing.assert_allclose(jax.jit(m.root)(a), [[1, 2], [3, 4]])
    assert jax.vmap(m.root)(jnp.ones((0, 2))).shape == (0, 2)
    with pytest.raises(
        Exception, match=f"{HERE}root failed: ValueError: math domain error|expected a nonneg"
    ):
        jax.block_until_ready(m.root(-a))
    wrong = wrap(HERE + "parity", "x", stop=["x"])
    with pytest.raises(
        Exception, match=r"parity returned float64 of shape \(1,\), not one number for each of 2"
    ):
        jax.block_until_ready(wrong.parity(jnp.ones(2)))


def test_large_arrays_go_through() -> None:
    m = wrap(HERE + "cube", "x", grad={"x": "3*x**2"})
    assert float(jax.jit(lambda x: m.cube(x + 1).sum())(jnp.zeros((1000, 500)))) == 5e5


# The generated tests

BESSEL = ("scipy.special:jv", {"args": "v,x", "grad": JV, "missing": {"v": "difference"}, "assume": "x > 0"})
LAMBERT = ("scipy.special:lambertw", {"args": "x", "grad": {"x": "exp(-y)/(1 + y)"}, "assume": "x > -0.35"})
ROOT = (
    "solver_of_tests:solve",
    {"args": "a,b", "grad": {"a": "g(b,y)/3"}, "also": {"g": "solver_of_tests:g"}, "stop": "b",
     "elementwise": True, "assume": ["a > 1/4", "b > 0"]},
)  # fmt: skip
SOLVER = "def solve(a, b):\n    return b * a ** (1 / 3)\n\n\ndef g(b, y):\n    return b**3 / y**2\n"
CASES: dict[str, tuple[tuple[str, dict[str, object]], list[tuple[str, str]]]] = {
    "bessel": (BESSEL, [
        ("/ 2.0", "/ 2.0001"), ("v + 1.0", "v + 2.0"), ("jv_0 - jv_1", "jv_1 - jv_0"),
        ("_outside_jv, 0)", "_outside_jv, 1)"), ('"expand_dims"', '"sequential"'),
        ("jnp.ones_like(wide)", "jnp.full_like(wide, 1.01)"),
    ]),
    "lambert": (LAMBERT, [
        ("1.0 + y", "1.0001 + y"), ("np.array(x, np.float64", "np.array(x, np.float32"),
        ("partial_x * cotangent", "partial_x"), ("jnp.result_type(x, float)", "jnp.float32"),
        ("(partial_x, x_dot)", "(2.0 * partial_x, x_dot)"),
    ]),
    "root": (ROOT, [
        ("/ 3.0", "/ 3.001"), ("a_like), None)", "a_like), cotangent)"),
        (".astype(dtype)", ".astype(np.float32)"),
        ("{name} failed: ", ""), ("float32 if jnp", "bfloat16 if jnp"),
    ]),
}  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("name", CASES)
def test_generated_tests_pass_on_their_module_and_on_no_other(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (target, options), faults = CASES[name]
    (tmp_path / "solver_of_tests.py").write_text(SOLVER)
    monkeypatch.syspath_prepend(tmp_path)
    made: Callable[..., object] = generate_external
    generated = made(target, name=name, **options)
    module, tests = generated.module, tmp_path / f"test_{name}.py"  # type: ignore[attr-defined]
    tests.write_text(generated.tests)  # type: ignore[attr-defined]
    assert passes(tests, name, module)
    for right, wrong in faults:
        assert right in module, right
        survived = passes(tests, name, module.replace(right, wrong))
        assert not survived, (right, wrong)
