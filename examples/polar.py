"""Polar coordinates: a function with two outputs, and its Jacobian."""

from __future__ import annotations

import jax
import jax.numpy as jnp

import vjpgen

polar = vjpgen.function("(sqrt(x^2 + y^2), atan2(y, x))", name="polar", args=["x", "y"])


def naive(x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    return jnp.sqrt(x**2 + y**2), jnp.arctan2(y, x)


def main() -> None:
    points = [(3.0, 4.0), (-1.0, 1e-12), (3e-25, 4e-25), (3e25, 4e25)]
    print(
        f"{'x':>8}{'y':>8}{'':>11}{'r':>12}{'angle':>12}{'dr/dx':>12}{'dr/dy':>12}{'da/dx':>14}{'da/dy':>14}"
    )
    for x, y in points:
        for title, f in (("naive", naive), ("generated", polar)):
            r, angle = f(jnp.float32(x), jnp.float32(y))
            (rx, ry), (ax, ay) = jax.jit(jax.jacrev(f, argnums=(0, 1)))(x, y)
            print(f"{x:8g}{y:8g}{title:>11}{r:12.6g}{angle:12.6g}{rx:12.6g}{ry:12.6g}{ax:14.6g}{ay:14.6g}")


if __name__ == "__main__":
    main()
