"""Functions that somebody wrote, as they run: what they can do, and what they return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from vjpgen import verify
from vjpgen.callee import Callee, load
from vjpgen.errors import TargetError
from vjpgen.measured import Column, Measured, Nature

_LONGEST = 300


def measure_function(
    at: Callee, outputs: int, several: bool, columns: Sequence[Column]
) -> tuple[Measured, Nature]:
    """Runs a function at n points, compiled: values, reverse partials and, where it has one, forward mode.

    Args:
        at: where the function is.
        outputs: how many arrays the formula says that it returns.
        several: whether they come as a tuple.
        columns: one float32 array of n points per argument.

    Raises:
        TargetError: there is no such function, it raises, or it returns something else than the formula.
    """
    try:
        function = load(at)
        with verify.double_precision(False):
            nature = _nature(at, function, outputs, several, columns)
            whole = jnp.vectorize(function) if nature.scalar else function
            twin = whole if nature.forward else None
            return verify.measure_callable(whole, twin, outputs, several, columns), nature
    except TargetError:
        raise
    except BaseException as error:  # a module may well call sys.exit when it is imported
        raise raised(at.text, error) from None


def raised(target: str, error: BaseException) -> TargetError:
    """What somebody's function raised, as a refusal of it."""
    said = " ".join(str(error).split())
    said = said if len(said) <= _LONGEST else said[:_LONGEST] + "..."
    return TargetError(f"{target} raised {type(error).__name__}" + (f": {said}" if said else ""))


def _nature(
    at: Callee, function: Callable[..., Any], outputs: int, several: bool, columns: Sequence[Column]
) -> Nature:
    """What can be told without computing anything."""
    shape, n_args = (8,), len(columns)
    arrays = [array(shape, jnp.float32)] * n_args
    scalar = not _works(lambda *x: _same_shape(function(*x), shape), arrays)
    whole = jnp.vectorize(function) if scalar else function
    found = jax.eval_shape(whole, *arrays)
    count = len(found) if isinstance(found, tuple | list) else None
    if count != (outputs if several else None):
        returned = "one array" if count is None else f"{count} arrays"
        wanted = f"{outputs} outputs" if several else "one output, and no tuple"
        raise TargetError(f"{at.text} returns {returned}; the formula has {wanted}")
    forward = _works(lambda *x: jax.jvp(whole, x, x), arrays)
    mixed = [array((3, 1), jnp.float32) if j % 2 else array((1, 4), jnp.bfloat16) for j in range(n_args)]
    return Nature(scalar, forward, _works(lambda *x: _pulled(whole, *x), mixed))


def array(shape: tuple[int, ...], dtype: Any) -> Any:
    """What stands for an array while a program is traced."""
    return jax.eval_shape(lambda: jnp.zeros(shape, dtype))


def _works(program: Callable[..., Any], arguments: Sequence[Any]) -> bool:
    """Whether a program can be lowered, where JAX says that a custom_vjp function has no forward mode."""
    try:
        jax.jit(program).lower(*arguments)
    except Exception:
        return False
    return True


def _same_shape(found: Any, shape: tuple[int, ...]) -> Any:
    if any(jnp.shape(y) != shape for y in jax.tree.leaves(found)):
        raise ValueError
    return found


def _pulled(function: Callable[..., Any], *at: Any) -> Any:
    values, pull = jax.vjp(function, *at)
    return pull(values)
