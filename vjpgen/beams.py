"""Candidates for several targets from one e-graph: seeds and facts go in, measured terms come out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from vjpgen.classes import analyse
from vjpgen.eclasses import Graph
from vjpgen.egraph import saturate
from vjpgen.evaluation import Evaluator
from vjpgen.expr import Expr, has_op, walk
from vjpgen.extract import Term, extract
from vjpgen.floats import BAR, Array, representable

OUTSIDE = frozenset(("poly", "where", "besselj", "besseli", "polygamma", "floor", "ceil", "round"))
BAR_BITS = math.log2(1 + BAR)
_EXCELLENT = 0.2  # bits on average that end the growth of a graph at once


def counted(truth: Array) -> Array:
    """Exact values where they count: NaN where float32 does not represent them."""
    return np.where(representable(truth, np.float32), truth, np.nan)


def beams(
    shapes: Sequence[Sequence[Expr]],
    truths: Sequence[Array],
    env: Mapping[str, Array],
    nodes: int,
    *,
    glance: bool = False,
) -> list[list[Term]]:
    """Terms for each target, from one e-graph that holds all shapes with operations that it knows.

    Args:
        shapes: of each target, equal to each other on the domain.
        truths: the exact values of each target at the points.
        env: arguments at the points.
        nodes: that the graph may have for one target; each further one adds a quarter.
        glance: whether the graph ends with its first round where that holds a term for every target that is
            right wherever it was measured.
    """
    seeds = [[s for s in those if not has_op(s, *OUTSIDE)] for those in shapes]
    inside = [k for k, those in enumerate(seeds) if those]
    found: list[list[Term]] = [[] for _ in shapes]
    if not inside:
        return found
    seeds, exact = [seeds[k] for k in inside], [truths[k] for k in inside]

    def measured(graph: Graph) -> list[list[Term]]:
        terms = extract(graph, analyse(graph, env, exact), env, [counted(t) for t in exact])
        return [terms.get(root, []) for root in graph.roots]

    graph = saturate(
        seeds,
        _facts(seeds, env),
        limit=nodes + nodes // 4 * (len(inside) - 1),
        enough=lambda g: glance and all(map(_right, measured(g))),
    )
    for k, terms in zip(inside, measured(graph), strict=True):
        found[k] = terms
    return found


def _facts(seeds: Sequence[Sequence[Expr]], env: Mapping[str, Array]) -> list[tuple[str, Expr]]:
    """Signs that hold at every point, for the arguments and the subexpressions of the seeds."""
    facts, wide = [], Evaluator(env, np.float64)
    for e in walk(*(s for those in seeds for s in those)):
        if e.op == "num":
            continue
        values = np.atleast_1d(wide(e))
        if np.isnan(values).any():
            continue
        if (values > 0).all():
            facts.append(("pos", e))
        elif (values >= 0).all():
            facts.append(("nonneg", e))
        elif (values != 0).mean() > 0.5:
            facts.append(("nz", e))
    return facts


def _right(terms: Sequence[Term]) -> bool:
    """Whether one of the terms is right wherever it was measured."""
    return any(t.bits.max() <= BAR_BITS and t.bits.mean() <= _EXCELLENT for t in terms)
