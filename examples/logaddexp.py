"""log(exp(a) + exp(b)): two arguments, far from zero, broadcast against each other."""

from __future__ import annotations

import jax
import jax.numpy as jnp

import vjpgen

logaddexp = vjpgen.function("log(exp(a) + exp(b))", name="logaddexp", args=["a", "b"])


def naive(a: jax.Array, b: jax.Array) -> jax.Array:
    return jnp.log(jnp.exp(a) + jnp.exp(b))


def show(title: str, f: object, a: float, b: float) -> None:
    assert callable(f)
    value, (da, db) = jax.value_and_grad(f, argnums=(0, 1))(a, b)
    print(f"{title:>10}{a:10g}{b:10g}{value:14.7g}{da:14.7g}{db:14.7g}")


def main() -> None:
    print(f"{'':>10}{'a':>10}{'b':>10}{'value':>14}{'d/da':>14}{'d/db':>14}")
    for a, b in [(0.0, 1.0), (1000.0, 1000.5), (-1000.0, -1001.0), (-5.0, 60.0)]:
        show("naive", naive, a, b)
        show("generated", logaddexp, a, b)

    column, row = jnp.array([[0.0], [500.0]]), jnp.array([-1.0, 0.0, 1.0])
    total = jax.jit(lambda a, b: logaddexp(a, b).sum())
    da, db = jax.grad(total, argnums=(0, 1))(column, row)
    print(f"\nBroadcasting {column.shape} against {row.shape}: gradients of shape {da.shape} and {db.shape}")
    print("d/da", [f"{x:.6g}" for x in da.ravel().tolist()])
    print("d/db", [f"{x:.6g}" for x in db.ravel().tolist()])


if __name__ == "__main__":
    main()
