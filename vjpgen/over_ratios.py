"""The search over differences, ratios and halves: fewer variables, and signs, where formulas depend on fewer.

What depends on x - m alone is searched over that difference (`shifts`), what is homogeneous over ratios of
its arguments to one of them (`scaling`), and what is then even or odd in one variable over positive numbers
(`halves`). What is found is put back over the arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from vjpgen.candidates import Solve, Target
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, call, num, rebuild
from vjpgen.floats import Array, representable
from vjpgen.halves import Half
from vjpgen.scaling import Scaling, scalings
from vjpgen.shifts import Difference, differences
from vjpgen.spec import Spec
from vjpgen.truth import Truth

_FEWEST = 256  # points that a search over ratios needs
_TRIED = 64  # points at which a scaling has to hold
_MOST = 0.9  # of them, where it is not lost in ill-conditioning
_CLOSE = 1e-9  # to which it has to hold
_USUAL = 20.0  # log2 of the magnitudes there


@dataclass(frozen=True, slots=True)
class _Step:
    """What was done to a formula, its degree, and what multiple of a logarithm was a term of it."""

    change: Difference | Scaling | Half
    degree: int = 0
    log: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class _Formula:
    """An output or its partial with respect to `arg`, which scales as `like` does, and what was done."""

    output: int
    arg: str | None
    like: str | None
    expr: Expr
    steps: tuple[_Step, ...] = ()

    def over_difference(self, difference: Difference) -> _Formula | None:
        if (expr := difference.alone(self.expr)) is None:
            return None
        like = difference.first if self.arg == difference.second else self.like
        return replace(self, expr=expr, like=like, steps=(*self.steps, _Step(difference)))

    def over(self, scaling: Scaling) -> _Formula:
        degree, log = scaling.degrees[self.output], scaling.logs[self.output]
        if self.like is not None:
            degree -= scaling.weights.get(self.like, int(self.like == scaling.scale))
            log = Fraction(0)
        step = _Step(scaling, degree, log)
        return replace(self, expr=scaling.alone(self.expr), steps=(*self.steps, step))

    def back(self, form: Expr) -> Expr:
        for step in reversed(self.steps):
            form = step.change.back(form, step.degree, step.log)
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
    spec: Spec,
    at: Array,
    targets: Sequence[Target],
    wanted: Sequence[int],
    solve: Solve,
    *,
    halves: bool = False,
) -> Mapping[int, tuple[Expr, ...]]:
    """Forms that a search over differences and ratios finds; none where there is no such thing.

    Args:
        spec: the function.
        at: the points.
        targets: values, then partials, output by output.
        wanted: the numbers of the targets to search.
        solve: the search, of a function at its points.
        halves: whether to search over positive numbers, and only where that changes something.
    """
    if not wanted:
        return {}
    n, m = len(spec.outputs), len(spec.args)
    found = {}
    for k in sorted({*range(n), *wanted}):
        i, arg = (k, None) if k < n else ((k - n) // m, spec.args[(k - n) % m])
        found[k] = _Formula(i, arg, arg, targets[k].shapes[0])
    problem = _reduced(_Problem(found, spec.args, at.astype(np.float64)), n)
    if halves:
        whole, problem = problem, _halved(problem)
        if problem is whole:
            return {}
    with np.errstate(over="ignore", under="ignore"):
        single = problem.rows.astype(np.float32)
    single = single[_within(problem.rows)]
    if not problem.names or len(single) < _FEWEST or not any(f.steps for f in problem.formulas.values()):
        return {}
    solved = _solved(spec, problem, single, solve)
    over_all = {k: problem.formulas[k].back(solved[k]) for k in wanted}
    return {k: tuple(dict.fromkeys((e, rebuild(e, _log_of_ratio)))) for k, e in over_all.items()}


def _log_of_ratio(x: Expr) -> Expr | None:
    """The logarithm of a ratio is in the range where the ratio is not."""
    return call("log_ratio", *x.args[0].args) if x.op == "log" and x.args[0].op == "div" else None


def _reduced(problem: _Problem, n: int) -> _Problem:
    """The problem over as few variables as differences and scalings leave."""
    for difference in differences(problem.formulas[0].expr):
        problem = _over_difference(problem, difference) or problem
    while len(problem.names) > 1 and (fewer := _scaled(problem, n)) is not None:
        problem = fewer
    return problem


def _halved(problem: _Problem) -> _Problem:
    """The problem over positive numbers of each variable for which that is all of it."""
    for name in problem.names:
        problem = _half(problem, name) or problem
    return problem


def _half(problem: _Problem, name: str) -> _Problem | None:
    """The problem over positive numbers of one variable; None where a formula is not even or odd in it."""
    rows, k = problem.rows, problem.names.index(name)
    if (rows[:, k] >= 0).all() or (rows[:, k] <= 0).all():
        return None
    usual = rows[_usual(rows)]
    one, other = problem.exact(usual), problem.exact(_turned(usual, k, -usual[:, k]))
    half, over = Half(name), {}
    for column, (number, f) in enumerate(problem.formulas.items()):
        here, there = one[:, column], other[:, column]
        known = np.isfinite(here) & np.isfinite(there)
        signs = [s for s in (1, -1) if (np.abs(there - s * here) <= _CLOSE * np.abs(here))[known].all()]
        if not signs or known.sum() < max(1, len(known) / 2):
            return None
        over[number] = replace(f, expr=half.alone(f.expr), steps=(*f.steps, _Step(half, int(signs[0] < 0))))
    return _Problem(over, problem.names, _turned(rows, k, np.abs(rows[:, k])))


def _turned(rows: Array, k: int, column: Array) -> Array:
    """The rows with other numbers in one column."""
    turned = rows.copy()
    turned[:, k] = column
    return turned


def _usual(rows: Array) -> Array:
    """The numbers of a few rows of usual magnitudes."""
    with np.errstate(all="ignore"):
        return np.flatnonzero((np.abs(np.log2(np.abs(rows))) < _USUAL).all(axis=1))[:_TRIED]


def _over_difference(problem: _Problem, difference: Difference) -> _Problem | None:
    """The problem over a difference in place of two variables; None where a formula depends on more."""
    if not {difference.first, difference.second} <= {*problem.names}:
        return None
    over = {k: f.over_difference(difference) for k, f in problem.formulas.items()}
    whole = {k: f for k, f in over.items() if f is not None}
    if len(whole) < len(over):
        return None
    first, second = (problem.names.index(a) for a in (difference.first, difference.second))
    rows = problem.rows.copy()
    rows[:, first] -= rows[:, second]
    left = tuple(a for a in problem.names if a != difference.second)
    return _Problem(whole, left, np.delete(rows, second, axis=1))


def _scaled(problem: _Problem, n: int) -> _Problem | None:
    """The problem over one variable less, by the scaling that leaves most points within the range."""
    names, rows = problem.names, problem.rows
    usable = frozenset(a for a, c in zip(names, rows.T, strict=True) if c.all())
    best, most = None, _FEWEST
    env = {a: np.ascontiguousarray(c) for a, c in zip(names, rows.T, strict=True)}
    for scaling in scalings([problem.formulas[k].expr for k in range(n)], names, usable):
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
    chosen = _usual(problem.rows)
    one, other = problem.exact(problem.rows[chosen]), fewer.exact(fewer.rows[chosen])
    for k, f in enumerate(fewer.formulas.values()):
        with np.errstate(all="ignore"):
            by, last = problem.rows[chosen, scale], f.steps[-1]
            again = other[:, k] * by**last.degree
            again = again + float(last.log) * np.log(by) if last.log else again
            close = np.abs(again - one[:, k]) <= _CLOSE * np.abs(one[:, k])
        known = representable(one[:, k], np.float32) & (np.isnan(again) | representable(again, np.float32))
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
