"""A spiking neuron learns when to fire: the gradient of a spike is zero, a surrogate trains it."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

import vjpgen

SEEDS, STEPS, TIME, INPUTS = 5, 200, 40, 30
Spike = Callable[[jax.Array], jax.Array]
surrogate = vjpgen.function("Heaviside(x)", name="spike", surrogate={"x": "fast-sigmoid(x, 5)"})


def plain(x: jax.Array) -> jax.Array:
    return jnp.heaviside(x, 0.5)


def trace(spikes: jax.Array) -> jax.Array:
    """Spikes smoothed over time, so that a spike that comes a little late is a little wrong."""
    return jax.lax.scan(lambda u, s: (0.8 * u + s, 0.8 * u + s), jnp.zeros(()), spikes)[1]


def run(spike: Spike, weights: jax.Array, inputs: jax.Array) -> jax.Array:
    """The spikes of a leaky integrate-and-fire neuron with threshold 1 and reset by subtraction."""

    def step(u: jax.Array, current: jax.Array) -> tuple[jax.Array, jax.Array]:
        u = 0.9 * u + current
        s = spike(u - 1.0)
        return u - s, s

    return jax.lax.scan(step, jnp.zeros(()), inputs @ weights)[1]


def train(spike: Spike) -> list[float]:
    """The least loss on the way, from every seed, by Adam."""
    rngs = [np.random.default_rng(seed) for seed in range(SEEDS)]
    inputs = jnp.stack([jnp.asarray(r.random((TIME, INPUTS)) < 0.1, jnp.float32) for r in rngs])
    teacher = jnp.stack([jnp.asarray(0.3 * abs(r.normal(size=INPUTS)), jnp.float32) for r in rngs])
    start = jnp.stack([jnp.asarray(0.05 * r.normal(size=INPUTS), jnp.float32) for r in rngs])

    def loss(weights: jax.Array, inputs: jax.Array, target: jax.Array) -> jax.Array:
        return jnp.mean((trace(run(spike, weights, inputs)) - target) ** 2)

    slopes = jax.vmap(jax.value_and_grad(loss))

    def program(weights: jax.Array) -> jax.Array:
        target = jax.vmap(lambda w, i: trace(run(plain, w, i)))(teacher, inputs)

        def step(state: tuple[jax.Array, ...], k: jax.Array) -> tuple[tuple[jax.Array, ...], jax.Array]:
            weights, mean, square = state
            value, gradient = slopes(weights, inputs, target)
            mean, square = 0.9 * mean + 0.1 * gradient, 0.99 * square + 0.01 * gradient**2
            rate = 0.02 * (1 - k / STEPS) * jnp.sqrt(1 - 0.99 ** (k + 1)) / (1 - 0.9 ** (k + 1))
            return (weights - rate * mean / (jnp.sqrt(square) + 1e-8), mean, square), value

        state = (weights, jnp.zeros_like(weights), jnp.zeros_like(weights))
        return jax.lax.scan(step, state, jnp.arange(STEPS + 1.0))[1].min(0)

    found: list[float] = jax.jit(program)(start).tolist()
    return found


def main() -> None:
    print(f"{'seed':>4}{'JAX gradient':>15}{'surrogate':>15}")
    zero, meant = train(plain), train(surrogate)
    for seed in range(SEEDS):
        under = max(1, math.ceil(20 * meant[seed])) / 20
        print(f"{seed:4}{zero[seed]:15.3f}{f'under {under:.2f}':>15}")
    tenth = all(m <= z / 10 for z, m in zip(zero, meant, strict=True))
    print(f"surrogate: at most a tenth of the loss, from every seed: {tenth}")


if __name__ == "__main__":
    main()
