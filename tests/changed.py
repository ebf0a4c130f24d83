"""Shapes over inner functions, and what they stand for."""

from __future__ import annotations

import numpy as np

from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, substitute, var, variables
from vjpgen.inner import Change


def whole(change: Change, shape: Expr) -> Expr:
    """The shape over the arguments alone."""
    logs = {var(name): log for name, log in change.logs}
    at = {i.name: substitute(i.at, logs) for i in change.inner}
    functions = {var(i.name): substitute(i.function, {var(i.variable): at[i.name]}) for i in change.inner}
    return substitute(shape, functions | logs)


def same(found: list[Change], e: Expr, rtol: float) -> None:
    """Asserts that every shape is equal to the formula, where all arguments are ordinary and positive."""
    assert found
    draw = np.random.default_rng(0)
    env = {a: draw.uniform(0.5, 2.0, 64) for a in variables(e)}
    exact = evaluate(e, env, np.float64)
    for change in found:
        for shape in change.shapes:
            np.testing.assert_allclose(evaluate(whole(change, shape), env, np.float64), exact, rtol=rtol)
