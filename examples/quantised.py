"""A network with quantised weights: the gradient of round is zero, the straight-through one trains it."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

import vjpgen

SEEDS, STEPS, LEVEL = 5, 200, 1 / 8
Parameters = list[tuple[jax.Array, jax.Array]]
Round = Callable[[jax.Array], jax.Array]
straight_through = vjpgen.function("round(x)", name="straight_through", surrogate={"x": "straight-through"})


def initial(widths: tuple[int, ...]) -> Parameters:
    """Weights from every seed, one after the other along the first axis."""
    rngs = [np.random.default_rng(seed) for seed in range(SEEDS)]
    return [
        (
            jnp.stack([jnp.asarray(r.normal(size=(n, m)) / n**0.5, jnp.float32) for r in rngs]),
            jnp.zeros((SEEDS, m)),
        )
        for n, m in pairwise(widths)
    ]


def loss(rounded: Round, parameters: Parameters, x: jax.Array, y: jax.Array) -> jax.Array:
    """Mean squared error of the network whose weights and offsets are multiples of LEVEL up to 1."""
    quantised = jax.tree.map(lambda p: LEVEL * jnp.clip(rounded(p / LEVEL), -8, 7), parameters)
    *hidden, (weights, offset) = quantised
    for w, b in hidden:
        x = jnp.tanh(x @ w + b)
    return jnp.mean((x @ weights + offset - y) ** 2)


def train(rounded: Round) -> list[float]:
    """The least loss on the way, from every seed, by Adam."""
    x = jnp.linspace(-2.0, 2.0, 64)[:, None]
    y = jnp.sin(2 * x)
    start = initial((1, 24, 24, 1))
    zeros = jax.tree.map(jnp.zeros_like, start)
    slopes = jax.vmap(jax.value_and_grad(lambda parameters: loss(rounded, parameters, x, y)))

    def step(state: tuple[Parameters, Parameters, Parameters], k: jax.Array) -> tuple[object, jax.Array]:
        parameters, mean, square = state
        value, gradient = slopes(parameters)
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
        square = jax.tree.map(lambda s, g: 0.99 * s + 0.01 * g * g, square, gradient)
        rate = 0.01 * (1 - k / STEPS) * jnp.sqrt(1 - 0.99 ** (k + 1)) / (1 - 0.9 ** (k + 1))
        moved = jax.tree.map(lambda p, m, s: p - rate * m / (jnp.sqrt(s) + 1e-8), parameters, mean, square)
        return (moved, mean, square), value

    losses = jax.jit(lambda state: jax.lax.scan(step, state, jnp.arange(STEPS + 1.0))[1])(
        (start, zeros, zeros)
    )
    found: list[float] = losses.min(0).tolist()
    return found


def main() -> None:
    print(f"{'seed':>4}{'JAX gradient':>15}{'straight-through':>19}")
    plain, meant = train(jnp.round), train(straight_through)
    for seed in range(SEEDS):
        under = max(1, math.ceil(20 * meant[seed])) / 20
        print(f"{seed:4}{plain[seed]:15.3f}{f'under {under:.2f}':>19}")
    tenth = all(m <= p / 10 for p, m in zip(plain, meant, strict=True))
    print(f"straight-through: at most a tenth of the loss, from every seed: {tenth}")


if __name__ == "__main__":
    main()
