"""Shapes over inner functions, and what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vjpgen import derive, plainly
from vjpgen.candidates import columns, judged
from vjpgen.evaluation import Evaluator, evaluate
from vjpgen.expr import Expr, substitute, var, variables
from vjpgen.floats import representable
from vjpgen.inner import Change
from vjpgen.parse import parse
from vjpgen.points import sample
from vjpgen.spec import Spec

Changes = Callable[[Expr, dict[str, Any]], list[Change]]
PartialChanges = Callable[[Expr, str, dict[str, Any]], list[Change]]


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


def partials(changes: PartialChanges, text: str, arg: str) -> list[Change]:
    """The changes of the partial of a formula, all of whose arguments are positive."""
    e = formula(text)
    return changes(e, arg, derive.symbols(variables(e), frozenset(variables(e))))


def same(changes: Changes, text: str, rtol: float) -> None:
    """Asserts that there are shapes, each equal to the formula at ordinary positive arguments."""
    _equal(found(changes, text), formula(text), 2.0, rtol, 0)


def same_partial(changes: PartialChanges, text: str, arg: str, rtol: float, atol: float = 0) -> None:
    """Asserts that there are shapes, each equal to the partial at positive arguments below 1."""
    _equal(partials(changes, text, arg), plainly.partial(formula(text), arg), 0.9, rtol, atol)


def _equal(made: Sequence[Change], e: Expr, most: float, rtol: float, atol: float) -> None:
    assert made
    draw = np.random.default_rng(0)
    env = {a: draw.uniform(0.5, most, 64) for a in variables(e)}
    exact = evaluate(e, env, np.float64)
    for change in made:
        names = [name for name, _ in change.logs] + [i.name for i in change.inner]
        assert not any(map(str.isidentifier, names))  # an argument may have any name that is one
        for shape in change.shapes:
            again = evaluate(whole(change, shape), env, np.float64)
            np.testing.assert_allclose(again, exact, rtol=rtol, atol=atol)


def have_limits(made: Sequence[Change], near: float = 1e-3) -> None:
    """Asserts that there are inner functions, each with its limit at 0 on average on both sides of it."""
    inner = [one for change in made for one in change.inner]
    assert inner
    for one in inner:
        values = evaluate(one.function, {one.variable: np.array([near, -near])}, np.float64)
        np.testing.assert_allclose(values.mean(), one.limit, rtol=1e-2, atol=1e-5)


def mean_bits(spec: Spec, forms: Sequence[Expr], arg: str | None = None, output: int = 0) -> list[float]:
    """The errors of forms of an output, or of its partial, at points that no step of the search has used."""
    points = sample(spec, 512, 5)
    values, partials = points.truth_values, points.truth_partials
    truth = values[:, output] if arg is None else partials[:, output, spec.args.index(arg)]
    known, at = representable(truth, np.float32), Evaluator(columns(spec, points.at))
    return [float(judged(e, at, np.where(known, truth, np.nan)).bits[known].mean()) for e in forms]
