"""Piecewise formulas as a decision tree over smooth ones.

`where`, `max` and `min` become splits; each leaf is smooth and is searched on its own part of the domain.
Policy at kinks, as JAX has it: a `where` takes the derivative of the branch it takes; at a tie of max or
min the derivative is the mean of both sides'; abs and sign stay operations (abs' = sign, 0 at 0).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from vjpgen.expr import Expr, call, num, substitute, walk, where

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


def tree(outputs: tuple[Expr, ...]) -> Tree:
    """The decision tree of a function with several outputs; all outputs share its splits.

    Raises:
        TooManyPieces: more than `LEAF_LIMIT` leaves.
    """
    built = _grow(outputs, ())
    if sum(1 for _ in leaves(built)) > LEAF_LIMIT:
        raise TooManyPieces
    return built


def _grow(outputs: tuple[Expr, ...], path: tuple[Expr, ...]) -> Tree:
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
    if condition.op in ("true", "false") or condition in path or negated in path:
        taken = a if condition.op == "true" or condition in path else b
        return _grow(tuple(substitute(o, {kink: taken}) for o in outputs), path)
    yes = _grow(tuple(substitute(o, {kink: a}) for o in outputs), (*path, condition))
    no = _grow(tuple(substitute(o, {kink: b}) for o in outputs), (*path, negated))
    return Split(condition, yes, no, tie)


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
    if t.tie is not None and average_ties:
        no = where(call("not", t.tie), no, mean(yes, no))
    return where(t.condition, yes, no)


def mean(a: Expr, b: Expr) -> Expr:
    """(a + b)/2, folded where both are numbers."""
    if a.op == b.op == "num":
        assert isinstance(a.value, Fraction) and isinstance(b.value, Fraction)
        return num((a.value + b.value) / 2)
    return num(Fraction(1, 2)) * (a + b)
