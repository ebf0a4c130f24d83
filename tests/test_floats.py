"""Ulps, ordinals and the NumPy evaluator."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import erf

from vjpgen.evaluation import evaluate
from vjpgen.expr import APART, call, num, var
from vjpgen.floats import NUMPY, apply, error_bits, huge, ordinals, representable, tiny, ulps
from vjpgen.ops import OPS
from vjpgen.parse import parse
from vjpgen.truth import Truth

x = var("x")
F = np.float32


def test_every_operation_has_a_numpy_column() -> None:
    assert sorted((*NUMPY, *APART)) == sorted(OPS)  # these have formulas of their own


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.arity > 0], ids=lambda op: op.name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_operation_computes_in_its_dtype(op: object, dtype: type) -> None:
    a = np.array([True, False]) if op.takes == "bool" else np.array([1.0, 2.0], dtype)
    operands = [a] * op.arity
    if op.takes == "where":
        operands = [a > 1, a, a]
    got = apply(op.name, operands, dtype)
    assert got.shape == (2,)
    assert got.dtype == (bool if op.gives == "bool" else dtype)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_ordinals_are_adjacent(dtype: type) -> None:
    one, zero = dtype(1), dtype(0)
    up = np.nextafter(one, dtype(2))
    least = np.nextafter(zero, one)
    got = ordinals(np.array([one, up, zero, -zero, least, -least], dtype))
    assert got[1] - got[0] == 1
    assert list(got[2:]) == [0, 0, 1, -1]


def test_ulps() -> None:
    truth = np.array([1.0, 1.0, 1.0 + 2**-24, -1.0, 1.0, 1.0, 1e39])
    got = np.array([1.0, 1.0 + 2**-23, 1.0, -1.0 - 2**-22, np.nan, np.inf, 3.4028235e38], F)
    assert ulps(got, truth).tolist() == [0, 1, 0, 2, 2.0**32, 2.0**32, 1]


def test_bits_of_error() -> None:
    assert error_bits(np.array([0.0, 1.0, 3.0])).tolist() == [0, 1, 2]


def test_representable() -> None:
    values = np.array([0.0, 1.0, 1e-38, 2e-38, 3.4e38, 3.5e38, np.inf, np.nan, -1e-40])
    assert representable(values, F).tolist() == [True, True, False, True, True, False, False, False, False]
    assert representable(values, np.float64).tolist() == [True] * 6 + [False, False, True]
    assert (tiny(F), huge(F)) == (2.0**-126, float(np.finfo(F).max))


def test_every_step_rounds() -> None:
    (e,) = parse("(x + 1) - x").outputs
    env = {"x": np.array([1e8], F)}
    assert evaluate(e, env).tolist() == [0.0]
    assert evaluate(e, {"x": np.array([1e8])}, np.float64).tolist() == [1.0]


def test_subnormal_results_are_flushed() -> None:
    assert evaluate(x * x, {"x": np.array([1e-20, -1e-20], F)}).tolist() == [0.0, 0.0]


def test_overflow_is_infinite_and_silent() -> None:
    assert evaluate(call("exp", x), {"x": np.array([200.0], F)}).tolist() == [np.inf]
    assert evaluate(x * num(10**400), {"x": np.array([1.0], F)}).tolist() == [np.inf]
    assert evaluate(x * num(-(10**400)), {"x": np.array([1.0], F)}).tolist() == [-np.inf]


def test_errors_of_xla_are_the_same_every_time() -> None:
    env = {"x": np.linspace(-3, 3, 50).astype(F)}
    once, again = (evaluate(call("sinh", x), env) for _ in range(2))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, np.sinh(env["x"].astype(float)).astype(F))


@pytest.mark.parametrize("op", ["exp", "logistic", "log1p"])
def test_a_single_number_stays_one(op: str) -> None:
    assert apply(op, [np.asarray(0.5)], np.float64).shape == ()


def test_bool_and_choice() -> None:
    (e,) = parse("where(x > 0 and not (x > 2), x, -1)").outputs
    assert evaluate(e, {"x": np.array([-1, 1, 3], F)}).tolist() == [-1, 1, -1]


def test_poly_is_horner() -> None:
    e = call("poly", x, num(1), num(2), num(3))
    assert evaluate(e, {"x": np.array([2.0], F)}).tolist() == [17.0]


def test_diff_of_products_is_exact_unless_products_leave_the_range() -> None:
    e = call("diff_of_products", *map(var, "abcd"))
    columns = np.array(
        [[1 + 2**-12, 1 - 2**-12, 1, 1], [1e30, 1e30, 1e30, 1e30], [1e-25, 1, 1e-25, 0.5]], F
    ).T
    got = evaluate(e, dict(zip("abcd", columns, strict=True)))
    assert got[0] == F(-(2.0**-24))
    assert np.isnan(got[1])
    assert abs(got[2] - 5e-26) < 1e-31


@pytest.mark.parametrize("at", [-90.0, -1.0, 0.0, 1.0, 90.0])
def test_logistic_keeps_its_tail(at: float) -> None:
    got = evaluate(call("logistic", x), {"x": np.array([at])}, np.float64)
    assert got[0] == pytest.approx(1 / (1 + np.exp(-at)), rel=1e-15)


@pytest.mark.parametrize(
    "op", ["ierfcx", "stirling", "digamma_excess", "log_ratio", "lgamma1p", "kl_div", "sinpi", "cospi"]
)
def test_columns_of_our_own_are_exact_in_float64(op: str) -> None:
    names = ("a", "b")[: OPS[op].arity]
    draw = np.random.default_rng(6)
    low = -0.9 if op == "lgamma1p" else 1e-6
    wide = np.concatenate([draw.uniform(low, 3, (200, 2)), 10 ** draw.uniform(-6, 8, (200, 2))])
    at = wide[:, : len(names)]
    e = call(op, *map(var, names))
    exact = Truth((e,), names).values(at)[:, 0]
    env = {n: at[:, k].copy() for k, n in enumerate(names)}
    np.testing.assert_allclose(evaluate(e, env, np.float64), exact, rtol=3e-12)


def test_ulps_of_float64_are_counted_one_by_one() -> None:
    truth = np.array([1.0, -3e300, 5e-300])
    got = truth + 3 * np.spacing(truth)
    np.testing.assert_array_equal(ulps(got, truth), [3, 3, 3])


@pytest.mark.parametrize("op", ["tanh", "erf", "logistic"])
def test_what_is_saturated_is_exact(op: str) -> None:
    x = np.linspace(18.0, 80.0, 999, dtype=np.float32)
    assert (apply(op, [x], np.float32) == 1).all()
    compiled_by_jax = jax.jit({"tanh": jnp.tanh, "erf": erf, "logistic": jax.nn.sigmoid}[op])
    assert (np.asarray(compiled_by_jax(x)) == 1).all()
