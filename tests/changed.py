"""Shapes over inner functions, and what they stand for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vjpgen import derive
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, substitute, var, variables
from vjpgen.inner import Change
from vjpgen.parse import parse

Changes = Callable[[Expr, dict[str, Any]], list[Change]]


def formula(text: str) -> Expr:
    return parse(text).outputs[0]


def found(changes: Changes, text: str) -> list[Change]:
    """The changes of a formula, all of whose arguments are positive."""
    e = formula(text)
    return changes(e, derive.symbols(variables(e), frozenset(variables(e))))


def whole(change: Change, shape: Expr) -> Expr:
    """The shape over the arguments alone."""
    logs = {var(name): log for name, log in change.logs}
    at = {i.name: substitute(i.at, logs) for i in change.inner}
    functions = {var(i.name): substitute(i.function, {var(i.variable): at[i.name]}) for i in change.inner}
    return substitute(shape, functions | logs)


def same(changes: Changes, text: str, rtol: float) -> None:
    """Asserts that there are shapes, each equal to the formula at ordinary positive arguments."""
    e, made = formula(text), found(changes, text)
    assert made
    draw = np.random.default_rng(0)
    env = {a: draw.uniform(0.5, 2.0, 64) for a in variables(e)}
    exact = evaluate(e, env, np.float64)
    for change in made:
        for shape in change.shapes:
            np.testing.assert_allclose(evaluate(whole(change, shape), env, np.float64), exact, rtol=rtol)
