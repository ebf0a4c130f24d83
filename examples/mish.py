"""Mish, x*tanh(log(1 + exp(x))): a module written to a file, and both kinds of rule from it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp

import vjpgen


def naive(x: jax.Array) -> jax.Array:
    return x * jnp.tanh(jnp.log(1 + jnp.exp(x)))


def main() -> None:
    generated = vjpgen.generate("x*tanh(log(1 + exp(x)))", name="mish")
    with tempfile.TemporaryDirectory() as folder:
        generated.write(Path(folder) / "mish.py")
        print("written:", *sorted(path.name for path in Path(folder).iterdir()))
        sys.path.insert(0, folder)
        from mish import mish, mish_jvp  # type: ignore[import-not-found]

        sys.path.remove(folder)

    inputs = jnp.array([-80.0, -20.0, -1.0, 0.0, 1.0, 20.0, 100.0])
    reverse = jax.vmap(jax.grad(mish))(inputs)
    forward = jax.vmap(lambda x: jax.jvp(mish_jvp, (x,), (1.0,))[1])(inputs)
    print(f"\n{'x':>8}{'naive':>16}{'custom_vjp':>16}{'custom_jvp':>16}")
    for row in zip(inputs, jax.vmap(jax.grad(naive))(inputs), reverse, forward, strict=True):
        x, *gradients = (float(value) for value in row)
        print(f"{x:8g}" + "".join(f"{g:16.7g}" for g in gradients))

    layers = jnp.linspace(-3.0, 3.0, 7)
    gradient = jax.jit(jax.grad(lambda x: jax.lax.scan(lambda y, _: (mish(y), None), x, length=4)[0].sum()))
    print("\nFour in a row, by scan:", [f"{x:.5g}" for x in gradient(layers).tolist()])


if __name__ == "__main__":
    main()
