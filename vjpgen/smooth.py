"""Second partials and condition numbers, from differences of exact first partials at high precision."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb, ctx

from vjpgen.spec import Spec
from vjpgen.truth import Truth

_PRECISION = 1600
_STEP = 400  # differences are over steps of 2**-400 of the argument
_WIDE_STEP = 2.0**-10  # the step of differences in float64
_MOST = 6


@dataclass(frozen=True, slots=True)
class Curved:
    """A point around which the function is smooth and well scaled.

    Attributes:
        inputs: exact float32 numbers.
        second: exact second partials, output by output, row by row: m * a * a numbers.
        differences: whether central differences with steps of 2**-10 of the arguments approximate all
            partials to a thousandth.
    """

    inputs: tuple[float, ...]
    second: tuple[float, ...]
    differences: bool


def curved(spec: Spec, candidates: Sequence[tuple[float, ...]]) -> tuple[Curved, ...]:
    """Up to six of the candidates, where second partials exist and are of ordinary size."""
    found: list[Curved] = []
    for inputs in candidates:
        if len(found) == _MOST:
            break
        if not all(0.1 <= abs(x) <= 30 for x in inputs) or len(set(map(abs, inputs))) < len(inputs):
            continue
        second = second_partials(spec, inputs)
        if all(math.isfinite(s) and (s == 0 or 1e-4 <= abs(s) <= 1e4) for s in second):
            found.append(Curved(inputs, second, _differences_work(spec, inputs)))
    return tuple(found)


def second_partials(spec: Spec, inputs: Sequence[float]) -> tuple[float, ...]:
    """Exact second partials (m, a, a), flat; nan where one does not exist."""
    m, a = len(spec.outputs), len(spec.args)
    truth = Truth(spec.outputs, spec.args)
    columns = []
    for k in range(a):
        rows, step = _shifted(inputs, k)
        after, before = (cells[m:] for cells in truth.balls(rows, _PRECISION, partials=True))
        columns.append([_slope(p, q, step) for p, q in zip(after, before, strict=True)])
    return tuple(columns[k][i * a + j] for i in range(m) for j in range(a) for k in range(a))


def condition(spec: Spec, inputs: Sequence[float], quantity: int) -> float:
    """Relative condition number, sum |x_j q_j / q|, of a value (quantity < m) or of a partial."""
    m, a = len(spec.outputs), len(spec.args)
    values, partials = Truth(spec.outputs, spec.args).with_partials(np.array([inputs], dtype=np.float64))
    if quantity < m:
        size, slopes = values[0, quantity], partials[0, quantity]
    else:
        i, j = divmod(quantity - m, a)
        size = partials[0, i, j]
        slopes = np.array(second_partials(spec, inputs)).reshape(m, a, a)[i, j]
    if size == 0:
        return math.inf
    return float(np.sum(np.abs(np.array(inputs) * slopes / size)))


def _shifted(inputs: Sequence[float], k: int) -> tuple[list[list[arb]], arb]:
    """The point a tiny step after and before, along argument k, and the distance between the two."""
    before = ctx.prec
    ctx.prec = _PRECISION
    try:
        exponent = math.frexp(inputs[k])[1] if inputs[k] else -100
        step = arb(2) ** (exponent - _STEP)
        rows = []
        for sign in (1, -1):
            row = [arb(x) for x in inputs]
            row[k] += sign * step
            rows.append(row)
        return rows, 2 * step
    finally:
        ctx.prec = before


def _slope(after: object, before: object, distance: arb) -> float:
    if not isinstance(after, arb) or not isinstance(before, arb):
        return math.nan
    saved = ctx.prec
    ctx.prec = _PRECISION
    try:
        slope = (after - before) / distance
        low, high = float(slope.lower()), float(slope.upper())
    finally:
        ctx.prec = saved
    return (low + high) / 2 if abs(high - low) <= 1e-12 * max(abs(low), abs(high)) else math.nan


def _differences_work(spec: Spec, inputs: Sequence[float]) -> bool:
    truth = Truth(spec.outputs, spec.args)
    values, partials = truth.with_partials(np.array([inputs], dtype=np.float64))
    for k, x in enumerate(inputs):
        step = abs(x) * _WIDE_STEP
        rows = np.array([[v + s * step if j == k else v for j, v in enumerate(inputs)] for s in (1, -1)])
        after, before = truth.values(rows)
        slopes = partials[0, :, k]
        off = np.abs((after - before) / (2 * step) - slopes)
        noise = 2.0**-40 * np.abs(values[0]) / step
        if not (off + noise <= 1e-4 * np.abs(slopes) + 1e-300).all():
            return False
    return True
