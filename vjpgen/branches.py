"""The branches of a form, and what each has to equal: a piece of the formula or of its derivative."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from vjpgen import chain, pieces, plainly
from vjpgen.candidates import on_path
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, call, has_op, num, rebuild, show, single_words, substitute
from vjpgen.floats import Array
from vjpgen.signs import decide
from vjpgen.spec import Spec
from vjpgen.survey import Quantity
from vjpgen.tidy import tidy
from vjpgen.truth import Truth

_MOST = 16  # branches of a form
_POINTS = 24  # where both ends are computed exactly
_OPPOSITE = {"lt": "ge", "ge": "lt", "gt": "le", "le": "gt", "eq": "ne", "ne": "eq"}
_RELATIONS = {"pos": "gt", "nonneg": "ge", "nz": "ne"}


def plain(spec: Spec, q: Quantity) -> Expr:
    """The formula as typed, or the derivative of it that one would write down, or what is meant instead."""
    whole = spec.outputs[q.output]
    if q.argument is None:
        return whole
    given = spec.meant.formula(q.output, q.argument) if spec.meant else None
    if given is not None:
        return given
    slope = _slope(whole, spec, spec.args[q.argument])
    return spec.meant.around(slope, q.argument) if spec.meant else slope


def _slope(whole: Expr, spec: Spec, arg: str) -> Expr:
    """The derivative, piece by piece where the formula has pieces."""
    if not has_op(whole, "where", "max", "min"):
        return plainly.partial(whole, arg)
    try:
        tree = pieces.tree((whole,), spec.assume)
    except pieces.TooManyPieces:
        return plainly.partial(whole, arg)
    slopes = {leaf: plainly.partial(leaf.outputs[0], arg) for leaf in pieces.leaves(tree)}
    return tidy(pieces.combine(tree, lambda leaf: slopes[leaf], average_ties=True))


@dataclass(frozen=True, eq=False)
class Question:
    """A branch of a form, and the plain term that it has to equal.

    Attributes:
        spec: the function.
        path: the conditions of the branch, over the arguments.
        conditions: the same as they are written.
        start: the plain term.
        end: the branch over the arguments, without double words.
        written: the branch as it is computed.
        names: those in it that are no arguments.
        slope: the derivative of the value's form there, for a partial.
        at: points in the branch, the first `ordinary` of them from ordinary ranges.
    """

    spec: Spec
    path: tuple[Expr, ...]
    conditions: tuple[str, ...]
    start: Expr
    end: Expr
    written: Expr
    names: tuple[str, ...]
    slope: Expr | None
    at: Array
    ordinary: int

    def holds(self, fact: str, e: Expr) -> bool:
        """Whether a fact holds of a term: by its structure, or at all points where it is a number."""
        said = decide(call(_RELATIONS[fact], e, num(0)), (*self.spec.assume, *self.path))
        if said is not None:
            return said
        values = _values(e, self.spec, self.at)
        known = ~np.isnan(values)
        if not known.any():
            return False
        if fact == "nz":
            return bool((values[known] != 0).mean() > 0.5)
        usual = values[: self.ordinary][known[: self.ordinary]]
        least = (usual > 0).all() and len(usual) > 0 if fact == "pos" else True
        return bool((values[known] >= 0).all() and least)

    @cached_property
    def gap(self) -> tuple[int, float]:
        """At how many points both ends were computed exactly, and their largest relative difference."""
        rows = np.unique(np.linspace(0, len(self.at) - 1, _POINTS).astype(int))
        exact = Truth((self.start, self.end), self.spec.args).values(self.at[rows])
        both = exact[np.isfinite(exact).all(axis=1)]
        if not len(both):
            return 0, 0.0
        scale = np.maximum(np.abs(both).max(axis=1), np.finfo(np.float64).tiny)
        return len(both), float((np.abs(both[:, 0] - both[:, 1]) / scale).max())


def questions(
    spec: Spec,
    formula: Expr,
    form: Expr,
    q: Quantity,
    defined: Mapping[Expr, Expr],
    value: Expr | None,
    at: Array,
    ordinary: int,
) -> Iterator[Question]:
    """The branches of a form.

    Args:
        spec: the function.
        formula: the plain term, from `plain`.
        form: how it is computed.
        q: which value or partial it is.
        defined: what names in the form that are no arguments stand for.
        value: the form of the output's value, over the arguments, if it is known.
        at: points of the domain, the first `ordinary` of them from ordinary ranges.
    """
    try:
        given = [*pieces.leaves(pieces.tree((formula,), spec.assume))]
    except pieces.TooManyPieces:
        return
    known = [] if q.argument is None or value is None else [*islice(_leaves(value, ()), _MOST)]
    computed = [*islice(_leaves(form, ()), _MOST + 1)]
    if len(computed) > _MOST:
        return
    for leaf in computed:
        path = tuple(substitute(c, defined) for c in leaf.path)
        inside = on_path(path, spec, at)
        end = rebuild(substitute(leaf.outputs[0], defined), single_words)
        start = _around(spec, given, inside, at)
        around = _around(spec, known, inside, at) if known else None
        arg = "" if q.argument is None else spec.args[q.argument]
        stable = None if around is None else rebuild(around, single_words)
        derived = stable is not None and not (spec.meant or has_op(stable, "poly", "where"))
        yield Question(
            spec=spec,
            path=path,
            conditions=tuple(show(_positive(c)) for c in leaf.path),
            start=formula if start is None else start,
            end=end,
            written=leaf.outputs[0],
            names=tuple(str(v.value) for v in defined if str(v.value) in leaf.outputs[0].names),
            slope=chain.partial(stable, arg) if derived and stable is not None else None,
            at=at[inside],
            ordinary=int(inside[:ordinary].sum()),
        )


def _leaves(e: Expr, path: tuple[Expr, ...]) -> Iterator[pieces.Leaf]:
    """The branches of a form, outermost choices first; `max` and `min` stay what they are."""
    choice = _outermost(e)
    if choice is None:
        yield pieces.Leaf((e,), path)
        return
    condition, yes, no = choice.args
    for branch, holds in ((yes, condition), (no, call("not", condition))):
        yield from _leaves(substitute(e, {choice: branch}), (*path, holds))


def _outermost(e: Expr) -> Expr | None:
    waiting = [e]
    while waiting:
        x = waiting.pop()
        if x.op == "where":
            return x
        waiting += reversed(x.args)
    return None


def _positive(condition: Expr) -> Expr:
    """The same condition without a negation, where it is one of a relation."""
    inner = condition.args[0] if condition.op == "not" else condition
    return (
        call(_OPPOSITE[inner.op], *inner.args)
        if inner is not condition and inner.op in _OPPOSITE
        else condition
    )


def _around(spec: Spec, leaves: Sequence[pieces.Leaf], inside: Array, at: Array) -> Expr | None:
    """The piece in which all of these points lie; None where they lie in several."""
    if len(leaves) == 1:
        return leaves[0].outputs[0]
    within = (leaf for leaf in leaves if (on_path(leaf.path, spec, at) | ~inside).all() and inside.any())
    found = next(within, None)
    return None if found is None else found.outputs[0]


def _values(e: Expr, spec: Spec, at: Array) -> Array:
    columns = {a: at[:, k] for k, a in enumerate(spec.args)}
    with np.errstate(all="ignore"):
        return np.broadcast_to(evaluate(e, columns, np.float64), (len(at),))
