"""Two partials whose sum is one, over the smaller of them: the backward pass keeps one array.

The partials of log(exp(x) + exp(y)) are exp(x)/(exp(x) + exp(y)) and what is left of one. They follow from
x - y, but rounding that loses digits of the smaller partial. The larger is one minus the smaller to the last
bit; where either may be the smaller one, the sign tells which.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from vjpgen.candidates import FEWEST, columns, full
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, call, num, substitute, var, where
from vjpgen.floats import Array, representable, ulps
from vjpgen.forms import SLOPE, Forms
from vjpgen.points import Points

_SAME = 2.0**-50  # relative: each partial is exact, rounded to float64 once
_COST = 0.05  # bits on average that the exchange of arguments may cost
_CORNERS = (0.0, -0.0, 1.0, np.inf, -np.inf, np.nan)


def over_slope(forms: Forms, points: Points) -> tuple[Expr, tuple[Expr, Expr]] | None:
    """What is kept, over the arguments, and both partials over `forms.SLOPE`.

    Args:
        forms: of the value and the partials.
        points: at which the search looked.

    Returns:
        None where there are not two partials, or where their exact sum is another than one, or where zeros,
        infinities and NaN give another gradient.
    """
    spec = forms.spec
    if len(spec.outputs) != 1 or len(spec.args) != 2 or len(spec.moving) != 2:
        return None
    exact = points.truth_partials[:, 0]
    whole = np.isfinite(exact).all(axis=1)
    at, exact = points.at[whole], exact[whole]
    if not all(e.names for e in forms.partials[0]) or len(exact) < FEWEST or not _sum_to_one(exact):
        return None
    return next((found for found in _ways(forms, at, exact) if _same_corners(forms, *found)), None)


def _sum_to_one(exact: Array) -> bool:
    return bool((np.abs(exact.sum(axis=1) - 1) <= _SAME * (1 + np.abs(exact).sum(axis=1))).all())


def _ways(forms: Forms, at: Array, exact: Array) -> Iterator[tuple[Expr, tuple[Expr, Expr]]]:
    """The partial that is never the larger one, or the smaller one of a symmetric function."""
    first, second = forms.partials[0]
    rest, size, turned = 1 - SLOPE, call("abs", SLOPE), call("signbit", SLOPE)
    if (exact[:, 0] <= 0.5).all():
        yield first, (SLOPE, rest)
    elif (exact[:, 1] <= 0.5).all():
        yield second, (rest, SLOPE)
    elif (exact >= 0).all():
        for smaller, is_first in _exchanged(forms, at, exact):
            kept = smaller * where(is_first, num(1), num(-1))
            yield kept, (where(turned, 1 - size, size), where(turned, size, 1 - size))


def _exchanged(forms: Forms, at: Array, exact: Array) -> Iterator[tuple[Expr, Expr]]:
    """The first partial of a symmetric function, with its arguments in the order that makes it the smaller.

    Then one form is computed in place of two. With it, when it is the first partial.
    """
    (first, second), (x, y) = forms.partials[0], (var(name) for name in forms.spec.args)
    env = columns(forms.spec, at)
    least = exact.min(axis=1)
    bits = float(_bits(np.minimum(*(full(evaluate(e, env), least) for e in (first, second))), least))
    for is_first in (call("lt", x, y), call("gt", x, y)):
        table = {x: where(is_first, x, y), y: where(is_first, y, x)}
        smaller = substitute(first, table)
        if _bits(full(evaluate(smaller, env), least), least) <= bits + _COST:
            yield smaller, is_first


def _bits(got: Array, exact: Array) -> float:
    counted = representable(exact, np.float32)
    return float(np.log2(1 + ulps(got[counted], exact[counted])).mean())


def _same_corners(forms: Forms, slope: Expr, partials: tuple[Expr, Expr]) -> bool:
    """Whether zero, infinities and NaN give what the forms over the arguments do, where there is a value."""
    at = np.array(list(product(_CORNERS, repeat=2)), np.float32)
    env = columns(forms.spec, at)
    (name,) = SLOPE.names
    kept, value = (full(evaluate(e, env), at[:, 0]) for e in (slope, forms.spec.outputs[0]))
    counted = ~np.isnan(value) | np.isnan(at).any(axis=1)
    for wanted, over in zip(forms.partials[0], partials, strict=True):
        got = full(evaluate(over, {name: kept}), kept)
        due = full(evaluate(wanted, env), kept)
        poles = np.isinf(got) & np.isinf(due)  # of which -0.0 may turn the sign
        same = poles | np.isclose(got, due, rtol=1e-6, atol=0, equal_nan=True)
        if not same[counted].all():
            return False
    return True
