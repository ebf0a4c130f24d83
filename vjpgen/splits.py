"""Where the form on one side of a split gives way to the form on the other."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from vjpgen import regimes
from vjpgen.candidates import columns, judged
from vjpgen.evaluation import Evaluator, evaluate
from vjpgen.expr import Expr
from vjpgen.floats import Array, representable
from vjpgen.points import between
from vjpgen.spec import Spec
from vjpgen.truth import Truth

_LINE = 33  # points between two neighbours of a split


def place(choice: regimes.Choice, k: int, spec: Spec, at: Array, formula: Expr) -> Fraction:
    """A threshold between two neighbouring points, where the forms on both sides are about as good.

    Args:
        choice: the forms and the neighbouring points between them.
        k: which of the splits.
        spec: the function.
        at: all points, float32.
        formula: what the forms compute, exactly.
    """
    low, high = choice.cuts[k]
    left, right = choice.rows[k]
    assert choice.scrutinee is not None
    line = np.concatenate(list(_paths(at[left], at[right])))
    env = columns(spec, line)
    keys = evaluate(choice.scrutinee, env).astype(np.float64)
    inside = (keys > low) & (keys < high)
    for condition in spec.assume:
        inside &= np.broadcast_to(evaluate(condition, env), inside.shape)
    order = np.flatnonzero(inside)[np.argsort(keys[inside], kind="stable")]
    if len(order) >= _LINE // 8:
        truth = Truth((formula,), spec.args).values(line[order].astype(np.float64))[:, 0]
        truth = np.where(representable(truth, np.float32), truth, np.nan)
        env = {n: v[order] for n, v in env.items()}
        computed = Evaluator(env)
        a, b = (judged(t.expr, computed, truth).bits for t in choice.terms[k : k + 2])
        loss = np.concatenate([[0.0], np.cumsum(a)]) + np.concatenate([np.cumsum(b[::-1])[::-1], [0.0]])
        edges = np.concatenate([[low], keys[order], [high]])
        loss = np.where(edges[1:] > edges[:-1], loss, np.inf)
        best = int(np.argmin(loss))
        low, high = float(edges[best]), float(edges[best + 1])
    return regimes.round_number(low, high)


def _paths(a: Array, b: Array) -> Iterator[Array]:
    """Lines of points from a to b, and between their mirror images: a magnitude may be what is compared."""
    for here, there in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
        yield between(here * a, there * b, _LINE)
