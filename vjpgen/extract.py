"""Extraction by measurement: small beams of terms per e-class, scored by what they really compute.

Bottom-up over the part of the e-graph that the error analysis finds promising, each class keeps a few
immutable terms with their float32 values. A term's error is its distance from the class's truth; the beam
is chosen so that its terms cover the points between them, so the beam of a root lists the candidates for
regimes.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vjpgen.classes import LOST, Analysis
from vjpgen.egraph import Graph, Node, term
from vjpgen.expr import Expr
from vjpgen.floats import Array, apply, error_bits, leaf, ulps
from vjpgen.ops import OPS

COST_PRICE = 0.002  # bits that one unit of cost is worth
_LEAVES = ("num", "var", "const")


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """One way to compute a class.

    Attributes:
        expr: the expression.
        values: what it computes at the sample points, float32.
        bits: error at each point, log2(1 + ulps).
        cost: sum of the costs of its distinct operations.
        score: mean bits plus the price of the cost.
    """

    expr: Expr
    values: Array
    bits: Array
    cost: float
    score: float


def make_term(expr: Expr, values: Array, truth: Array, cost: float) -> Term:
    """A term with its error against float64 truth; points whose truth is NaN do not count."""
    bits = error_bits(ulps(values, truth))
    bits = np.where(np.isnan(truth), 0.0, bits)
    return Term(expr, values, bits, cost, float(bits.mean()) + COST_PRICE * cost)


def extract(
    graph: Graph, analysis: Analysis, env: Mapping[str, Array], roots: Sequence[Array], *, width: int = 4, kept: int = 8, rounds: int = 8
) -> dict[int, list[Term]]:
    """Beams of the classes below the roots, each ordered best first.

    Args:
        graph: a saturated graph.
        analysis: its error analysis at the points of `env`.
        env: float32 columns.
        roots: exact values of the roots, NaN where they do not count.
        width: terms per beam.
        kept: nodes per class that are tried.
        rounds: passes at most.
    """
    chosen = _promising(graph, analysis, kept)
    parents: dict[int, list[int]] = {}
    for owner, nodes in chosen.items():
        for node in nodes:
            for c in dict.fromkeys(node[1:] if node[0] not in _LEAVES else ()):
                parents.setdefault(c, []).append(owner)
    truths = {c: _truth(analysis, c) for c in chosen} | dict(zip(graph.roots, roots, strict=True))
    beams: dict[int, list[Term]] = {c: [] for c in chosen}
    tried: set[tuple[int, Node, tuple[Expr, ...]]] = set()
    dirty = list(chosen)
    for _ in range(rounds):
        changed: list[int] = []
        for owner in dirty:
            fresh = [t for node in chosen[owner] for t in _terms(owner, node, beams, env, truths[owner], tried)]
            if fresh:
                beam = select([*beams[owner], *fresh], width)
                if [t.expr for t in beam] != [t.expr for t in beams[owner]]:
                    beams[owner] = beam
                    changed.append(owner)
        dirty = sorted({p for c in changed for p in parents.get(c, ())})
        if not dirty:
            break
    return beams


def _promising(graph: Graph, analysis: Analysis, kept: int) -> dict[int, list[Node]]:
    """Below the roots, the nodes of each class whose predicted errors are best between them."""
    chosen: dict[int, list[Node]] = {}
    stack = list(reversed(graph.roots))
    while stack:
        c = stack.pop()
        if c in chosen:
            continue
        bits = np.log2(1 + np.minimum(analysis.node_errors[c], LOST))
        order = _cover(bits, kept, graph.nodes[c])
        chosen[c] = [graph.nodes[c][k] for k in order]
        for node in chosen[c]:
            stack.extend(x for x in node[1:] if node[0] not in _LEAVES)
    return chosen


def _cover(bits: Array, kept: int, nodes: tuple[Node, ...]) -> list[int]:
    price = np.array([OPS[n[0]].cost if n[0] in OPS else 0.0 for n in nodes]) * COST_PRICE
    means = bits.mean(axis=1) + price
    first = int(np.argmin(means))
    picked, best = [first], bits[first]
    while len(picked) < min(kept, len(nodes)):
        gain = np.maximum(best - bits, 0.0).mean(axis=1) - price * 0.1
        gain[picked] = -np.inf
        k = int(np.argmax(gain))
        if gain[k] <= 0.0:
            break
        picked.append(k)
        best = np.minimum(best, bits[k])
    others = [k for k in np.argsort(means, kind="stable") if k not in picked and means[k] < means[first] + 2.0]
    return picked + [int(k) for k in others[: kept - len(picked)]]


def _truth(analysis: Analysis, c: int) -> Array:
    """The class's value where the analysis can vouch for it in float64; NaN elsewhere."""
    return np.where(analysis.errors[c] < 2.0**26, analysis.values[c], np.nan)


def _terms(
    owner: int,
    node: Node,
    beams: Mapping[int, list[Term]],
    env: Mapping[str, Array],
    truth: Array,
    tried: set[tuple[int, Node, tuple[Expr, ...]]],
) -> list[Term]:
    if node[0] in _LEAVES:
        if (owner, node, ()) in tried:
            return []
        tried.add((owner, node, ()))
        expr = term(node, ())
        value = np.broadcast_to(leaf(expr, env, np.float32), truth.shape)
        return [make_term(expr, np.ascontiguousarray(value), truth, 0.0)]
    found = []
    for operands in itertools.product(*(beams[c] for c in node[1:])):
        key = (owner, node, tuple(t.expr for t in operands))
        if key in tried:
            continue
        tried.add(key)
        expr = term(node, [t.expr for t in operands])
        if expr.size > 400:
            continue
        value = apply(node[0], [t.values for t in operands], np.float32)
        shared = {id(t): t for t in operands}.values()
        found.append(make_term(expr, value, truth, OPS[node[0]].cost + sum(t.cost for t in shared)))
    return found


def select(terms: list[Term], width: int) -> list[Term]:
    """The terms that cover the points between them: best score first, then whatever mends the most."""
    unique = list({t.expr: t for t in terms}.values())
    first = min(unique, key=lambda t: (t.score, t.expr.size))
    picked, best = [first], first.bits
    while len(picked) < min(width, len(unique)):
        gains = [(float(np.maximum(best - t.bits, 0.0).mean()) - 0.1 * COST_PRICE * t.cost, -k) for k, t in enumerate(unique)]
        gain, k = max(gains)
        if gain <= 0.0:
            break
        picked.append(unique[-k])
        best = np.minimum(best, unique[-k].bits)
    return picked
