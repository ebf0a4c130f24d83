"""Every kind of function that is generated, with the formula in jax.numpy and arguments to try it with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from plain_forms import module
from vjpgen.passing import Passing

Function = Callable[..., Any]


@dataclass(frozen=True)
class Kind:
    """One kind of function.

    Attributes:
        text: its formula.
        args: the letters that are its arguments.
        plain: the same in jax.numpy, with a tuple of outputs.
        at: one array per argument that is not static.
        moving: which of these are differentiated.
        passing: how it is called.
        fixed: the static arguments.
    """

    text: str
    args: str
    plain: Function
    at: tuple[np.ndarray, ...]
    moving: tuple[int, ...]
    passing: Passing = field(default_factory=Passing)
    fixed: tuple[float, ...] = ()

    @property
    def module(self) -> ModuleType:
        """The generated module."""
        return _module(self.text, self.args, self.passing)

    @property
    def reverse(self) -> Function:
        """The custom_vjp function of the arrays, with a tuple of outputs."""
        return self._of_arrays(self.module.f)

    @property
    def forward(self) -> Function:
        """The same of its twin."""
        return self._of_arrays(self.module.f_jvp)

    def _of_arrays(self, f: Function) -> Function:
        def called(*at: Any) -> tuple[Any, ...]:
            found = f(*at, *self.fixed)
            if isinstance(found, dict):
                return tuple(found[key] for key in self.passing.outputs)
            return found if isinstance(found, tuple) else (found,)

        return called

    def loss(self, f: Function) -> Function:
        """One number, in which no output can be taken for another."""
        return lambda *at: sum((k + 1.5) * jnp.sum(y) for k, y in enumerate(f(*at)))

    def close(self, got: Any, wanted: Any, tolerance: float = 3e-5) -> None:
        """Whether two structures hold the same numbers."""
        one, other = jax.tree.leaves(got), jax.tree.leaves(wanted)
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert jnp.shape(a) == jnp.shape(b)
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@cache
def _module(text: str, args: str, passing: Passing) -> ModuleType:
    return module(text, args=tuple(args), passing=passing)


X = np.array([-2.5, -0.5, 0.25, 1.75], np.float32)
Y = np.array([0.5, 1.25, -1.5, 2.0], np.float32)
N = np.array([0, 1, 2, 3], np.int32)

KINDS = {
    "one argument": Kind("log(1+exp(x))", "x", lambda x: (jnp.logaddexp(x, 0),), (X,), (0,)),
    "two arguments": Kind(
        "log(exp(x) + exp(y))", "xy", lambda x, y: (jnp.log(jnp.exp(x) + jnp.exp(y)),), (X, Y), (0, 1)
    ),
    "outputs": Kind(
        "(x*cos(y), x*sin(y), x)",
        "xy",
        lambda x, y: (x * jnp.cos(y), x * jnp.sin(y), x + 0 * y),
        (X, Y),
        (0, 1),
    ),
    "piecewise": Kind(
        "where(x > 1, sqrt(x), where(x < -1, exp(x), x**3))",
        "x",
        lambda x: (jnp.where(x > 1, jnp.sqrt(jnp.maximum(x, 1)), jnp.where(x < -1, jnp.exp(x), x**3)),),
        (X,),
        (0,),
    ),
    "constant": Kind("(0*x + 3, y)", "xy", lambda x, y: (0 * (x + y) + 3, y + 0 * x), (X, Y), (0, 1)),
    "nondiff": Kind(
        "exp(-x*n)*y",
        "xyn",
        lambda x, y, n: (jnp.exp(-x * n) * y,),
        (X, Y, N),
        (0, 1),
        Passing(nondiff=("n",)),
    ),
    "static": Kind(
        "(x**2 + 1)**n", "xn", lambda x: ((x**2 + 1) ** 1.5,), (X,), (0,), Passing(static=("n",)), (1.5,)
    ),
    "named outputs, a default": Kind(
        "(sin(k*x), x*y)",
        "xyk",
        lambda x, y: (jnp.sin(0.5 * x) + 0 * y, x * y),
        (X, Y),
        (0, 1),
        Passing(defaults=(("k", "0.5"),), outputs=("wave", "area")),
    ),
}
