"""Bessel functions of real order from SciPy, with the recurrence as derivative: their zeros by Newton."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import jv, jvp

import vjpgen

jax.config.update("jax_enable_x64", True)
bessel = vjpgen.external_function(
    "scipy.special:jv",
    name="bessel",
    args="v,x",
    grad={"x": "(jv(v-1, x) - jv(v+1, x))/2"},
    missing={"v": "difference"},
)


@jax.jit
@jax.vmap
def first_zero(order: jax.Array) -> jax.Array:
    """Where the Bessel function of this order first vanishes."""

    def newton(x: jax.Array, _: None) -> tuple[jax.Array, None]:
        value, slope = jax.value_and_grad(bessel, 1)(order, x)
        return x - value / slope, None

    start = order + 1.86 * jnp.cbrt(order) + 2.4 / (1 + order)
    return jax.lax.scan(newton, start, None, length=8)[0]


def main() -> None:
    orders = jnp.array([1 / 3, 1 / 2, 2 / 3, 1.0, np.pi / 2, 2.5])
    zeros = first_zero(orders)
    slopes = jax.vmap(jax.grad(bessel, 1))(orders, zeros)
    curvatures = jax.vmap(jax.grad(jax.grad(bessel, 1), 1))(orders, zeros)
    moves = -jax.vmap(jax.grad(bessel, 0))(orders, zeros) / slopes  # of the zero, with the order
    print(f"{'order':>8}{'first zero':>14}{'slope':>11}{'curvature':>12}{'d zero/d order':>17}")
    for row in np.stack([orders, zeros, slopes, curvatures, moves], 1):
        print("{:8.4f}{:14.9f}{:11.6f}{:12.6f}{:17.6f}".format(*row))
    order, zero = np.asarray(orders), np.asarray(zeros)
    print(f"zero to 1e-14: {bool(np.all(np.abs(jv(order, zero)) < 1e-14))}")
    print(f"slopes as SciPy's, to 1e-14: {np.allclose(slopes, jvp(order, zero), rtol=0, atol=1e-14)}")
    print(f"curvatures likewise: {np.allclose(curvatures, jvp(order, zero, 2), rtol=0, atol=1e-14)}")
    between = (first_zero(orders + 1e-4) - first_zero(orders - 1e-4)) / 2e-4
    print(f"moves as of two zeros, to 1e-7: {np.allclose(moves, between, rtol=0, atol=1e-7)}")


if __name__ == "__main__":
    main()
