"""What follows from exact results near a point: limits, second partials, condition numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, product

import numpy as np
from flint import arb, ctx

from vjpgen.evaluation import leaf
from vjpgen.expr import Expr, rebuild, single_words, walk
from vjpgen.floats import apply
from vjpgen.forms import Forms
from vjpgen.oracle import truth_of
from vjpgen.spec import Spec

_NEAR = 600  # limits are taken at a distance of 2**-600 of the arguments
_NEAR_PRECISION = 3600
_AGREE = 2.0**-250
_FAR = (2.0**100, 2.0**120, 2.0**400, 2.0**800)  # stand for infinity, one after the other
_FLAT = 2.0**-60  # what is below it at both is on its way to 0
_LOG = 150.0  # a logarithm is larger from the third on
_PRECISION = 1600
_STEP = 400  # differences are over steps of 2**-400 of the argument
_WIDE_STEP = 2.0**-10  # the step of differences in float64
_MOST = 6
_GAMMA = frozenset(("lgamma", "digamma", "polygamma"))  # JAX differentiates them wrongly left of zero


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


def curved(forms: Forms, candidates: Sequence[tuple[float, ...]]) -> tuple[Curved, ...]:
    """Up to six of the candidates, where second partials exist and are of ordinary size.

    Not where something inside a form is infinite, or a function that JAX differentiates wrongly: there the
    form's result may be right, its derivative is not.
    """
    found: list[Curved] = []
    for inputs in candidates:
        if len(found) == _MOST:
            break
        if not all(0.1 <= abs(x) <= 30 for x in inputs) or len(set(map(abs, inputs))) < len(inputs):
            continue
        second = second_partials(forms.spec, inputs)
        if all(math.isfinite(s) and (s == 0 or 1e-4 <= abs(s) <= 1e4) for s in second) and differentiable(
            forms, inputs
        ):
            found.append(Curved(inputs, second, _differences_work(forms.spec, inputs)))
    return tuple(c for c in found if not _flat(c, found, len(forms.spec.outputs)))


def _flat(one: Curved, among: Sequence[Curved], outputs: int) -> bool:
    """Whether an output that is curved elsewhere is not at this point: what is left there is rounding."""
    shape = (-1, outputs, len(one.second) // outputs)
    here, elsewhere = (
        np.reshape([c.second for c in rows], shape).any(axis=(0, 2)) for rows in ([one], among)
    )
    return bool((elsewhere & ~here).any())


def differentiable(forms: Forms, inputs: Sequence[float]) -> bool:
    """Whether all that the forms compute on their way, in branches taken, has a finite derivative in JAX."""
    forms_used = (*forms.values, *(e for row in forms.partials for e in row))
    roots = [rebuild(e, single_words) for e in forms_used]
    env = {name: np.array([x]) for name, x in zip(forms.spec.args, inputs, strict=True)}
    done: dict[Expr, np.ndarray] = {}
    for e in walk(*roots):
        plain = not e.args and e.op not in ("true", "false")
        done[e] = leaf(e, env, np.float64) if plain else apply(e.op, [done[a] for a in e.args], np.float64)
    todo, seen = roots, set[Expr]()
    while todo:
        e = todo.pop()
        if e in seen:
            continue
        seen.add(e)
        if not np.isfinite(done[e]).all() or (e.op in _GAMMA and (done[e.args[-1]] < 0).any()):
            return False
        if e.op == "where":
            todo += [e.args[0], e.args[1] if done[e.args[0]].all() else e.args[2]]
        else:
            todo += e.args
    return True


def second_partials(spec: Spec, inputs: Sequence[float]) -> tuple[float, ...]:
    """Exact second partials (m, a, a), flat; nan where one does not exist, 0 by what is fixed."""
    m, a = len(spec.outputs), len(spec.args)
    truth = truth_of(spec)
    columns = []
    for k, name in enumerate(spec.args):
        if name not in spec.moving:
            columns.append([0.0] * (m * a))
            continue
        rows, step = _shifted(inputs, k)
        around = (cells[m:] for cells in truth.balls(rows, _PRECISION, partials=True))
        columns.append([_slope(cells, step) for cells in zip(*around, strict=True)])
    return tuple(columns[k][i * a + j] for i in range(m) for j in range(a) for k in range(a))


def condition(spec: Spec, inputs: Sequence[float], quantity: int) -> float:
    """Relative condition number, sum |x_j q_j / q|, of a value (quantity < m) or of a partial."""
    m, a = len(spec.outputs), len(spec.args)
    values, partials = truth_of(spec).with_partials(np.array([inputs], dtype=np.float64))
    if quantity < m:
        size, slopes = values[0, quantity], partials[0, quantity]
    else:
        i, j = divmod(quantity - m, a)
        size = partials[0, i, j]
        slopes = np.array(second_partials(spec, inputs)).reshape(m, a, a)[i, j]
    if size == 0:
        return math.inf
    return float(np.sum(np.abs(np.array(inputs) * slopes / size)))


def limits(spec: Spec, inputs: Sequence[float]) -> tuple[float, ...]:
    """Limits of the values (m), then of the partials (m * a), at a point; nan where there is none.

    A limit is there where results at distances of 2**-600 and 2**-559 in all diagonal directions agree to
    2**-250; further along one argument at one distance, along another at the other.
    """
    width = len(spec.outputs) * (1 + len(spec.args))
    directions = list(islice(product((1, -1), repeat=len(inputs)), 16))
    steps = range(2, 2 + len(inputs))
    ways = (_NEAR, steps), (_NEAR - 41, steps[::-1])
    rows = [_moved(inputs, signs, near, steps) for near, steps in ways for signs in directions]
    cells = truth_of(spec).balls(rows, _NEAR_PRECISION, partials=True)
    return tuple(_agreed([row[q] for row in cells]) for q in range(width))


def fill(spec: Spec, at: np.ndarray, values: np.ndarray, partials: np.ndarray) -> None:
    """Limits instead of nan, in place, at points where the formula or its derivative is undefined.

    A partial without a limit gets, where the value is defined, the average of its limits from both sides
    along its own argument: 0 for both partials of sqrt(x**2 + y**2) at the origin, as for abs(x).

    Args:
        spec: the function.
        at: (n, a) points.
        values, partials: (n, m) and (n, m, a) exact results there, nan where undefined.
    """
    m = values.shape[1]
    for i in np.flatnonzero(np.isnan(values).any(axis=1) | np.isnan(partials).any(axis=(1, 2))):
        inputs = tuple(map(float, at[i]))
        near = limits(spec, inputs)
        for k in range(m):
            if np.isnan(values[i, k]):
                values[i, k] = near[k]
            if values[i, k] == near[k]:  # continuous, so that limits of the partials are the partials
                slopes = np.array(near[m:]).reshape(m, -1)[k]
                partials[i, k] = np.where(np.isnan(partials[i, k]), slopes, partials[i, k])
            if values[i, k] == near[k] or (np.isnan(near[k]) and not np.isnan(values[i, k])):
                for j in np.flatnonzero(np.isnan(partials[i, k])):
                    partials[i, k, j] = _average(spec, inputs, k, int(j))


def far(spec: Spec, inputs: Sequence[float]) -> tuple[float, ...]:
    """Limits of the values (m), then of the partials (m * a), as some arguments grow without bound.

    `inputs` holds an infinity for each of those; nan where no limit is seen.
    """
    rows = [_placed([math.copysign(d, x) if math.isinf(x) else x for x in inputs]) for d in _FAR]
    cells = truth_of(spec).balls(rows, _NEAR_PRECISION, partials=True)
    return tuple(map(_outward, zip(*cells, strict=True)))


def _outward(cells: Sequence[object]) -> float:
    """The limit that results farther and farther out show: a number, or infinity where all of them grow."""
    near, farther = _settled(cells[:2]), _settled(cells[2:])
    if math.isfinite(near) or math.isfinite(farther):
        return near if math.isfinite(near) else farther
    sizes = [float(x) for x in cells if isinstance(x, arb) and x.is_finite()]
    if len(sizes) < len(cells):
        return near
    grow = all(a * b > 0 and abs(b) >= abs(a) for a, b in pairwise(sizes))
    third, last = (abs(x) for x in sizes[2:])
    far = last > 1 / _FLAT or last > 1.5 * third > _LOG
    return math.copysign(math.inf, sizes[0]) if grow and far else math.nan


def _average(spec: Spec, inputs: Sequence[float], output: int, arg: int) -> float:
    """The average of a partial's limits from below and from above along its own argument, or nan."""
    which = len(spec.outputs) + output * len(spec.args) + arg
    sides = []
    for sign in (1, -1):
        found = math.nan
        for aside in (False, True):  # beside a branch cut, where there is one
            cells = truth_of(spec).balls(_towards(inputs, arg, sign, aside), _NEAR_PRECISION, partials=True)
            found = _settled([row[which] for row in cells]) if math.isnan(found) else found
        sides.append(found)
    return sum(sides) / 2 if all(map(math.isfinite, sides)) else math.nan


def _towards(inputs: Sequence[float], arg: int, sign: int, aside: bool) -> list[list[arb]]:
    """Two points on the way to `inputs` along one argument; the others a hair above where they should be.

    The hairs differ from point to point and from argument to argument: what depends on them has no limit.
    """
    rows = []
    for late, nearness in enumerate((_NEAR // 2, _NEAR)):
        row = _placed(inputs)
        for k, x in enumerate(inputs):
            if k == arg:
                row[k] += sign * _unit(x, nearness)
            elif aside:
                row[k] += _unit(x, 4 * _NEAR + 7 * late * (k + 1))
        rows.append(row)
    return rows


def _placed(inputs: Sequence[float]) -> list[arb]:
    return [arb(x) for x in inputs]


def _settled(two: Sequence[object]) -> float:
    """The limit that two results on the way to it show: where they agree, or tend to 0 or away; or nan."""
    balls = [x for x in two if isinstance(x, arb) and x.is_finite()]
    if len(balls) < len(two):
        return math.nan
    early, late = (float(x) for x in balls)
    if max(abs(early), abs(late)) <= _FLAT:
        return 0.0
    if abs(early - late) <= 1e-12 * abs(late):
        return late
    grows = early * late > 0 and abs(late) >= abs(early) > 1 / _FLAT
    return math.copysign(math.inf, late) if grows else math.nan


def _agreed(around: Sequence[object]) -> float:
    """The number that all balls are close to, or nan."""
    low, high = math.inf, -math.inf
    for ball in around:
        if not isinstance(ball, arb) or not ball.is_finite():
            return math.nan
        low, high = min(low, float(ball.lower())), max(high, float(ball.upper()))
    if max(abs(low), abs(high)) <= _AGREE:
        return 0.0
    return float(around[0]) if high - low <= 4e-16 * abs(high) else math.nan  # type: ignore[arg-type]


def _moved(inputs: Sequence[float], signs: Sequence[int], nearness: int, steps: Sequence[int]) -> list[arb]:
    """A point next to `inputs` in one diagonal direction, so many steps along each argument."""
    before = ctx.prec
    ctx.prec = _NEAR_PRECISION
    try:
        each = zip(inputs, signs, steps, strict=True)
        return [arb(x) + sign * step * _unit(x, nearness) for x, sign, step in each]
    finally:
        ctx.prec = before


def _shifted(inputs: Sequence[float], k: int) -> tuple[list[list[arb]], arb]:
    """The point itself and a tiny step before and after, along argument k, and the step."""
    before = ctx.prec
    ctx.prec = _PRECISION
    try:
        rows = [[arb(x) for x in inputs] for _ in range(3)]
        step = _unit(inputs[k], _STEP)
        rows[0][k] -= step
        rows[2][k] += step
        return rows, step
    finally:
        ctx.prec = before


def _unit(x: float, exponent: int) -> arb:
    return arb(2) ** ((math.frexp(x)[1] if x else -100) - exponent)


def _slope(around: Sequence[object], step: arb) -> float:
    """The slope through three results, a step apart; nan where they do not lie on one line."""
    if not all(isinstance(x, arb) for x in around):
        return math.nan
    saved = ctx.prec
    ctx.prec = _PRECISION
    try:
        before, here, after = around
        left, right = (here - before) / step, (after - here) / step  # type: ignore[operator]
        ends = [float(end) for side in (left, right) for end in (side.lower(), side.upper())]
        low, high = min(ends), max(ends)
    finally:
        ctx.prec = saved
    size = max(abs(low), abs(high))
    if size <= _AGREE:
        return 0.0
    return (low + high) / 2 if high - low <= 1e-12 * size else math.nan


def _differences_work(spec: Spec, inputs: Sequence[float]) -> bool:
    truth = truth_of(spec)
    values, partials = truth.with_partials(np.array([inputs], dtype=np.float64))
    for k, x in enumerate(inputs):
        if spec.args[k] not in spec.moving:
            continue
        step = abs(x) * _WIDE_STEP
        rows = np.array([[v + s * step if j == k else v for j, v in enumerate(inputs)] for s in (1, -1)])
        after, before = truth.values(rows)
        slopes = partials[0, :, k]
        off = np.abs((after - before) / (2 * step) - slopes)
        noise = 2.0**-40 * np.abs(values[0]) / step
        if not (off + noise <= 1e-4 * np.abs(slopes) + 1e-300).all():
            return False
    return True
