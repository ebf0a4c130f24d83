"""Lambert's function from SciPy, which JAX does not have: a module with its tests, generated and used."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from tempfile import TemporaryDirectory

import jax
import jax.numpy as jnp

import vjpgen


def main() -> None:
    generated = vjpgen.generate_external(
        "scipy.special:lambertw", args="x", grad={"x": "exp(-y)/(1 + y)"}, assume="x > -0.36"
    )
    print("\n".join(generated.module.splitlines()[:7]))
    with TemporaryDirectory() as folder:
        module, tests = generated.write(Path(folder) / "lambertw.py")
        spec = importlib.util.spec_from_file_location("lambertw", module)
        assert spec is not None
        assert spec.loader is not None
        found = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
        print("tests:", tests.read_text().count("\ndef test_"))
    w = found.lambertw
    x = jnp.array([-0.35, -0.1, 0.0, 1.0, 100.0, 1e30])
    print("x        ", x)
    print("value    ", w(x))
    print("gradient ", jax.vmap(jax.grad(w))(x))
    print("second   ", jax.vmap(jax.jit(jax.hessian(w)))(x))
    exact = jax.vmap(lambda y: jnp.exp(-y) / (1 + y))(w(x))
    print("as dx/dy inverted:", bool(jnp.allclose(jax.vmap(jax.grad(w))(x), exact, rtol=1e-6, atol=0)))


if __name__ == "__main__":
    main()
