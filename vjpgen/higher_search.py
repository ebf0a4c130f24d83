"""The best forms of partials of the second order and above, by the search that finds those of the first.

Each is one more formula to be computed well: its shapes are derivatives of the plain partial and of the form
that was found for the order below, its exact values come from the formula as it was typed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from vjpgen import chain, higher_truth, pieces, plainly, twins, verges
from vjpgen.beams import BAR_BITS
from vjpgen.bessel import scaled
from vjpgen.candidates import FEWEST, Target, columns, judged, on_path
from vjpgen.effort import EFFORTS, PRICES, Effort
from vjpgen.evaluation import Evaluator
from vjpgen.expr import Expr, num, substitute, var, variables, where
from vjpgen.factoring import factored
from vjpgen.floats import Array
from vjpgen.forms import Forms, Higher, Partial, higher_partials
from vjpgen.improve import LONGEST_SHAPE, POINTS, Improver
from vjpgen.mending import mend
from vjpgen.points import sample
from vjpgen.spec import Spec
from vjpgen.tidy import tidy

_SEED = 20240229
_FAR = 8.0  # further bits that a result more than `BAR` ulps off costs
_CLEARLY = 0.1  # bits


def higher(forms: Forms, order: int, *, effort: str = "normal", prefer: str = "accuracy") -> Higher:
    """The best forms found for every partial from the second order up.

    Args:
        forms: of the value and the first partials.
        order: the highest.
        effort, prefer: as for `search.search`.
    """
    spec, how = forms.spec, replace(EFFORTS[effort], price=PRICES[prefer])
    points = sample(spec, POINTS, _SEED)
    edge = verges.verges(spec, points, _SEED)
    order_of_points = np.random.default_rng(_SEED).permutation(len(points.at))
    at = np.concatenate([edge.at, points.at[order_of_points]])
    known: dict[Partial, Expr] = {
        (i, (j,)): e for i, row in enumerate(forms.partials) for j, e in enumerate(row)
    }
    partials = higher_partials(spec, order)
    for r in range(2, order + 1):
        wanted = [p for p in partials if len(p[1]) == r]
        known |= _order(forms, wanted, known, at, how, len(edge.at))
    return Higher(order, tuple((p, known[p]) for p in partials))


def _order(
    forms: Forms,
    wanted: Sequence[Partial],
    known: Mapping[Partial, Expr],
    at: Array,
    how: Effort,
    edge: int,
) -> dict[Partial, Expr]:
    """The forms of the partials of one order, from those of the order below."""
    spec = forms.spec
    truth = higher_truth.exact(spec, at, wanted)
    tree = pieces.tree_or_leaf(spec.outputs, spec.assume)
    below = known if isinstance(tree, pieces.Leaf) else {}
    found = {leaf: _leaf(leaf, spec, wanted, below, at, truth, how, edge) for leaf in pieces.leaves(tree)}

    def combined(k: int) -> Expr:
        return tidy(pieces.combine(tree, lambda leaf: found[leaf][k], average_ties=True))

    exprs = _mended(forms, wanted, [combined(k) for k in range(len(wanted))])
    exprs = [
        _better(p, e, known, spec, at, truth[:, k])
        for k, (p, e) in enumerate(zip(wanted, exprs, strict=True))
    ]
    return {p: _confined(e, _free(p, known), forms) for p, e in zip(wanted, exprs, strict=True)}


def _leaf(
    leaf: pieces.Leaf,
    spec: Spec,
    wanted: Sequence[Partial],
    known: Mapping[Partial, Expr],
    at: Array,
    truth: Array,
    how: Effort,
    edge: int,
) -> tuple[Expr, ...]:
    inside = on_path(leaf.path, spec, at)
    plain = [plain_partial(leaf.outputs[i], [spec.args[k] for k in places]) for i, places in wanted]
    if inside.sum() < FEWEST:
        return tuple(plain)
    shapes = [
        (e, factored(e), *scaled(e), *_derived(p, known, spec)) if e.names else (e,)
        for p, e in zip(wanted, plain, strict=True)
    ]
    targets = [Target(tuple(dict.fromkeys(s)), truth[inside, k]) for k, s in enumerate(shapes)]
    alone, same = twins.apart(targets, 0)
    improver = Improver(_as_outputs(spec, plain), at[inside], how, int(inside[:edge].sum()))
    return twins.filled(improver.improve(alone), same)


def plain_partial(e: Expr, names: Sequence[str]) -> Expr:
    """The derivative of a smooth formula by several arguments, one after the other, by the chain rule."""
    for name in names:
        e = plainly.partial(e, name) if name in variables(e) else num(0)
    return e


def _derived(partial: Partial, known: Mapping[Partial, Expr], spec: Spec) -> list[Expr]:
    """Shapes of a partial that are derivatives of the forms found for the order below."""
    i, places = partial
    found = []
    for k in dict.fromkeys(places):
        below = known.get((i, _without(places, k)))
        slope = None if below is None else chain.partial(below, spec.args[k])
        if slope is not None and slope.size <= LONGEST_SHAPE:
            found.append(tidy(slope))
    return found


def _better(
    partial: Partial, found: Expr, known: Mapping[Partial, Expr], spec: Spec, at: Array, truth: Array
) -> Expr:
    """The form found, or the derivative of a form of the order below where that is clearly better."""
    computed = Evaluator(columns(spec, at))

    def score(e: Expr) -> float:
        bits = judged(e, computed, truth).bits[np.isfinite(truth)]
        return float((bits + _FAR * (bits > BAR_BITS)).mean())

    i, places = partial
    below = ((known[i, _without(places, k)], spec.args[k]) for k in dict.fromkeys(places))
    others = [e for e in (_slope(form, name) for form, name in below) if e is not None]
    if not others or not np.isfinite(truth).any():
        return found
    best = min(others, key=score)
    return tidy(best) if score(best) < score(found) - _CLEARLY else found


def _slope(e: Expr, name: str) -> Expr | None:
    """The derivative of a form, branch by branch; None where it is not known."""
    if e.op != "where":
        return chain.partial(e, name) if name in variables(e) else num(0)
    one, other = (_slope(branch, name) for branch in e.args[1:])
    return None if one is None or other is None else where(e.args[0], one, other)


def _without(places: tuple[int, ...], k: int) -> tuple[int, ...]:
    at = places.index(k)
    return (*places[:at], *places[at + 1 :])


def _as_outputs(spec: Spec, exprs: Sequence[Expr]) -> Spec:
    """A function of which these are the outputs."""
    return replace(spec, outputs=tuple(exprs), several=True, signature=replace(spec.signature, keys=()))


def _mended(forms: Forms, wanted: Sequence[Partial], exprs: Sequence[Expr]) -> Sequence[Expr]:
    """The forms with their limits at 0 and at infinity where they are NaN there."""
    spec = forms.spec
    plain = [plain_partial(spec.outputs[i], [spec.args[k] for k in places]) for i, places in wanted]
    rows = ((num(0),) * len(spec.args),) * len(plain)
    alone = Forms(_as_outputs(spec, plain), tuple(exprs), rows, forms.anchors)
    return mend(alone, lambda i, j: False).values


def _free(partial: Partial, known: Mapping[Partial, Expr]) -> frozenset[str]:
    """The arguments on which all forms of the order below depend."""
    i, places = partial
    below = [known[i, _without(places, k)] for k in dict.fromkeys(places)]
    return frozenset.intersection(*(frozenset(variables(e)) for e in below))


def _confined(e: Expr, allowed: frozenset[str], forms: Forms) -> Expr:
    """A form over arguments that the forms below it depend on; what does not matter is set to a number."""
    others = [a for a in variables(e) if a not in allowed]
    if not others or not forms.anchors:
        return e if not others else num(0)
    anchor = dict(zip(forms.spec.args, forms.anchors[0], strict=True))
    return tidy(substitute(e, {var(a): num(Fraction(anchor[a])) for a in others}))
