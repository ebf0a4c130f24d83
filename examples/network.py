"""A small network trained with a generated activation: step by step without jit, and jitted."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp

import vjpgen

Parameters = list[tuple[jax.Array, jax.Array]]
STEPS, EVERY = 150, 10
activation = vjpgen.function("x*tanh(log(1 + exp(x)))", name="mish")


def initial(widths: tuple[int, ...]) -> Parameters:
    keys = jax.random.split(jax.random.key(0), len(widths) - 1)
    shapes = zip(keys, widths, widths[1:], strict=False)
    return [(jax.random.normal(key, (n, m)) / jnp.sqrt(n), jnp.zeros(m)) for key, n, m in shapes]


def network(parameters: Parameters, x: jax.Array) -> jax.Array:
    *hidden, (weights, offset) = parameters
    for w, b in hidden:
        x = activation(x @ w + b)
    return x @ weights + offset


def loss(parameters: Parameters, x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.mean((network(parameters, x) - y) ** 2)


def step(parameters: Parameters, x: jax.Array, y: jax.Array) -> tuple[Parameters, jax.Array]:
    value, gradient = jax.value_and_grad(loss)(parameters, x, y)
    return jax.tree.map(lambda p, g: p - 0.05 * g, parameters, gradient), value


def train(one_step: Callable[..., tuple[Parameters, jax.Array]]) -> list[float]:
    """The loss before each of the steps."""
    x = jnp.linspace(-2.0, 2.0, 64)[:, None]
    y = jnp.sin(3 * x) + 0.5 * x
    parameters, losses = initial((1, 32, 32, 1)), []
    for _ in range(STEPS + 1):
        parameters, value = one_step(parameters, x, y)
        losses.append(float(value))
    return losses


def timed(title: str, one_step: Callable[..., tuple[Parameters, jax.Array]]) -> list[float]:
    start = time.perf_counter()
    losses = train(one_step)
    print(f"{title}: {time.perf_counter() - start:.2f} s", file=sys.stderr)
    return losses


def main() -> None:
    eager, jitted = timed("eager", step), timed("jitted", jax.jit(step))
    print(f"{'step':>5}{'eager':>9}{'jitted':>9}")
    for i in range(0, STEPS + 1, EVERY):
        bar = "#" * round(40 * jitted[i] / jitted[0])
        print(f"{i:5}{eager[i]:9.4f}{jitted[i]:9.4f}  {bar}")
    apart = max(abs(a - b) / b for a, b in zip(eager, jitted, strict=True))
    print(f"eager and jitted losses within 1 %: {apart < 0.01}")


if __name__ == "__main__":
    main()
