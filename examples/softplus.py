"""Softplus, log(1 + exp(x)): JAX's derivative of the plain formula, and the generated rule."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

import vjpgen

softplus = vjpgen.function("log(1 + exp(x))", name="softplus")


def naive(x: jax.Array) -> jax.Array:
    return jnp.log(1 + jnp.exp(x))


def main() -> None:
    inputs = jnp.array([-10.0, 0.0, 10.0, 80.0, 100.0])
    exact = [1 / (1 + math.exp(-x)) for x in inputs.tolist()]
    naive_gradient, custom_gradient = (jax.vmap(jax.grad(f)) for f in (naive, softplus))
    columns = {
        "input": inputs,
        "naive gradient": naive_gradient(inputs),
        "custom gradient": custom_gradient(inputs),
        "naive, jitted": jax.jit(naive_gradient)(inputs),
        "custom, jitted": jax.jit(custom_gradient)(inputs),
        "exact": exact,
    }
    print("".join(f"{title:>16}" for title in columns))
    for row in zip(*columns.values(), strict=True):
        print("".join(f"{float(x):16.7g}" for x in row))

    print("\nThe value, where the plain formula loses digits and where it overflows:")
    for x in (-20.0, -10.0, 100.0):
        print(
            f"  softplus({x:g}): naive {naive(jnp.float32(x)):.7g}, generated {softplus(jnp.float32(x)):.7g}"
        )

    curvature = jax.grad(jax.grad(softplus))(2.0)
    print(f"\nSecond derivative at 2: {curvature:.6g}")


if __name__ == "__main__":
    main()
