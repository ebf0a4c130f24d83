"""Derivatives of derivatives as JAX computes them from a generated module, in every order of modes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from vjpgen import sweep, verify
from vjpgen.measured import WAYS, Column

if TYPE_CHECKING:
    from vjpgen.forms import Partial
    from vjpgen.spec import Structure

PLAIN = {2: "fr", 3: "ffr"}
Function = Callable[..., tuple[Any, ...]]


def measure(
    source: str,
    name: str,
    structure: Structure,
    columns: Sequence[Column],
    wanted: Sequence[Partial],
    plain: bool = False,
) -> Column:
    """Runs a module given as text, compiled: partials of the second order and above.

    Args:
        source: the module.
        name: the function in it; reverse mode begins with it, forward mode with its twin.
        structure: how they come, as `Spec.structure`.
        columns: one array of n points per argument, all of one floating-point dtype.
        wanted: which partials.
        plain: whether the function has no rules of its own; JAX then has one way.

    Returns:
        (w, n, len(wanted)): by each way in `measured.WAYS`, or by the one way.
    """
    module = verify.load(source, name)
    twin = None if plain else getattr(module, f"{name}_jvp")
    return measure_callable(getattr(module, name), twin, structure, columns, wanted)


def measure_callable(
    function: Callable[..., Any],
    twin: Callable[..., Any] | None,
    structure: Structure,
    columns: Sequence[Column],
    wanted: Sequence[Partial],
) -> Column:
    """The same of a function and its twin; of one without a twin, by the one way."""
    n, count = len(columns[0]), max(sweep.LENGTH, len(columns[0]))
    padded = [np.concatenate([c, np.repeat(c[:1], count - n)]) for c in columns]
    shape, dtype = padded[0].shape, padded[0].dtype
    ways = [PLAIN] if twin is None else [{r: WAYS[r][k] for r in WAYS} for k in range(4)]

    def results(one: Any, *at: Any) -> list[list[Any]]:
        whole = verify.tupled(function, structure, shape)
        starts = {"r": whole, "f": whole if twin is None else verify.tupled(twin, structure, shape)}
        found = []
        for way in ways:
            words = [way[len(places)] for _, places in wanted]
            found.append(
                [_partial(starts[w[-1]], w, p, one)(*at) for w, p in zip(words, wanted, strict=True)]
            )
        return found

    with verify.double_precision(dtype.itemsize == 8):
        found = jax.jit(results)(np.ones(shape, dtype), *padded)
        return np.stack([np.stack([np.asarray(x)[:n] for x in row], -1) for row in found])


def _partial(function: Function, way: str, which: Partial, one: Any) -> Callable[..., Any]:
    """One partial by one way; of a mixed one, by the arguments in order.

    Each is derived for itself, so that no other partial, which may be infinite, is multiplied by a zero.
    """
    i, places = which

    def alone(*at: Any) -> Any:
        return function(*at)[i]

    for mode, k in zip(reversed(way), places, strict=True):
        alone = (_reverse if mode == "r" else _forward)(alone, k, one)
    return alone


def _reverse(function: Callable[..., Any], k: int, one: Any) -> Callable[..., Any]:
    return lambda *at: jax.vjp(function, *at)[1](one)[k]


def _forward(function: Callable[..., Any], k: int, one: Any) -> Callable[..., Any]:
    def derived(*at: Any) -> Any:
        return jax.jvp(lambda x: function(*at[:k], x, *at[k + 1 :]), (at[k],), (one,))[1]

    return derived
