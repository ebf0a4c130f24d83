"""An integral without a closed form in the language, fitted through its generated gradient."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from tempfile import TemporaryDirectory

import jax
import jax.numpy as jnp

import vjpgen


def main() -> None:
    generated = vjpgen.generate_integral(
        "exp(-t*x)/(1+t)", "t=0..oo", name="stieltjes", assume="1e-6 < x < 1e6"
    )
    print("computed by", generated.how)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "stieltjes.py"
        path.write_text(generated.module)
        spec = importlib.util.spec_from_file_location("stieltjes", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    f = module.stieltjes
    x = jnp.array([1e-5, 0.01, 1.0, 100.0, 1e5])
    print("value    ", f(x))
    print("gradient ", jax.vmap(jax.grad(f))(x))
    print("second   ", jax.vmap(jax.grad(jax.grad(f)))(x))
    by_parts = f(x) - 1 / x  # x -> exp(x)*E1(x) solves y' = y - 1/x
    print("as its equation says:", bool(jnp.allclose(jax.vmap(jax.grad(f))(x), by_parts, rtol=1e-2)))

    def step(scale: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        """One step of Newton's method for f(scale) = 0.25."""
        value, slope = jax.value_and_grad(f)(scale)
        return scale - (value - 0.25) / slope, value

    found, _ = jax.lax.scan(step, jnp.float32(1.0), None, length=8)
    print(f"f({found:.5f}) = {f(found):.5f}")


if __name__ == "__main__":
    main()
