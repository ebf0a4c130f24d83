"""A piecewise loss: half the Poisson deviance, where a count of zero takes another branch.

The plain formula's gradient is nan at a count of zero, although the branch that divides by it is not taken.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

import vjpgen

FORMULA = "Piecewise((y*log(y/mu) - y + mu, y > 0), (mu, True))"
deviance = vjpgen.function(FORMULA, name="deviance", args=["mu", "y"], assume=["mu > 0", "y >= 0"])


def naive(mu: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.where(y > 0, y * jnp.log(y / mu) - y + mu, mu)


def fit(loss: Callable[..., jax.Array], counts: jax.Array, steps: int = 200) -> jax.Array:
    """The rate that explains the counts best, by gradient descent on its logarithm: their mean."""
    gradient = jax.grad(lambda s: loss(jnp.exp(s), counts).mean())
    return jnp.exp(jax.jit(lambda s: jax.lax.fori_loop(0, steps, lambda _, s: s - 0.2 * gradient(s), s))(0.0))


def main() -> None:
    print(f"{'mu':>6}{'y':>6}{'loss':>14}{'naive d/dmu':>14}{'custom d/dmu':>14}")
    for mu, y in [(0.5, 0.0), (0.5, 1.0), (2.0, 2.0), (2.0, 7.0)]:
        row = (mu, y, deviance(mu, y), jax.grad(naive)(mu, y), jax.grad(deviance)(mu, y))
        print("{:6g}{:6g}{:14.6g}{:14.6g}{:14.6g}".format(*map(float, row)))

    counts = jnp.array([0.0, 3.0, 1.0, 0.0, 2.0, 6.0])
    print(f"\ncounts with a mean of {counts.mean():g}")
    print(f"fitted rate, naive:     {fit(naive, counts):.4g}")
    print(f"fitted rate, generated: {fit(deviance, counts):.4g}")


if __name__ == "__main__":
    main()
