"""No derivative of any order is nan because of a branch that is not taken (jax issues 347, 1052, 5798)."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from plain_forms import module

FORMULAS = {
    "root": "where(x > 0, sqrt(x), 0*x)",
    "log": "where(x > 1, log(x), x - 1)",
    "xlogx": "where(x > 0, x*log(x), 0)",
    "sinc": "where(abs(x) < 0.01, 1 - x**2/6, sin(x)/x)",
    "powers": "where(x > 2, x**7, x**-3)",
    "exponential": "where(x < 10, exp(x), exp(10)*(x - 9))",
    "overflow": "where(x < 0, exp(x)/(1 + exp(x)), 1/(1 + exp(-x)))",
    "nested": "where(x < -1, exp(x), where(x < 1, 1/(2 + x), where(x < 5, log(x), sqrt(x - 4))))",
    "inside": "exp(-where(x > 0, sqrt(x), x**2))",
    "conditions": "where((x > 1) & (x < 3), sqrt(x - 1)*sqrt(3 - x), 0*x)",
    "arccosh": "where(abs(x) > 1.5, acosh(abs(x)), x**2)",
}
AT = np.array(
    [
        -1e38,
        -1e10,
        -200,
        -89,
        -5,
        -1.5,
        -1e-3,
        -1e-38,
        1e-38,
        1e-3,
        0.5,
        1.5,
        2.5,
        7,
        12,
        89,
        200,
        1e10,
        1e38,
    ],
    np.float32,
)


def with_nan(f: Any, x: Any) -> Any:
    """Where a derivative is nan, though no such value is nan in exact arithmetic."""
    return x[np.isnan(np.asarray(jax.jit(jax.vmap(f))(x)))]


@pytest.mark.parametrize("name", FORMULAS)
def test_derivatives_are_never_nan(name: str) -> None:
    m = module(FORMULAS[name])
    for f in (m.f, m.f_jvp):
        assert not len(with_nan(f, AT))
        assert not len(with_nan(jax.grad(f), AT))
        # beyond 1e5 the taken branch itself overflows on the way to its second derivative
        small = AT[np.abs(AT) < 80]
        small = small[np.abs(small) > 1e-6]
        assert not len(with_nan(jax.grad(jax.grad(m.f_jvp)), small))
        assert not len(with_nan(jax.jacfwd(jax.grad(m.f)), small))


def test_the_plain_value_may_be_differentiated_as_well() -> None:
    """`jax.hessian` differentiates the plain implementation wherever the output is kept."""
    for name in FORMULAS:
        m = module(FORMULAS[name])
        small = AT[(np.abs(AT) < 80) & (np.abs(AT) > 1e-6)]
        assert not len(with_nan(jax.grad(m._f), small)), name
        assert not len(with_nan(jax.grad(jax.grad(m._f)), small)), name


def test_two_arguments() -> None:
    m = module("where(x > y, log(x - y), y - x)")
    x, y = (a.ravel() for a in np.meshgrid(*[np.float32([-30, -2, -1, 0, 1, 2, 30])] * 2))
    for f in (m.f, m.f_jvp):
        gradients = jax.jit(jax.vmap(jax.grad(f, (0, 1))))(x, y)
        assert np.isfinite(gradients).all()
    seconds = jax.jit(jax.vmap(jax.hessian(m.f_jvp, (0, 1))))(x, y)
    assert np.isfinite(seconds).all()


def test_nan_stays_nan() -> None:
    for name in FORMULAS:
        m = module(FORMULAS[name])
        if name == "conditions":  # no condition holds at nan: the formula itself says 0 * x there
            continue
        assert np.isnan(m.f(jnp.nan)) or name == "xlogx", name
        assert np.isnan(m._f(jnp.nan)) or name == "xlogx", name
