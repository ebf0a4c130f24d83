"""Values and attainable error of every e-class at every sample point.

One first-order error analysis over the whole e-graph: a node's relative error is the sum of its operands'
errors times their condition numbers plus its own rounding (Higham, Accuracy and Stability, 3.1), and a class
is as good as its best node, point by point. The best node's value serves as the class's truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from vjpgen.eclasses import Graph
from vjpgen.floats import CONSTANTS, NUMPY, XLA_ULPS, Array

LOST = 2.0**24  # ulps: no digit of a float32 is left
_STEP = 2.0**-20  # relative perturbation for condition numbers
_EXACT = frozenset(("neg", "abs", "sign"))
_CANCELLING = frozenset(("diff_of_products", "sqrt_diff_of_products", "sum3", "exp_product", "exp_sum"))
_UNDERFLOWS = frozenset(
    (
        "mul",
        "div",
        "square",
        "exp",
        "exp_product",
        "exp_sum",
        "neg",
        "abs",
        "sqrt",
        "hypot",
        "erfc",
        "pow",
        "logistic",
        "softplus",
    )
)  # 0 out of these is a number too small, known to within the smallest normal one
_STAYS_INFINITE = frozenset(("add", "sub", "neg", "abs", "square", "max", "softplus"))
_DOUBLE_DIGITS = 2.0**24  # cancellation beyond which float64 has no more digits than float32 needs
_DOUBLE_SUM = 2.0**28  # a sum of larger numbers is not known well enough in float64 to be exponentiated
_NOTHING = 2.0**-10  # exact operations count a little, so that no cycle of them looks as good as its operand
_LEAVES = frozenset(("num", "var", "const"))


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of each class.

    Attributes:
        values: (classes, points) float64; infinite beyond float32's range, zero below it.
        errors: (classes, points) predicted error in float32 ulps of the best way to compute it.
        node_errors: for each class, (nodes, points) the same for each of its nodes.
    """

    values: Array
    errors: Array
    node_errors: tuple[Array, ...]


@dataclass(frozen=True, slots=True)
class _Batch:
    """All nodes of one operation, so that NumPy handles them together."""

    op: str
    owners: npt.NDArray[np.intp]
    operands: tuple[npt.NDArray[np.intp], ...]
    slots: npt.NDArray[np.intp]  # place of each node among all nodes

    def touched(self, changed: npt.NDArray[np.intp], since: int) -> _Batch:
        """The nodes of which an operand, or the class itself, has changed since then; others stay."""
        rows = np.any([changed[k] >= since for k in (self.owners, *self.operands)], axis=0)
        return _Batch(self.op, self.owners[rows], tuple(k[rows] for k in self.operands), self.slots[rows])


def analyse(graph: Graph, env: Mapping[str, Array], truths: Sequence[Array], sweeps: int = 14) -> Analysis:
    """Analyse a saturated graph.

    Args:
        graph: a saturated graph.
        env: float32 columns.
        truths: exact values of the roots, float64, NaN where unknown.
        sweeps: passes over all nodes at most.
    """
    n = len(next(iter(env.values())))
    batches, leaves, first = _batches(graph)
    values = np.full((len(graph.nodes), n), np.nan)
    errors = np.full((len(graph.nodes), n), np.inf)
    per_node = np.full((graph.size, n), np.inf)
    for owner, slot, node in leaves:
        value, error = _leaf(node, env)
        values[owner], errors[owner], per_node[slot] = value, error, error
    exact = np.full_like(values, np.nan)
    for root, truth in zip(graph.roots, truths, strict=True):
        exact[root] = np.where(np.isfinite(truth), _to_range(truth), np.nan)
    changed = np.zeros(len(graph.nodes), np.intp)  # when a class last became better, in batches
    with np.errstate(all="ignore"):
        for sweep in range(sweeps):
            start = sweep * len(batches)
            for k, batch in enumerate(batches):
                since = start + k - len(batches) if sweep else 0
                better = _improve(batch.touched(changed, since), values, errors, per_node, exact)
                changed[better] = start + k
            if sweep and changed.max(initial=0) < start:
                break
    bounds = [*first, graph.size]
    return Analysis(values, errors, tuple(per_node[a:b] for a, b in pairwise(bounds)))


def _batches(graph: Graph) -> tuple[list[_Batch], list[tuple[int, int, Any]], list[int]]:
    rows: dict[tuple[str, int], list[tuple[int, int, tuple[int, ...]]]] = {}
    leaves: list[tuple[int, int, Any]] = []
    first, slot = [], 0
    for owner, nodes in enumerate(graph.nodes):
        first.append(slot)
        for node in nodes:
            if node[0] in _LEAVES:
                leaves.append((owner, slot, node))
            else:
                rows.setdefault((node[0], len(node) - 1), []).append((owner, slot, node[1:]))
            slot += 1
    found = []
    for (op, arity), entries in sorted(rows.items()):
        operands = tuple(np.array([e[2][k] for e in entries], np.intp) for k in range(arity))
        found.append(_Batch(op, np.array([e[0] for e in entries], np.intp), operands,
                            np.array([e[1] for e in entries], np.intp)))  # fmt: skip
    return found, leaves, first


def _leaf(node: Any, env: Mapping[str, Array]) -> tuple[Any, float]:
    if node[0] == "var":
        return env[node[1]].astype(np.float64), 0.0
    exact = CONSTANTS[node[1]] if node[0] == "const" else float(node[1])
    return exact, 0.0 if float(np.float32(exact)) == exact else 0.5


def _improve(batch: _Batch, values: Array, errors: Array, per_node: Array, exact: Array) -> list[int]:
    """Put what a batch computes where it is better; the classes for which it is."""
    known = np.ones(len(batch.owners), bool)
    for k in batch.operands:
        known &= np.isfinite(errors[k]).any(axis=1)
    if not known.any():
        return []
    owners, slots = batch.owners[known], batch.slots[known]
    operands = [values[k[known]] for k in batch.operands]
    value = _to_range(NUMPY[batch.op](*operands))
    error = _rounding(batch.op) + sum(
        _spread(batch.op, operands, k, value) * errors[batch.operands[k][known]] for k in range(len(operands))
    )
    error = np.where(
        (value == 0) | np.isinf(value), np.fmax(error, LOST), error
    )  # underflow, overflow, cancellation
    if batch.op not in _UNDERFLOWS:  # 0 by cancellation of inexact operands: nothing is known of the size
        inexact = np.any([errors[k[known]] > 0 for k in batch.operands], axis=0)
        error = np.where((value == 0) & inexact, np.inf, error)
    if batch.op in _CANCELLING:
        error = np.where(_hidden(batch.op, operands, value) > _DOUBLE_DIGITS * np.abs(value), np.inf, error)
    unknown = np.any([np.isinf(o) for o in operands], axis=0)
    if batch.op in _STAYS_INFINITE:
        unknown &= ~np.isinf(value)
    unknown |= _magnifies(batch.op, operands, [errors[k[known]] for k in batch.operands])
    agrees = (value == exact[owners]) | (value == values[owners]) & (errors[owners] <= LOST)
    error = np.where(unknown, np.where(agrees, LOST, np.inf), error)
    error = np.where(np.isnan(value) | np.isnan(error), np.inf, error)
    per_node[slots] = error
    improved = []
    for row, owner in enumerate(owners):  # several nodes of a batch may belong to one class
        better = error[row] < errors[owner]
        if better.any():
            errors[owner] = np.where(better, error[row], errors[owner])
            values[owner] = np.where(better, value[row], values[owner])
            improved.append(owner)
    return improved


def _hidden(op: str, operands: list[Array], value: Array) -> Array:
    """Size of what cancels inside an error-free transformation when float64 stands in for it."""
    if op == "diff_of_products":
        return np.asarray(np.abs(operands[0] * operands[1]))
    if op == "sqrt_diff_of_products":
        return np.asarray(np.abs(operands[0] * operands[1]) / value)
    if op in ("sum3", "exp_sum"):
        size = np.maximum(np.abs(operands[0]), np.abs(operands[1]))
        return size if op == "sum3" else np.where((size > _DOUBLE_SUM) & (value != 0), np.inf, 0.0)
    return np.zeros_like(operands[0])


def _magnifies(op: str, operands: list[Array], errors: list[Array]) -> Array:
    """Where an operand that underflowed to zero is scaled up again: its size is then unknown."""
    gone = [(o == 0) & (e >= LOST) for o, e in zip(operands, errors, strict=True)]
    if op == "mul":
        return np.asarray(gone[0] & (np.abs(operands[1]) > 1) | gone[1] & (np.abs(operands[0]) > 1))
    if op == "div":
        return np.asarray(gone[0] & (np.abs(operands[1]) < 1) | gone[1])
    if op in ("diff_of_products", "sqrt_diff_of_products", "pow", "atan2", "log"):
        return np.asarray(np.any(gone, axis=0))
    return np.zeros_like(gone[0])


def _to_range(value: Array) -> Array:
    size = np.abs(value)
    value = np.where(size > np.finfo(np.float32).max, np.copysign(np.inf, value), value)
    return np.where(size < np.finfo(np.float32).tiny, 0.0, value)


def _rounding(op: str) -> float:
    return _NOTHING if op in _EXACT else 0.5 + XLA_ULPS.get(op, 0.0)


def _spread(op: str, operands: list[Array], k: int, value: Array) -> Array:
    """Condition number: relative change of the result per relative change of operand k."""
    x = operands[k]
    if op in ("mul", "div", "neg", "abs"):
        return np.ones_like(value)
    if op == "square":
        return np.full_like(value, 2.0)
    if op == "sqrt":
        return np.full_like(value, 0.5)
    if op in ("add", "sub", "sum3"):
        return np.where(x == 0, 0.0, np.abs(x / value))
    if op in ("exp", "exp_sum"):
        return np.asarray(np.abs(x))
    if op == "exp_product":
        return np.asarray(np.abs(operands[0] * operands[1]))
    moved = [o * (1 + _STEP) if j == k else o for j, o in enumerate(operands)]
    change = np.abs((NUMPY[op](*moved) - value) / value) / _STEP
    return np.where(x == 0, 0.0, change)
