"""Piecewise formulas as a decision tree over smooth ones.

`where`, `max` and `min` become splits; each leaf is smooth and is searched on its own part of the domain.
Policy at kinks, as JAX has it: a `where` takes the derivative of the branch it takes; at a tie of max or
min the derivative is the mean of both sides'; abs and sign stay operations (abs' = sign, 0 at 0).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, call, num, substitute, variables, walk, where
from vjpgen.signs import decide, difference

LEAF_LIMIT = 24


@dataclass(frozen=True, slots=True)
class Leaf:
    """A smooth part of the function.

    Attributes:
        outputs: the formulas, free of `where`, `max` and `min`.
        path: the conditions that lead here; all of them hold.
    """

    outputs: tuple[Expr, ...]
    path: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """`yes` where the condition holds, `no` elsewhere.

    Attributes:
        tie: the condition under which neither side is preferred, for max and min; None for `where`.
    """

    condition: Expr
    yes: Tree
    no: Tree
    tie: Expr | None = None


Tree = Leaf | Split


class TooManyPieces(Exception):
    """The tree would have more than `LEAF_LIMIT` leaves."""


def tree(outputs: tuple[Expr, ...], assume: tuple[Expr, ...] = ()) -> Tree:
    """The decision tree of a function with several outputs; all outputs share its splits.

    Args:
        outputs: the formulas.
        assume: conditions that always hold; branches that they rule out are left away.

    Raises:
        TooManyPieces: more than `LEAF_LIMIT` leaves.
    """
    built = _grow(outputs, (), assume)
    if sum(1 for _ in leaves(built)) > LEAF_LIMIT:
        raise TooManyPieces
    return built


def tree_or_leaf(outputs: tuple[Expr, ...], assume: tuple[Expr, ...] = ()) -> Tree:
    """The same; one leaf, with its choices in it, where the tree would have too many."""
    try:
        return tree(outputs, assume)
    except TooManyPieces:
        return Leaf(outputs, ())


def _grow(outputs: tuple[Expr, ...], path: tuple[Expr, ...], assume: tuple[Expr, ...]) -> Tree:
    kink = next((x for x in walk(*outputs) if x.op in ("where", "max", "min")), None)
    if kink is None:
        return Leaf(outputs, path)
    if len(path) > LEAF_LIMIT:
        raise TooManyPieces
    if kink.op == "where":
        condition, a, b = kink.args
        tie = None
    else:
        a, b = kink.args
        condition = call("gt" if kink.op == "max" else "lt", a, b)
        tie = call("eq", a, b)
    negated = call("not", condition)
    known = _decided(condition, (*assume, *path), tie)
    if known is not None:
        taken = a if known else b
        return _grow(tuple(substitute(o, {kink: taken}) for o in outputs), path, assume)
    yes = _grow(tuple(substitute(o, {kink: a}) for o in outputs), (*path, condition), assume)
    no = _grow(tuple(substitute(o, {kink: b}) for o in outputs), (*path, negated), assume)
    return Split(condition, yes, no, tie)


def _decided(condition: Expr, known: tuple[Expr, ...], tie: Expr | None) -> bool | None:
    """Whether the condition is certain; for max and min it may be but for ties, where both sides agree."""
    if condition.op in ("true", "false"):
        return condition.op == "true"
    if condition in known:
        return True
    if call("not", condition) in known:
        return False
    if tie is None:
        return decide(condition, known)
    signs = difference(condition.args[0], condition.args[1], known)
    towards = 1 if condition.op == "gt" else -1
    if -towards not in signs:
        return True
    return False if towards not in signs else None


def leaves(t: Tree) -> Iterator[Leaf]:
    if isinstance(t, Leaf):
        yield t
    else:
        yield from leaves(t.yes)
        yield from leaves(t.no)


def combine(t: Tree, of: Callable[[Leaf], Expr], *, average_ties: bool) -> Expr:
    """One expression from one per leaf; at ties the mean of both sides if asked for (partials)."""
    if isinstance(t, Leaf):
        return of(t)
    yes, no = (combine(side, of, average_ties=average_ties) for side in (t.yes, t.no))
    if yes is no:
        return yes
    if t.tie is not None and average_ties and not _meet(yes, no, t.tie):
        no = where(t.tie, mean(yes, no), no)
    return where(t.condition, yes, no)


def _meet(yes: Expr, no: Expr, tie: Expr) -> bool:
    """Whether both sides have one value at a tie that is a single point of one variable."""
    names = variables(tie)
    if len(names) != 1 or set(variables(yes, no)) - set(names):
        return False
    gap = tie.args[0] - tie.args[1]
    low, high = (float(evaluate(gap, {names[0]: np.array(v)}, np.float64)) for v in (0.0, 1.0))
    if low == high:
        return False
    at = {names[0]: np.array(low / (low - high))}
    if float(evaluate(gap, at, np.float64)) != 0.0:
        return False
    one, other = (float(evaluate(side, at, np.float64)) for side in (yes, no))
    return bool(np.isclose(one, other, rtol=1e-9, atol=1e-12))


def mean(a: Expr, b: Expr) -> Expr:
    """(a + b)/2."""
    return num(Fraction(1, 2)) * (a + b)
