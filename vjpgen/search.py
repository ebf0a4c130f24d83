"""From a formula to the forms that compute its value and every partial best.

Piece by piece: shapes from `derive` seed one e-graph for all targets of a piece, its classes are measured,
beams extracted, series added, regimes chosen, and the result kept only where it is no worse than the plain
shape on points that no step has used.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import replace

import numpy as np

from vjpgen import pieces, plainly, series, swapped, twins, whole_powers
from vjpgen.bessel import scaled
from vjpgen.candidates import FEWEST, Target, columns, full, judged, on_path
from vjpgen.compiled import compiled
from vjpgen.effort import EFFORTS, PRICES, Effort
from vjpgen.errors import DomainError
from vjpgen.evaluation import Evaluator, evaluate
from vjpgen.expr import Expr, has_op, num, variables
from vjpgen.factoring import factored
from vjpgen.floats import Array, representable
from vjpgen.forms import Forms, Plan, Trade
from vjpgen.improve import HELD_BACK, POINTS, Improver
from vjpgen.mending import mend
from vjpgen.over_output import over_output
from vjpgen.over_slope import over_slope
from vjpgen.points import Points, joined, sample
from vjpgen.spec import Meant, Spec
from vjpgen.tidy import tidy
from vjpgen.truth import Truth
from vjpgen.verges import lost, verges

_SEED = 20240229
_LOST = 3  # of some thousand moderate points: where forms are not finite at so many, these are searched too
_ZEROS = 16  # one point in so many, where the formula has a limit at 0 and no value


def search(spec: Spec, *, effort: str = "normal", prefer: str = "accuracy") -> Forms:
    """The best forms found for the value and every partial of `spec`.

    Args:
        spec: the function.
        effort: "low", "normal" or "high": how large the e-graph may grow.
        prefer: "accuracy", or "speed" where an operation has to gain more bits to be worth its price.

    Raises:
        DomainError: no point satisfies the assumptions, or the value, or a gradient that is given as a
            formula, is nowhere real.
    """
    plain = replace(spec, meant=None)
    points, how = sample(plain, POINTS, _SEED), replace(EFFORTS[effort], price=PRICES[prefer])
    edge = verges(plain, points, _SEED)
    found = _search(plain, points, how, spec.derived, edge)
    gone = lost(found, _SEED)
    if len(gone.at) >= _LOST:
        found = _search(plain, points, how, spec.derived, joined(edge, gone))
    found = mend(found, spec.derived)
    found = whole_powers.mend(found, spec.derived, _SEED, how)
    if spec.meant is not None:
        return _with_gradient(spec, spec.meant, found, points.at, how)
    return replace(found, over_output=over_output(found, points, how), over_slope=over_slope(found, points))


def search_at(spec: Spec, points: Points, *, effort: str = "normal") -> Forms:
    """The best forms at points that are given, not drawn from the domain.

    Args:
        spec: the function; its gradient is the derivative.
        points: where it matters, with exact values there.
        effort: as for `search`.
    """
    return _search(spec, points, EFFORTS[effort], spec.derived)


def _with_gradient(spec: Spec, meant: Meant, found: Forms, at: Array, how: Effort) -> Forms:
    """The forms with the partials that are meant: formulas are searched, derivatives scaled and masked."""

    def form(formula: Expr, what: str) -> Expr:
        alone = replace(spec, outputs=(formula,), several=False, meant=None)
        values = Truth((formula,), spec.args).values(at.astype(np.float64))
        if np.isnan(values).all():
            domain = f" where {' and '.join(spec.assume_text)}" if spec.assume_text else ""
            raise DomainError(f"{what} is nowhere a real number{domain}", hint=f"{len(at)} points were tried")
        if not variables(formula):
            return formula
        slopes = np.full((len(at), 1, len(spec.args)), np.nan)
        return _search(alone, Points(at, values, slopes, 0), how, lambda i, j: False).values[0]

    factors = [
        None if f is None else form(f, f"the factor of the gradient to {a}")
        for f, a in zip(meant.factors, spec.args, strict=True)
    ]
    stable = replace(meant, factors=tuple(factors))
    rows = []
    for i, row in enumerate(found.partials):
        formulas = [meant.formula(i, j) for j in range(len(row))]
        rows.append(
            tuple(
                tidy(stable.around(e, j)) if f is None else form(f, f"the gradient to {spec.args[j]}")
                for j, (e, f) in enumerate(zip(row, formulas, strict=True))
            )
        )
    return replace(found, spec=spec, partials=tuple(rows), fronts=found.fronts[: len(found.values)])


def _search(
    spec: Spec,
    points: Points,
    how: Effort,
    derived: Callable[[int, int], bool],
    edge: Points | None = None,
) -> Forms:
    """The forms of the values, and of those partials that are derivatives of them; zero for the others.

    Points of the `edge` are looked at as well, but do not decide how far the search goes.
    """
    tree = pieces.tree_or_leaf(spec.outputs, spec.assume)
    if isinstance(tree, pieces.Leaf) and not any(has_op(o, "where") for o in tree.outputs):
        points = _with_limits(spec, tree, points, derived)
    points = _take(points, np.random.default_rng(_SEED).permutation(len(points.at)))
    edge = _take(points, np.arange(0)) if edge is None else edge
    points = joined(edge, points)
    fronts: dict[pieces.Leaf, tuple[tuple[Trade, ...], ...]] = {}
    found = {}
    for leaf in pieces.leaves(tree):
        found[leaf], fronts[leaf] = _search_leaf(leaf, spec, points, how, derived, len(edge.at))

    def combined(k: int, *, average_ties: bool) -> Expr:
        return tidy(pieces.combine(tree, lambda leaf: found[leaf][k], average_ties=average_ties))

    n, a = len(spec.outputs), len(spec.args)
    values = tuple(
        _plainer(spec.outputs[i], combined(i, average_ties=False), i, spec, points) for i in range(n)
    )
    partials = tuple(tuple(combined(n + i * a + j, average_ties=True) for j in range(a)) for i in range(n))
    whole = next(iter(fronts.values())) if len(fronts) == 1 else ()
    return Forms(spec, values, partials, _anchors(points), whole)


def _take(points: Points, rows: Array) -> Points:
    return Points(points.at[rows], points.truth_values[rows], points.truth_partials[rows], points.ordinary)


def _anchors(points: Points) -> tuple[tuple[float, ...], ...]:
    """Ordinary points, the most ordinary first: those nearest magnitude 1."""
    size = np.abs(np.log2(np.maximum(np.abs(points.at.astype(np.float64)), 1e-300))).max(axis=1)
    rows = np.argsort(size, kind="stable")[:48]
    return tuple(tuple(float(v) for v in points.at[r]) for r in rows)


def _plainer(plain: Expr, found: Expr, output: int, spec: Spec, points: Points) -> Expr:
    """The formula as written where the pieces computed apart are no better."""
    if plain is found or has_op(plain, "where"):
        return found
    computed = Evaluator(columns(spec, points.at))
    truth = points.truth_values[:, output]
    one, other = (judged(e, computed, truth).score for e in (plain, found))
    return plain if one <= other + 0.02 else found


def _search_leaf(
    leaf: pieces.Leaf,
    spec: Spec,
    points: Points,
    how: Effort,
    derived: Callable[[int, int], bool],
    verges: int,
) -> tuple[tuple[Expr, ...], tuple[tuple[Trade, ...], ...]]:
    """Forms of the leaf's outputs, then of their partials, row by row; and what was on offer for each."""
    inside = on_path(leaf.path, spec, points.at)
    chosen = points.at[inside]
    targets = _targets(leaf, spec, points, inside, derived)
    if len(chosen) < FEWEST:
        return tuple(t.shapes[0] for t in targets), ()
    improver = Improver(spec, chosen, how, int(inside[:verges].sum()))
    alone, same = twins.apart(targets, len(leaf.outputs))
    images: dict[int, swapped.Image] = {}
    if not leaf.path and spec.gradient is None:
        alone, images = swapped.apart(alone, spec, chosen)
    forms = twins.filled(swapped.filled(improver.improve(alone), images, spec.args), same)
    return forms, tuple(improver.known[k].front if k in improver.known else () for k in range(len(targets)))


def _with_limits(
    spec: Spec, leaf: pieces.Leaf, points: Points, derived: Callable[[int, int], bool]
) -> Points:
    """Points at 0 as well, with the limits there, for a smooth formula of one argument undefined at 0."""
    zero = {a: np.zeros(1) for a in spec.args}
    if len(spec.args) > 1 or not all(evaluate(c, zero, np.float64).all() for c in spec.assume):
        return points
    (arg,) = spec.args
    slopes = [plainly.partial(o, arg) if derived(i, 0) else num(0) for i, o in enumerate(leaf.outputs)]
    formulas = [*leaf.outputs, *slopes]
    if not any(np.isnan(evaluate(e, zero, np.float64)).any() for e in formulas):
        return points
    limits = [series.limit(e, arg) for e in formulas]
    if any(x is None for x in limits):
        return points
    count, m = max(1, len(points.at) // _ZEROS), len(leaf.outputs)
    values, partials = (np.tile(np.array(row, float), (count, 1)) for row in (limits[:m], limits[m:]))
    return Points(
        np.concatenate([np.zeros((count, 1), points.at.dtype), points.at]),
        np.concatenate([values, points.truth_values]),
        np.concatenate([partials[:, :, None], points.truth_partials]),
        points.ordinary + count,
    )


def _targets(
    leaf: pieces.Leaf,
    spec: Spec,
    points: Points,
    inside: Array,
    derived: Callable[[int, int], bool],
) -> list[Target]:
    positive = {a for j, a in enumerate(spec.args) if (points.at[inside, j] > 0).all()}
    targets = [
        Target(_shapes(o, positive), points.truth_values[inside, i]) for i, o in enumerate(leaf.outputs)
    ]
    for i, o in enumerate(leaf.outputs):
        used = variables(o)
        for j, a in enumerate(spec.args):
            plain = plainly.partial(o, a) if a in used and derived(i, j) else num(0)
            targets.append(Target(_shapes(plain, positive), points.truth_partials[inside, i, j]))
    return targets


def _shapes(e: Expr, positive: Set[str]) -> tuple[Expr, ...]:
    """A formula, with its sums factored, and scaled."""
    return tuple(dict.fromkeys((e, factored(e), *scaled(e, positive))))


def backward_bits(plan: Plan) -> float:
    """Mean bits of error of a plan's backward pass when the residuals are rounded to float32.

    Every residual is computed and rounded as fwd does, every partial from the residuals alone as bwd does.
    """
    spec = plan.forms.spec
    points = sample(spec, HELD_BACK * 2, _SEED + 1)
    env = columns(spec, points.at)
    saved = {r.name: full(evaluate(compiled(r.expr), env), points.at[:, 0]) for r in plan.residuals}
    computed, total, count = Evaluator(saved), 0.0, 0
    for i, row in enumerate(plan.bwd):
        for j, e in enumerate(row):
            truth = points.truth_partials[:, i, j]
            truth = np.where(representable(truth, np.float32), truth, np.nan)
            if np.isfinite(truth).any():
                bits = judged(e, computed, truth).bits
                total, count = total + float(bits[np.isfinite(truth)].mean()), count + 1
    return total / max(1, count)
