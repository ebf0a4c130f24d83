"""A root solver in C, called through ctypes, with the implicit function theorem as its gradient.

Kepler's equation E - e*sin(E) = M is solved for the anomaly E, and an orbit is fitted through the solver.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import jax
import jax.numpy as jnp

import vjpgen

SOLVER = """
#include <math.h>

void anomaly(const double *mean, const double *ecc, double *found, long n) {
    for (long i = 0; i < n; i++) {
        double x = mean[i] + ecc[i] * sin(mean[i]);
        for (int k = 0; k < 50; k++) {
            double step = (x - ecc[i] * sin(x) - mean[i]) / (1 - ecc[i] * cos(x));
            x -= step;
            if (fabs(step) < 1e-15) break;
        }
        found[i] = x;
    }
}
"""
WRAPPER = """
import ctypes
from pathlib import Path

import numpy as np

_ARRAY = np.ctypeslib.ndpointer(np.float64, ndim=1, flags="C")
_LIBRARY = ctypes.CDLL(str(Path(__file__).with_name("solver.so")))
_LIBRARY.anomaly.argtypes = [_ARRAY, _ARRAY, _ARRAY, ctypes.c_long]
_LIBRARY.anomaly.restype = None


def anomaly(mean, ecc):
    found = np.empty_like(mean)
    _LIBRARY.anomaly(mean, ecc, found, mean.size)
    return found
"""


def fit(folder: Path) -> None:
    (folder / "solver.c").write_text(SOLVER)
    (folder / "orbit_solver.py").write_text(WRAPPER)
    command = ["cc", "-O2", "-shared", "-fPIC", "solver.c", "-o", "solver.so", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    sys.path.insert(0, str(folder))
    anomaly = vjpgen.external_function(
        "orbit_solver:anomaly",
        args="mean,ecc",
        grad={"mean": "1/(1 - ecc*cos(y))", "ecc": "sin(y)/(1 - ecc*cos(y))"},
        assume=["0 <= ecc < 1"],
    )

    def distance(ecc: jax.Array, phase: jax.Array, time: jax.Array) -> jax.Array:
        return 1 - ecc * jnp.cos(anomaly(time + phase, ecc))

    times = jnp.linspace(0.0, 12.0, 60)
    seen = distance(jnp.float32(0.6), jnp.float32(0.4), times)

    def residuals(orbit: jax.Array) -> jax.Array:
        return jax.vmap(distance, (None, None, 0))(*orbit, times) - seen

    def step(orbit: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        """One step of Gauss and Newton."""
        r, jacobian = residuals(orbit), jax.jacrev(residuals)(orbit)
        return orbit - jnp.linalg.solve(jacobian.T @ jacobian, jacobian.T @ r), jnp.sum(r**2)

    orbit, losses = jax.jit(lambda start: jax.lax.scan(step, start, None, length=8))(jnp.array([0.5, 0.2]))
    print(f"loss {losses[0]:.3f}, then under 1e-9: {bool(losses[-1] < 1e-9)}")
    print(f"eccentricity {orbit[0]:.4f}, phase {orbit[1]:.4f}")


def main() -> None:
    with TemporaryDirectory() as folder:
        fit(Path(folder))


if __name__ == "__main__":
    main()
