"""Points where the value or a partial is about to leave the range of the dtype.

Random points seldom come near the largest number: `x**lam / lam` overflows at one point in a thousand where
the quotient does not, and a search that sees none of them cannot know. Such points are found by bisection
between a point inside the range and one beyond it, for overflow and underflow of every result. Arguments
next to the largest number are of the same kind: `(x + x) / 2` overflows there. So are points of moderate
size where the formula as written overflows on its way, and its result does not: of exp(y)/(exp(x) + exp(y))
near 95 a sample over all magnitudes may have none.
"""

from __future__ import annotations

from itertools import chain, islice, zip_longest

import numpy as np
import numpy.typing as npt

from vjpgen import plainly
from vjpgen.candidates import columns, full
from vjpgen.evaluation import Evaluator
from vjpgen.expr import Expr, has_op, variables
from vjpgen.floats import representable
from vjpgen.forms import Forms
from vjpgen.points import Drawing, Format, Points, between, joined
from vjpgen.spec import Spec

_DRAWN = 256
_LINES = 16
_ROUNDS = 4
_STEPS = 7  # points on each line, in each round
_KEPT = (1, 2, 3)  # after these rounds the last points inside are wanted
_LAST = 6  # points for each argument in the last binade
_TRIED, _MOST_BROKEN, _FEWEST_BROKEN = 4096, 48, 8
_MODERATE = 12.0  # binary orders of magnitude, up and down, of what is tried
_BOTH = np.float32, np.float64

Rows = npt.NDArray[np.intp]


def verges(spec: Spec, points: Points, seed: int) -> Points:
    """Points inside the range of float32 and close to its ends, with exact results; none where it has none.

    Args:
        spec: the function.
        points: of its domain.
        seed: other ones give other points.
    """
    drawing = Drawing(spec, Format.of(np.float32), np.random.default_rng(seed))
    drawn = drawing.admitted(np.concatenate([drawing.ordinary(_DRAWN), drawing.patterns(_DRAWN // 2)]))
    beyond, which = _beyond(drawing, drawn)
    low, high = points.at[np.arange(len(beyond)) * len(points.at) // max(1, len(beyond))], drawn[beyond]
    last, broken = _last_binade(drawing), _broken(drawing)
    found = [drawing.keep(last, len(last)), drawing.keep(broken, len(broken))]
    for turn in range(_ROUNDS if len(beyond) else 0):
        low, high = _closer(drawing, low, high, which)
        if turn in _KEPT:
            found.append(drawing.keep(low, len(low)))
    return joined(*found)


def _last_binade(drawing: Drawing) -> np.ndarray:
    """Points of the domain of which one argument lies between half the largest number and that."""
    form, rng, a = drawing.form, drawing.rng, len(drawing.low)
    at = drawing.patterns(_LAST * a)
    keys = form.largest - rng.integers(0, form.smallest, _LAST * a)
    rows = np.arange(len(at))
    place, negative = rows % a, rows // a % 2 == 1
    negative = (drawing.low[place] < 0) & (negative | (drawing.high[place] <= 0))
    at[rows, place] = form.number(np.where(negative, -keys, keys))
    return at


def lost(found: Forms, seed: int) -> Points:
    """Points of moderate size where a form is infinite or NaN, and the formula as written is not.

    Args:
        found: the forms.
        seed: other ones give other points.
    """
    spec = found.spec
    drawing = Drawing(spec, Format.of(np.float32), np.random.default_rng(seed + 1))
    at = _moderate(drawing)
    narrow, wide = _evaluators(spec, at)
    pairs = [*zip(spec.outputs, found.values, strict=True)]
    for o, row in zip(spec.outputs, found.partials, strict=True):
        if o.op == "where" or not has_op(o, "where"):
            pairs += [(plainly.partial(o, a), e) for a, e in zip(spec.args, row, strict=True)]
    gone = np.zeros(len(at), bool)
    for formula, form in pairs:
        finite = np.isfinite(full(narrow(formula), at[:, 0]))
        finite &= representable(full(wide(formula), at[:, 0]), np.float32)
        gone[np.flatnonzero(finite & ~np.isfinite(full(narrow(form), at[:, 0])))[:_FEWEST_BROKEN]] = True
    return drawing.keep(at[gone], int(gone.sum()))


def _moderate(drawing: Drawing) -> np.ndarray:
    """Points of moderate size, their arguments drawn apart, or close to each other."""
    spec, rng = drawing.spec, drawing.rng
    size = 2.0 ** rng.uniform(-_MODERATE, _MODERATE, (_TRIED, len(spec.args)))
    drawn = np.where(rng.random(size.shape) < 0.5, -size, size)
    alike = rng.random(_TRIED) < 0.5
    drawn[alike, 1:] = drawn[alike, :1] * rng.uniform(0.5, 1.5, (alike.sum(), len(spec.args) - 1))
    drawn = np.where((drawn < drawing.low) | (drawn > drawing.high), -drawn, drawn)
    at = drawn.astype(np.float32)
    return np.asarray(at[drawing.accepts(at)])


def _evaluators(spec: Spec, at: np.ndarray) -> tuple[Evaluator, Evaluator]:
    """At some points, in float32 and in float64."""
    one, other = (Evaluator({n: c.astype(t) for n, c in columns(spec, at).items()}, t) for t in _BOTH)
    return one, other


def _broken(drawing: Drawing) -> np.ndarray:
    """Points where the formula or a plain partial of it is infinite or NaN in float32, and not in float64.

    The softmax of 200 and 130 is an ordinary number.
    """
    spec, at = drawing.spec, _moderate(drawing)
    whole = [o for o in spec.outputs if o.op == "where" or not has_op(o, "where")]
    slopes = [plainly.partial(o, a) for o in whole for a in variables(o)]
    narrow, wide = _evaluators(spec, at)

    def inside(e: Expr) -> np.ndarray:
        return representable(full(wide(e), at[:, 0]), np.float32)

    kept = np.logical_and.reduce([inside(o) for o in spec.outputs])
    share = max(_FEWEST_BROKEN, _MOST_BROKEN // len([*spec.outputs, *slopes]))
    found = np.zeros(len(at), bool)
    for e in (*spec.outputs, *slopes):  # of each as many: what breaks one may be out of range for another
        broken = kept & inside(e) & ~np.isfinite(full(narrow(e), at[:, 0]))
        saturated = np.isin(np.abs(full(wide(e), at[:, 0])), (0.0, 1.0))
        found[np.flatnonzero(broken & ~saturated)[: share // 2]] = True
        found[np.flatnonzero(broken & saturated)[: share // 2]] = True
    return np.asarray(at[found])


def _beyond(drawing: Drawing, at: np.ndarray) -> tuple[Rows, Rows]:
    """Rows at which a result is real and out of range, in turn for each result and end; and which result."""
    results, kept = _results(drawing, at)
    with np.errstate(invalid="ignore"):
        large = np.abs(results) > 1
    out = ~np.isnan(results) & ~kept
    ends = [np.flatnonzero(out[:, q] & (large[:, q] == over)) for q in range(out.shape[1]) for over in (1, 0)]
    turns = zip_longest(*([(int(row), k // 2) for row in rows] for k, rows in enumerate(ends)))
    chosen = list(islice((pair for pair in chain(*turns) if pair is not None), _LINES))
    rows, which = np.array(chosen, np.intp).reshape(-1, 2).T
    return rows, which


def _results(drawing: Drawing, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values and partials (n, m + m*a), and which of them are representable; no partial where no value is."""
    values, partials = drawing.truth.with_partials(at.astype(np.float64))
    flat = np.concatenate([values, partials.reshape(len(values), -1)], axis=1)
    kept = drawing.form.keeps(flat)
    kept[:, values.shape[1] :] &= kept[:, : values.shape[1]].all(axis=1, keepdims=True)
    return flat, kept


def _closer(
    drawing: Drawing, low: np.ndarray, high: np.ndarray, which: Rows
) -> tuple[np.ndarray, np.ndarray]:
    """For each line from a point inside to one that is not, two neighbours on it, one inside, one not."""
    rows = np.stack([np.stack([a, *between(a, b, _STEPS), b]) for a, b in zip(low, high, strict=True)])
    flat = rows.reshape(-1, rows.shape[-1])
    kept = _results(drawing, flat)[1] & drawing.accepts(flat)[:, None]
    lines = np.arange(len(rows))
    inside = kept.reshape(*rows.shape[:2], -1)[lines, :, which]
    inside[:, 0], inside[:, -1] = True, False
    last = np.argmin(inside, axis=1) - 1
    return rows[lines, last], rows[lines, last + 1]
