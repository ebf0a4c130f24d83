"""The search over ratios and squares: fewer variables, where formulas depend on fewer.

A homogeneous formula is searched over the ratios of its arguments to one of them (`scaling`), and one with
even powers of a variable alone over its square (`evenness`). What is found is put back over the arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vjpgen.candidates import Target
from vjpgen.evaluation import evaluate
from vjpgen.evenness import over_square
from vjpgen.expr import Expr, num, substitute, var
from vjpgen.floats import Array, representable
from vjpgen.scaling import Scaling, scalings
from vjpgen.spec import Spec
from vjpgen.tidy import tidy
from vjpgen.truth import Truth

Solve = Callable[[Spec, Array, Sequence[Target]], Sequence[Expr]]
_FEWEST = 256  # points that a search over ratios needs
_TRIED = 64  # points at which a scaling has to hold
_MOST = 0.9  # of them, where it is not lost in ill-conditioning
_CLOSE = 1e-9  # to which it has to hold
_USUAL = 20.0  # log2 of the magnitudes there


@dataclass(frozen=True, slots=True)
class _Square:
    """A variable whose square takes its place: formula(x) = x**degree * inside(x**2)."""

    variable: str

    def back(self, form: Expr, degree: int) -> Expr:
        x = var(self.variable)
        form = substitute(form, {x: x * x})
        return tidy(x * form if degree else form)


@dataclass(frozen=True, slots=True)
class _Formula:
    """An output or its partial with respect to `arg`, and what was done to it, with its degree."""

    output: int
    arg: str | None
    expr: Expr
    steps: tuple[tuple[Scaling | _Square, int], ...] = ()

    def over(self, scaling: Scaling) -> _Formula:
        weight = 0 if self.arg is None else scaling.weights.get(self.arg, int(self.arg == scaling.scale))
        step = scaling, scaling.degrees[self.output] - weight
        return replace(self, expr=scaling.alone(self.expr), steps=(*self.steps, step))

    def squared(self, variable: str) -> _Formula | None:
        odd = self.arg == variable
        expr = over_square(self.expr, variable, odd=odd)
        return (
            None if expr is None else replace(self, expr=expr, steps=(*self.steps, (_Square(variable), odd)))
        )

    def back(self, form: Expr) -> Expr:
        for step, degree in reversed(self.steps):
            form = step.back(form, degree)
        return form


@dataclass(frozen=True, slots=True)
class _Problem:
    """Formulas by their numbers, their variables, and a row of values for each point."""

    formulas: Mapping[int, _Formula]
    names: tuple[str, ...]
    rows: Array

    def exact(self, rows: Array) -> Array:
        return Truth(tuple(f.expr for f in self.formulas.values()), self.names).values(rows)


def forms(
    spec: Spec, at: Array, targets: Sequence[Target], wanted: Sequence[int], solve: Solve
) -> Mapping[int, Expr]:
    """Forms that a search over ratios and squares of the arguments finds; none where it changes nothing.

    Args:
        spec: the function.
        at: the points.
        targets: values, then partials, output by output.
        wanted: the numbers of the targets to search.
        solve: the search, of a function at its points.
    """
    if not wanted:
        return {}
    n, m = len(spec.outputs), len(spec.args)
    found = {}
    for k in sorted({*range(n), *wanted}):
        i, arg = (k, None) if k < n else ((k - n) // m, spec.args[(k - n) % m])
        found[k] = _Formula(i, arg, targets[k].shapes[0])
    problem = _reduced(_Problem(found, spec.args, at.astype(np.float64)), n)
    with np.errstate(over="ignore", under="ignore"):
        single = problem.rows.astype(np.float32)
    single = single[_within(problem.rows)]
    if not problem.names or len(single) < _FEWEST or not any(f.steps for f in problem.formulas.values()):
        return {}
    solved = _solved(spec, problem, single, solve)
    return {k: problem.formulas[k].back(solved[k]) for k in wanted}


def _reduced(problem: _Problem, n: int) -> _Problem:
    """The problem over as few variables as scalings leave, then over squares."""
    while len(problem.names) > 1 and (fewer := _scaled(problem, n)) is not None:
        problem = fewer
    for k, name in enumerate(problem.names):
        squared = {j: f.squared(name) for j, f in problem.formulas.items()}
        kept = {j: f for j, f in squared.items() if f is not None}
        if kept and len(kept) == len(squared):
            rows = problem.rows.copy()
            rows[:, k] **= 2
            problem = replace(problem, formulas=kept, rows=rows)
    return problem


def _scaled(problem: _Problem, n: int) -> _Problem | None:
    """The problem over one variable less, by the scaling that leaves most points within the range."""
    names, rows = problem.names, problem.rows
    usable = frozenset(a for a, c in zip(names, rows.T, strict=True) if c.all())
    best, most = None, _FEWEST
    for scaling in scalings([problem.formulas[k].expr for k in range(n)], names, usable):
        env = {a: np.ascontiguousarray(c) for a, c in zip(names, rows.T, strict=True)}
        left = tuple(a for a in names if a != scaling.scale)
        with np.errstate(all="ignore"):
            ratios = np.stack([evaluate(scaling.ratio(a), env, np.float64) for a in left], axis=1)
        inside = int(_within(ratios).sum())
        if inside > most:
            fewer = _Problem({k: f.over(scaling) for k, f in problem.formulas.items()}, left, ratios)
            if _holds(problem, fewer, names.index(scaling.scale)):
                best, most = fewer, inside
    return best


def _within(rows: Array) -> Array:
    """Which rows have a float32 for each number, and no zeros."""
    return np.asarray((representable(rows, np.float32) & (rows != 0)).all(axis=1))


def _holds(problem: _Problem, fewer: _Problem, scale: int) -> bool:
    """Whether all formulas are what the scaling says, where the scale is negative too."""
    with np.errstate(all="ignore"):
        usual = (np.abs(np.log2(np.abs(problem.rows))) < _USUAL).all(axis=1)
    chosen = np.flatnonzero(usual)[:_TRIED]
    one, other = problem.exact(problem.rows[chosen]), fewer.exact(fewer.rows[chosen])
    for k, f in enumerate(fewer.formulas.values()):
        with np.errstate(all="ignore"):
            again = other[:, k] * problem.rows[chosen, scale] ** f.steps[-1][1]
            close = np.abs(again - one[:, k]) <= _CLOSE * np.abs(one[:, k])
        known = representable(one[:, k], np.float32) & representable(again, np.float32)
        if close[known].sum() < max(1, _MOST * known.sum()):
            return False
    return True


def _solved(spec: Spec, problem: _Problem, at: Array, solve: Solve) -> Mapping[int, Expr]:
    """The forms of all formulas; the partial with respect to a scale is searched as an output."""
    n, m, names = len(spec.outputs), len(spec.args), problem.names
    outputs = [k for k, f in problem.formulas.items() if f.arg not in names]
    truths = dict(zip(problem.formulas, problem.exact(at.astype(np.float64)).T, strict=True))
    order = list(outputs)
    for k in outputs:  # -1 for a partial that is not asked for
        order += [n + k * m + spec.args.index(a) if k < n else -1 for a in names]
    formulas = {k: f.expr for k, f in problem.formulas.items()}
    nothing = Target((num(0),), np.zeros(len(at)))
    found = solve(
        Spec("g", names, tuple(formulas[k] for k in outputs), len(outputs) > 1, (), ""),
        at,
        [Target((formulas[k],), truths[k]) if k in formulas else nothing for k in order],
    )
    return dict(zip(order, found, strict=True))
