"""Exact partials of the second order and above, from the formula as it was typed.

Ball arithmetic gives the first partials by dual numbers. Their derivatives are differences over steps so
small, at a precision so high, that the result is right to far more than float64: to the right and to the
left, which agree where the function is smooth and nowhere else. No derivative of the search is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np
from flint import arb, ctx

from vjpgen.forms import Partial
from vjpgen.spec import Spec
from vjpgen.truth import Truth

_LEVELS = (480, 120), (1600, 400)  # precision, and the step as a power of 1/2 of the argument
_SMALL = 2.0**-250  # what is below it counts as zero
_ROWS = 512  # points at a time

Offset = tuple[int, ...]  # how many steps along each argument


def exact(spec: Spec, at: np.ndarray, wanted: Sequence[Partial]) -> np.ndarray:
    """Exact partials of the outputs of `spec`.

    Args:
        spec: the function; its gradient is the derivative.
        at: (n, a) points, taken as exact numbers.
        wanted: which partials, each of the second order or above.

    Returns:
        (n, len(wanted)) float64; nan where the function is undefined or not smooth.
    """
    around = {w: _sides(w, len(spec.args)) for w in wanted}
    offsets = list(dict.fromkeys(o for sides in around.values() for side in sides for o in side))
    found = [np.empty((0, len(wanted)))]
    for first in range(0, len(at), _ROWS):
        rows = at[first : first + _ROWS].astype(np.float64)
        some = np.full((len(rows), len(wanted)), np.nan)
        for precision, step in _LEVELS:
            left = np.flatnonzero(np.isnan(some).any(axis=1))
            some[left] = _some(spec, rows[left].tolist(), wanted, around, offsets, precision, step)
        found.append(some)
    return np.concatenate(found)


def condition(spec: Spec, inputs: Sequence[float], partial: Partial) -> float:
    """Relative condition number, sum |x_j q_j / q|, of a partial of the second order or above at a point."""
    i, places = partial
    slopes = [(i, tuple(sorted((*places, j)))) for j in range(len(spec.args))]
    size, *found = exact(spec, np.array([inputs]), [partial, *slopes])[0].tolist()
    return float(np.sum(np.abs(np.array(inputs) * np.array(found) / size))) if size else math.inf


def _some(
    spec: Spec,
    rows: Sequence[Sequence[float]],
    wanted: Sequence[Partial],
    around: dict[Partial, list[dict[Offset, int]]],
    offsets: Sequence[Offset],
    precision: int,
    nearness: int,
) -> np.ndarray:
    m, a = len(spec.outputs), len(spec.args)
    saved = ctx.prec
    ctx.prec = precision
    try:
        steps = [[_step(x, nearness) for x in row] for row in rows]
        moved = [
            [arb(x) + k * h for x, k, h in zip(row, offset, step, strict=True)]
            for row, step in zip(rows, steps, strict=True)
            for offset in offsets
        ]
        cells = Truth(spec.outputs, spec.args).balls(moved, precision, partials=True)
        out = np.full((len(rows), len(wanted)), np.nan)
        for r, step in enumerate(steps):
            here = dict(zip(offsets, cells[r * len(offsets) : (r + 1) * len(offsets)], strict=True))
            for q, (i, places) in enumerate(wanted):
                width = math.prod((step[k] for k in places[1:]), start=arb(1))
                column = m + i * a + places[0]
                out[r, q] = _agreed([_difference(here, column, side, width) for side in around[i, places]])
        return out
    finally:
        ctx.prec = saved


def _sides(partial: Partial, count: int) -> list[dict[Offset, int]]:
    """The weights of differences of a first partial, for each choice of right and left by argument."""
    along = partial[1][1:]
    found = []
    for signs in product((1, -1), repeat=len({*along})):
        sign = dict(zip(dict.fromkeys(along), signs, strict=True))
        weights = {(0,) * count: 1}
        for k in along:
            weights = dict(_once(weights, k, sign[k]))
        found.append(weights)
    return found


def _once(weights: dict[Offset, int], k: int, sign: int) -> Iterator[tuple[Offset, int]]:
    """One more difference along argument k."""
    total: dict[Offset, int] = {}
    for offset, weight in weights.items():
        after = (*offset[:k], offset[k] + sign, *offset[k + 1 :])
        total[after] = total.get(after, 0) + sign * weight
        total[offset] = total.get(offset, 0) - sign * weight
    yield from total.items()


def _difference(
    here: Mapping[Offset, Sequence[object]], column: int, side: Mapping[Offset, int], width: arb
) -> object:
    total = arb(0)
    for offset, weight in side.items():
        cell = here[offset][column]
        if not isinstance(cell, arb) or not cell.is_finite():
            return None
        total += weight * cell
    return total / width


def _agreed(sides: Sequence[object]) -> float:
    """The number that all sides are close to, or nan."""
    if not all(isinstance(x, arb) for x in sides):
        return math.nan
    ends = [float(end) for x in sides for end in (x.lower(), x.upper())]  # type: ignore[attr-defined]
    low, high = min(ends), max(ends)
    size = max(abs(low), abs(high))
    if size <= _SMALL:
        return 0.0
    return (low + high) / 2 if high - low <= 1e-12 * size else math.nan


def _step(x: float, nearness: int) -> arb:
    return arb(2) ** ((math.frexp(x)[1] if x else -100) - nearness)
