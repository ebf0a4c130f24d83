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
from vjpgen.eclasses import Graph, Node, term
from vjpgen.evaluation import leaf
from vjpgen.expr import Expr
from vjpgen.floats import Array, apply, error_bits, ulps
from vjpgen.ops import OPS

COST_PRICE = 0.004  # bits that one unit of cost is worth
_NOT_FINITE = 8.0  # bits that an infinite or undefined intermediate costs where its truth is unknown
_LUCK = 1.5  # bits that the rounding of a few operations may give or take
_LARGEST = 300  # nodes of a term
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
    graph: Graph,
    analysis: Analysis,
    env: Mapping[str, Array],
    roots: Sequence[Array],
    *,
    width: int = 3,
    kept: int = 8,
    rounds: int = 5,
) -> dict[int, list[Term]]:
    """Beams of the classes below the roots, each ordered best first.

    Args:
        graph: a saturated graph.
        analysis: its error analysis at the points of `env`.
        env: float32 columns.
        roots: exact values of the roots, NaN where they do not count.
        width: terms per beam; a root keeps four times as many.
        kept: nodes per class that are tried.
        rounds: passes at most.
    """
    sizes, founded = _smallest(graph)
    chosen = _promising(graph, analysis, kept, founded)
    parents: dict[int, list[int]] = {}
    for owner, nodes in chosen.items():
        for node in nodes:
            for c in dict.fromkeys(node[1:] if node[0] not in _LEAVES else ()):
                parents.setdefault(c, []).append(owner)
    truths = {c: _truth(analysis, c) for c in chosen} | dict(zip(graph.roots, roots, strict=True))
    beams: dict[int, list[Term]] = {c: [] for c in chosen}
    wide = {c: width * (4 if c in graph.roots else 1) for c in chosen}
    dirty = sorted(chosen, key=lambda c: (sizes[c], c))
    tried: dict[int, list[tuple[int, ...]]] = {c: [()] * len(nodes) for c, nodes in chosen.items()}
    changes = dict.fromkeys(chosen, 0)  # how often each beam has changed
    for _ in range(rounds):
        again: set[int] = set()
        for owner in dirty:
            fresh = _fresh(chosen[owner], changes, tried[owner])
            beam = _beam(fresh, beams, beams[owner], env, truths[owner], wide[owner])
            if [t.expr for t in beam] != [t.expr for t in beams[owner]]:
                beams[owner] = beam
                changes[owner] += 1
                again.update(parents.get(owner, ()))
        dirty = sorted(again, key=lambda c: (sizes[c], c))
        if not dirty:
            break
    return beams


def _fresh(nodes: Sequence[Node], changes: Mapping[int, int], tried: list[tuple[int, ...]]) -> list[Node]:
    """The nodes of which an operand's beam has changed since they were tried; notes that they are now."""
    found = []
    for k, node in enumerate(nodes):
        seen = (1,) if node[0] in _LEAVES else tuple(changes[c] for c in node[1:])
        if seen != tried[k]:
            tried[k] = seen
            found.append(node)
    return found


def _promising(graph: Graph, analysis: Analysis, kept: int, founded: Sequence[int]) -> dict[int, list[Node]]:
    """Below the roots, the nodes of each class whose predicted errors are best between them."""
    chosen: dict[int, list[Node]] = {}
    stack = list(reversed(graph.roots))
    while stack:
        c = stack.pop()
        if c in chosen:
            continue
        bits = np.log2(1 + np.minimum(analysis.node_errors[c], LOST))
        # The negated class borrows every way that this one has: judged beside them, it would hide them all.
        own = [k for k, node in enumerate(graph.nodes[c]) if node[0] != "neg"]
        negated = [k for k, node in enumerate(graph.nodes[c]) if node[0] == "neg"]
        order = [own[k] for k in _cover(bits[own], kept, [graph.nodes[c][k] for k in own])] if own else []
        chosen[c] = [graph.nodes[c][k] for k in dict.fromkeys([*order, *negated[:1], founded[c]])]
        for node in chosen[c]:
            stack.extend(x for x in node[1:] if node[0] not in _LEAVES)
    return chosen


def _smallest(graph: Graph) -> tuple[list[float], list[int]]:
    """For each class the size and the node of its smallest term; following these never runs in a circle."""
    size = [float("inf")] * len(graph.nodes)
    best = [0] * len(graph.nodes)
    changed = True
    while changed:
        changed = False
        for c, nodes in enumerate(graph.nodes):
            for k, node in enumerate(nodes):
                found = 1.0 if node[0] in _LEAVES else 1.0 + sum(size[x] for x in node[1:])
                if found < size[c]:
                    size[c], best[c], changed = found, k, True
    return size, best


def _cover(bits: Array, kept: int, nodes: Sequence[Node]) -> list[int]:
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
    others = [
        k for k in np.argsort(means, kind="stable") if k not in picked and means[k] < means[first] + 2.0
    ]
    return picked + [int(k) for k in others[: kept - len(picked)]]


def _truth(analysis: Analysis, c: int) -> Array:
    """The class's value where the analysis can vouch for it in float64; NaN elsewhere."""
    return np.where(analysis.errors[c] < 2.0**26, analysis.values[c], np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class _Candidates:
    """All ways to compute one node over its operands' beams, as rows; a term is built once it is chosen."""

    node: Node
    operands: tuple[tuple[Term, ...], ...]
    values: Array  # (rows, points) float32
    bits: Array  # (rows, points)
    costs: Array  # (rows,)


def _beam(
    nodes: Sequence[Node],
    beams: Mapping[int, list[Term]],
    old: list[Term],
    env: Mapping[str, Array],
    truth: Array,
    width: int,
) -> list[Term]:
    """The terms of one class that cover the points between them, best score first."""
    found = [c for node in nodes if (c := _candidates(node, beams, env, truth)) is not None]
    if not found:
        return old
    bits = np.concatenate([*(t.bits[None] for t in old), *(c.bits for c in found)])
    costs = np.concatenate([[t.cost for t in old], *(c.costs for c in found)])
    rows = [(c, k) for c in found for k in range(len(c.costs))]
    picked = cover(bits, costs, width)
    return [old[k] if k < len(old) else _term(*rows[k - len(old)], bits[k]) for k in picked]


def _candidates(
    node: Node, beams: Mapping[int, list[Term]], env: Mapping[str, Array], truth: Array
) -> _Candidates | None:
    if node[0] in _LEAVES:
        value = np.broadcast_to(leaf(term(node, ()), env, np.float32), (1, len(truth)))
        return _Candidates(node, ((),), value, _bits(value, truth), np.zeros(1))
    below = [beams[c] for c in node[1:]]
    if not all(below):
        return None
    rows = [r for r in itertools.product(*below) if sum(t.expr.size for t in r) < _LARGEST]
    if not rows:
        return None
    values = apply(node[0], [np.stack([r[k].values for r in rows]) for k in range(len(below))], np.float32)
    costs = [OPS[node[0]].cost + sum(t.cost for t in {id(t): t for t in r}.values()) for r in rows]
    return _Candidates(node, tuple(rows), values, _bits(values, truth), np.array(costs))


def _bits(values: Array, truth: Array) -> Array:
    """Bits of error; where the truth is unknown, only that a result is finite counts."""
    gap = ulps(np.ascontiguousarray(values), truth)
    return np.where(np.isnan(truth), np.where(np.isfinite(values), 0.0, _NOT_FINITE), error_bits(gap))


def _term(candidates: _Candidates, row: int, bits: Array) -> Term:
    operands = candidates.operands[row]
    expr = term(candidates.node, [t.expr for t in operands])
    price = float(candidates.costs[row])
    return Term(expr, candidates.values[row], bits, price, float(bits.mean()) + COST_PRICE * price)


def cover(bits: Array, costs: Array, width: int) -> list[int]:
    """Rows that cover the points between them: best score first, then whatever mends the most."""
    scores = bits.mean(axis=1) + COST_PRICE * costs
    picked = [int(np.argmin(scores))]
    best = bits[picked[0]]
    while len(picked) < min(width, len(costs)):
        gains = _gain(best - bits).mean(axis=1) - 0.1 * COST_PRICE * costs
        k = int(np.argmax(gains))
        if gains[k] <= 0.0:
            break
        picked.append(k)
        best = np.minimum(best, bits[k])
    return picked


def _gain(better: Array) -> Array:
    """Bits won, those that may be luck in rounding at a quarter of their worth."""
    return np.where(better > _LUCK, better, 0.25 * np.maximum(better, 0.0))
