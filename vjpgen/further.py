"""Further shapes of a target: those that sympy knows, and changes to inner functions.

A room of its own because sympy takes longer to import than most first graphs to grow.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from vjpgen import apart, derive, elastic, first_terms, growth, inner, logs_apart, rational
from vjpgen.beams import OUTSIDE
from vjpgen.bridge import has_sympy
from vjpgen.candidates import Target
from vjpgen.expr import Expr, has_op, walk
from vjpgen.spec import Spec


def shapes(
    k: int, targets: Sequence[Target], spec: Spec, positive: frozenset[str], above: Callable[[Expr], bool]
) -> tuple[Expr, ...]:
    """Shapes of the k-th target, the plainest first.

    Args:
        k: its number: values come first, then partials, output by output.
        targets: all of them.
        spec: the function.
        positive: the arguments that are above 0.
        above: whether an expression is above 0 at all points.
    """
    n, scope = len(spec.outputs), derive.symbols(spec.args, positive)
    i, j = (k, None) if k < n else divmod(k - n, len(spec.args))
    formula = targets[i].shapes[0]
    gammas = _gammas(formula, above)
    if j is None:
        found = derive.value(formula, scope, gammas)
    else:
        found = derive.partial(formula, spec.args[j], scope, gammas)
    return (*found, *derive.spread(targets[k].shapes[0], scope), *_in_lowest_terms(formula, j, spec, scope))


def _in_lowest_terms(formula: Expr, j: int | None, spec: Spec, scope: dict[str, Any]) -> tuple[Expr, ...]:
    """The formula, or its partial, with what its functions take in lowest terms; none if it is already."""
    inside = rational.inside(formula)
    if inside is formula:
        return ()
    return (inside,) if j is None else derive.partial(inside, spec.args[j], scope)


def _gammas(formula: Expr, above: Callable[[Expr], bool]) -> Collection[Expr]:
    """The operands of gamma functions that are above 0."""
    operands = dict.fromkeys(x.args[0] for x in walk(formula) if x.op == "gamma")
    return [e for e in operands if above(e)]


def changes(shapes: Sequence[Expr], spec: Spec, positive: frozenset[str]) -> list[inner.Change]:
    """Shapes over inner functions, of the first shape and of the shortest."""
    scope = derive.symbols(spec.args, positive)
    two = dict.fromkeys((shapes[0], min(shapes, key=lambda e: e.size)))
    return [c for e in two if not has_op(e, *OUTSIDE) for c in inner.changes(e, scope)]


def terms_apart(
    formula: Expr, forms: Sequence[Expr], spec: Spec, positive: frozenset[str]
) -> list[inner.Change]:
    """Shapes in which terms that cancel are taken apart, or of one quotient over inner functions.

    Args:
        formula: what they are equal to.
        forms: what was found for it so far, in which other functions may show.
        spec: the function.
        positive: the arguments that are above 0.
    """
    if has_op(formula, *OUTSIDE):
        return []
    scope = derive.symbols(spec.args, positive)
    found = [c for e in forms if has_sympy(e) for c in inner.changes(e, scope)]
    one_quotient = (c for e in rational.rational(formula)[:1] for c in inner.changes(e, scope))
    rooms = (apart, first_terms, logs_apart)
    return [*(c for room in rooms for c in room.changes(formula, scope)), *one_quotient, *found]


def elasticities(
    k: int, targets: Sequence[Target], spec: Spec, positive: frozenset[str]
) -> list[inner.Change]:
    """Shapes of a partial over what its value, or a factor of it, grows by; none of a value."""
    n = len(spec.outputs)
    if k < n:
        return []
    i, j = divmod(k - n, len(spec.args))
    formula = targets[i].shapes[0]
    if has_op(formula, *OUTSIDE):
        return []
    scope = derive.symbols(spec.args, positive)
    return [c for room in (growth, elastic) for c in room.changes(formula, spec.args[j], scope)]
