"""Derivatives of derivatives as JAX computes them from a generated module, in every order of modes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
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
Cells = dict["Partial", Any]


def measure(
    source: str,
    name: str,
    outputs: int,
    structure: Structure,
    columns: Sequence[Column],
    wanted: Sequence[Partial],
    plain: bool = False,
) -> Column:
    """Runs a module given as text, compiled: partials of the second order and above.

    Args:
        source: the module.
        name: the function in it; reverse mode begins with it, forward mode with its twin.
        outputs: how many arrays it returns.
        structure: how they come, as `Spec.structure`.
        columns: one array of n points per argument, all of one floating-point dtype.
        wanted: which partials.
        plain: whether the function has no rules of its own; JAX then has one way.

    Returns:
        (w, n, len(wanted)): by each way in `measured.WAYS`, or by the one way.
    """
    n, count = len(columns[0]), max(sweep.LENGTH, len(columns[0]))
    padded = [np.concatenate([c, np.repeat(c[:1], count - n)]) for c in columns]
    shape, dtype = padded[0].shape, padded[0].dtype
    with verify.double_precision(dtype.itemsize == 8):
        run = _program(source, name, outputs, structure, tuple(wanted), plain)
        found = run(np.ones(shape, dtype), np.zeros(shape, dtype), *padded)
    return np.stack([np.stack([np.asarray(x)[:n] for x in row], -1) for row in found])


@lru_cache(maxsize=4)
def _program(
    source: str, name: str, outputs: int, structure: Structure, wanted: tuple[Partial, ...], plain: bool
) -> Callable[..., Any]:
    module = verify.load(source, name)
    function, twin = getattr(module, name), getattr(module, f"{name}_jvp", None)

    def results(one: Any, zero: Any, *at: Any) -> list[list[Any]]:
        whole = verify.tupled(function, structure, one.shape)
        ways = {"r": whole, "f": whole if twin is None else verify.tupled(twin, structure, one.shape)}
        orders = sorted({len(places) for _, places in wanted})
        if plain:
            chosen = [{r: PLAIN[r] for r in orders}]
        else:
            chosen = [{r: WAYS[r][k] for r in orders} for k in range(4)]
        rows = []
        for way in chosen:
            cells = {r: partials(ways[w[-1]], w, outputs, wanted, one, zero, at) for r, w in way.items()}
            rows.append([cells[len(p[1])][p] for p in wanted])
        return rows

    return jax.jit(results)


def partials(
    function: Function, way: str, outputs: int, wanted: Sequence[Partial], one: Any, zero: Any, at: Sequence[Any]
) -> Cells:
    """The partials of one order, by one way; of mixed ones, by the arguments in order."""
    names: list[Partial] = [(i, ()) for i in range(outputs)]
    needed = {(i, places[:r]) for i, places in wanted for r in range(1, len(way) + 1)}
    for mode in reversed(way):
        function, names = _derived(function, mode, names, needed, one, zero, len(at))
    return dict(zip(names, function(*at), strict=True))


def _derived(
    function: Function,
    mode: str,
    names: Sequence[Partial],
    needed: set[Partial],
    one: Any,
    zero: Any,
    count: int,
) -> tuple[Function, list[Partial]]:
    """A function of the derivatives of all outputs of a function, and which partials they are."""
    pairs = [(q, k) for q, (i, places) in enumerate(names) for k in range(count) if (i, (*places, k)) in needed]

    def reverse(*at: Any) -> tuple[Any, ...]:
        _, pull = jax.vjp(function, *at)
        rows = {q: pull(_unit(q, len(names), one, zero)) for q in dict.fromkeys(q for q, _ in pairs)}
        return tuple(rows[q][k] for q, k in pairs)

    def forward(*at: Any) -> tuple[Any, ...]:
        rows = {
            k: jax.jvp(function, at, _unit(k, count, one, zero))[1] for k in dict.fromkeys(k for _, k in pairs)
        }
        return tuple(rows[k][q] for q, k in pairs)

    found = [(names[q][0], (*names[q][1], k)) for q, k in pairs]
    return (reverse if mode == "r" else forward), found


def _unit(k: int, count: int, one: Any, zero: Any) -> tuple[Any, ...]:
    return tuple(one if j == k else zero for j in range(count))
