"""What the gradient of a solved system costs: by the generated rules, and through the iteration unrolled.

    python benchmarks/unrolled.py [--elements 100000] [--steps 12] [--rounds 5]

The system is that of a weak acid in water (docs/implicit.md). Beside the generated module stands a Newton
iteration in jax.numpy on the logarithms of the unknowns, differentiated by JAX as it is. Both compute the sum
of the outputs and its gradient in float32. Memory is what the compiled program needs beside its inputs and
outputs, by its own analysis; of the times the least of the rounds counts.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vjpgen import generate_implicit, verify

EQUATIONS, UNKNOWNS, ARGUMENTS = "h*b = K*(c - b), h*(h - b) = 1e-14", "h,b", "c,K"
ASSUMED = ("1e-12 < c < 10", "1e-14 < K < 0.1", "h > 0 & b > 0")


def iterated(steps: int) -> Callable[[Any, Any], tuple[Any, Any]]:
    """The same system by so many steps of Newton's method on the logarithms of h and b."""

    def solve(c: Any, k: Any) -> tuple[Any, Any]:
        u = jnp.log(jnp.sqrt(k * c + 1e-14))
        v = jnp.log(k * c / (jnp.exp(u) + k))
        for _ in range(steps):
            h, b = jnp.exp(u), jnp.exp(v)
            first, second = h * b - k * (c - b), h * (h - b) - 1e-14
            rows = (h * b, h * b + k * b), (2 * h * h - h * b, -h * b)
            whole = rows[0][0] * rows[1][1] - rows[0][1] * rows[1][0]
            u = u - (first * rows[1][1] - rows[0][1] * second) / whole
            v = v - (rows[0][0] * second - first * rows[1][0]) / whole
        return jnp.exp(u), jnp.exp(v)

    return solve


def cost(function: Callable[..., Any], at: tuple[Any, ...], rounds: int) -> tuple[float, float]:
    """Seconds and temporary bytes of the sum of the outputs and its gradient."""
    program = jax.jit(jax.value_and_grad(lambda *at: sum(x.sum() for x in function(*at)), (0, 1)))
    compiled = program.lower(*at).compile()
    jax.block_until_ready(compiled(*at))
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        jax.block_until_ready(compiled(*at))
        times.append(time.perf_counter() - start)
    return min(times), compiled.memory_analysis().temp_size_in_bytes


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--elements", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    ends = (-11.0, 0.9), (-13.0, -1.1)
    at = tuple(jnp.asarray(10.0 ** rng.uniform(*e, given.elements), jnp.float32) for e in ends)
    made = generate_implicit(EQUATIONS, solve=UNKNOWNS, args=ARGUMENTS, assume=ASSUMED, name="acid")
    acid = verify.load(made.module, "acid").acid
    exact = made_exact(acid, at)
    print(f"{'':12} {'ms':>8} {'MiB':>8} {'median error':>14} {'not finite':>11}")
    for name, function in (("generated", acid), ("unrolled", iterated(given.steps))):
        seconds, held = cost(function, at, given.rounds)
        off, lost = error(function, at, exact)
        print(f"{name:12} {1e3 * seconds:8.1f} {held / 2**20:8.1f} {off:14.1e} {lost:11d}")
    return 0


def gradient(function: Callable[..., Any], at: tuple[Any, ...]) -> np.ndarray:
    """The partials of the sum of the outputs."""
    return np.stack(jax.jit(jax.grad(lambda *at: sum(x.sum() for x in function(*at)), (0, 1)))(*at))


def made_exact(function: Callable[..., Any], at: tuple[Any, ...]) -> np.ndarray:
    """The gradient in float64, by the generated module."""
    with verify.double_precision(True):
        return gradient(function, tuple(jnp.asarray(np.asarray(x), jnp.float64) for x in at))


def error(function: Callable[..., Any], at: tuple[Any, ...], exact: np.ndarray) -> tuple[float, int]:
    """The median relative error of the gradient, and how many of its numbers are not finite."""
    got = gradient(function, at).astype(np.float64)
    finite = np.isfinite(got)
    return float(np.median(np.abs(got / exact - 1)[finite])), int((~finite).sum())


if __name__ == "__main__":
    sys.exit(main())
