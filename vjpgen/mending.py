"""Limits where a form gives NaN: where arguments are zero together, and at infinities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial, reduce
from itertools import combinations

import numpy as np

from vjpgen import smooth
from vjpgen.candidates import columns
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, call, num, var, where
from vjpgen.forms import Forms
from vjpgen.oracle import truth_of
from vjpgen.spec import Spec
from vjpgen.tidy import tidy

_MOST_ARGUMENTS = 4
_WITNESSES = 3  # ordinary values of the other arguments, all of which have to agree
_BEYOND = 10**400  # no dtype holds it

Corner = dict[str, float]


def mend(forms: Forms, derived: Callable[[int, int], bool]) -> Forms:
    """The forms with a limit in place of NaN, where there is one and it is one number.

    Corners are looked at: any of the arguments 0, the others ordinary; one argument infinite, with several
    arguments only where the values stay finite. A partial without a limit at 0 is the average of those from
    both sides along its own argument (`smooth.fill`).

    Args:
        forms: what the search found.
        derived: whether partial (i, j) is the derivative of output i; others are left alone.
    """
    m, a = len(forms.values), len(forms.spec.args)
    exprs = [*forms.values, *(e for row in forms.partials for e in row)]
    wanted = [q for q in range(len(exprs)) if q < m or derived(*divmod(q - m, a))]
    for corner, condition in _corners(forms.spec):
        for q, limit in _missing(forms, {q: exprs[q] for q in wanted}, corner).items():
            exprs[q] = where(condition, _number(limit), exprs[q])
    values, partials = exprs[:m], exprs[m:]
    rows = tuple(tuple(tidy(e) for e in partials[i * a : (i + 1) * a]) for i in range(m))
    return replace(forms, values=tuple(map(tidy, values)), partials=rows)


def _corners(spec: Spec) -> Iterator[tuple[tuple[Corner, ...], Expr]]:
    """Corners at which one limit has to hold, and what is true there alone.

    Fewest arguments first: what a smaller corner mends, a larger one finds mended. Infinities of both
    signs together before each alone.
    """
    if len(spec.args) > _MOST_ARGUMENTS:
        return
    for count in range(1, len(spec.args) + 1):
        for chosen in combinations(spec.args, count):
            zero = [call("eq", var(name), num(0)) for name in chosen]
            yield (dict.fromkeys(chosen, 0.0),), reduce(partial(call, "and"), zero)
    for name in spec.args:
        up, down, x = {name: np.inf}, {name: -np.inf}, var(name)
        yield (up, down), call("eq", call("abs", x), _number(np.inf))
        yield (up,), call("eq", x, _number(np.inf))
        yield (down,), call("eq", x, _number(-np.inf))


def _missing(forms: Forms, exprs: Mapping[int, Expr], corners: Sequence[Corner]) -> dict[int, float]:
    """The limits of those quantities that are NaN at every one of the corners, where all are one number."""
    found = [_limits_missing(forms, exprs, corner) for corner in corners]
    return {q: v for q, v in found[0].items() if all(f.get(q) == v for f in found)}


def _limits_missing(forms: Forms, exprs: Mapping[int, Expr], corner: Corner) -> dict[int, float]:
    points = _points(forms, corner)
    if not len(points):
        return {}
    env = columns(forms.spec, points)
    bad = [q for q, e in exprs.items() if np.isnan(evaluate(e, env)).any()]
    if not bad:
        return {}
    limits = _limits(forms.spec, points)
    return {q: float(limits[0, q]) for q in bad if (limits[:, q] == limits[0, q]).all()}


def _points(forms: Forms, corner: Corner) -> np.ndarray:
    """The corner beside ordinary values of the other arguments, as far as the assumptions hold there."""
    spec = forms.spec
    rows = [[corner.get(n, v) for n, v in zip(spec.args, row, strict=True)] for row in forms.anchors]
    points = np.array(list(dict.fromkeys(map(tuple, rows))), np.float32).reshape(-1, len(spec.args))
    env = {k: v.astype(np.float64) for k, v in columns(spec, points).items()}
    inside = np.ones(len(points), bool)
    for condition in spec.assume:
        inside &= evaluate(condition, env, np.float64)
    return points[inside][:_WITNESSES]


def _limits(spec: Spec, points: np.ndarray) -> np.ndarray:
    """Values, then partials, at every point: (n, m + m * a); nan where there is none or none is wanted."""
    m = len(spec.outputs)
    if np.isinf(points).any():
        found = np.array([smooth.far(spec, row) for row in points.tolist()])
        if len(spec.args) > 1:
            found[~np.isfinite(found[:, :m]).all(axis=1)] = np.nan
        return found
    values, partials = truth_of(spec).with_partials(points.astype(np.float64))
    smooth.fill(spec, points, values, partials)
    return np.concatenate([values, partials.reshape(len(points), -1)], axis=1)


def _number(value: float) -> Expr:
    if np.isinf(value):
        return num(_BEYOND if value > 0 else -_BEYOND)
    return num(Fraction(value))
