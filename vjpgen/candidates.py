"""Candidates for one target: how each is measured, what it costs, and which of them are worth knowing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from vjpgen import two_words
from vjpgen.compiled import variants
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, num, var, walk
from vjpgen.extract import Term, make_term
from vjpgen.floats import Array
from vjpgen.forms import Trade
from vjpgen.spec import Spec
from vjpgen.tidy import tidy

FEWEST = 16  # points that a piece needs to be searched
_LIMITS = (0, 1, -1, Fraction(1, 2), Fraction(-1, 2), 2, -2)
FLOAT64 = 2.0**-48  # relative error that float64 would see
_TAIL = 0.04  # share of the points at which a limit has to be the truth
_LENGTH = 0.5  # cost of a node of the written-out form: short forms are read and compiled sooner


@dataclass(frozen=True, slots=True)
class Target:
    """One smooth formula to compute, in several shapes, and its exact values at the points."""

    shapes: tuple[Expr, ...]
    truth: Array


Solve = Callable[[Spec, Array, Sequence[Target]], Sequence[Expr]]  # a search of a function at its points


def columns(spec: Spec, at: Array) -> dict[str, Array]:
    return {name: np.ascontiguousarray(at[:, k]) for k, name in enumerate(spec.args)}


def judged(e: Expr, computed: Callable[[Expr], Array], truth: Array, price: float = 0.0) -> Term:
    """A term with its error at each point: as written, or as XLA compiles it, whichever is worse."""
    shapes = dict.fromkeys((e, *variants(e)))
    terms = [make_term(e, full(computed(shape), truth), truth, price) for shape in shapes]
    last = terms[-1]
    if len(terms) == 1:
        return last
    bits = np.maximum.reduce([t.bits for t in terms])
    return replace(last, bits=bits, score=last.score + float((bits - last.bits).mean()))


def on_path(path: Sequence[Expr], spec: Spec, at: Array) -> Array:
    """Which points satisfy all conditions of a path, in float64."""
    inside, env = np.ones(len(at), bool), {k: v.astype(np.float64) for k, v in columns(spec, at).items()}
    for condition in path:
        inside &= np.broadcast_to(evaluate(condition, env, np.float64), inside.shape).astype(bool)
    return inside


def full(values: Array, like: Array) -> Array:
    return np.ascontiguousarray(np.broadcast_to(values, like.shape))


def tails(truth: Array, env: Mapping[str, Array]) -> list[Expr]:
    """What the truth is at many of the points, to float64: a simple number, or a multiple of an argument.

    Saturated functions are these in their tails, where the formula may compute inf * 0 or cancel.
    """
    found = []
    for factor in (None, *env):
        unit = np.ones_like(truth) if factor is None else env[factor].astype(np.float64)
        for c in _LIMITS if factor is None else _LIMITS[1:]:
            guess = float(c) * unit
            if np.mean(np.abs(truth - guess) <= FLOAT64 * np.abs(guess)) >= _TAIL:
                found.append(num(c) if factor is None else tidy(num(c) * var(factor)))
    return found


def front(terms: Iterable[Term]) -> tuple[Trade, ...]:
    """The Pareto front of cost against bits: each is better than everything that is cheaper."""
    found: list[Trade] = []
    for t in sorted(terms, key=lambda t: (cost(t.expr), float(t.bits.mean()), t.expr.size)):
        bits = float(t.bits.mean())
        if not found or bits < found[-1].bits:
            found.append(Trade(t.expr, cost(t.expr), bits))
    return tuple(found)


def cost(e: Expr) -> float:
    """Sum of the costs of the distinct operations of an expression, and a little for its length."""
    return sum(two_words.cost(x) for x in walk(e) if x.args) + _LENGTH * e.size
