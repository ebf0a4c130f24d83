"""Variables that stand for inner functions in shapes of a formula, and what takes their place in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from vjpgen.balance import Balancer
from vjpgen.candidates import FEWEST, Solve, Target
from vjpgen.evaluation import Evaluator
from vjpgen.expr import Expr, substitute, var
from vjpgen.floats import Array, representable, tiny
from vjpgen.spec import Spec
from vjpgen.truth import Truth

if TYPE_CHECKING:
    from vjpgen.inner import Change, Inner

Pick = Callable[[Sequence[Expr], Array], Expr]
_ZEROS = 16  # of the points of an inner function, one in so many is its zero


class StandIns:
    """The variables of one search, each solved for itself.

    Attributes:
        meaning: what takes the place of each.

    Args:
        spec: the function.
        at: the points of the search.
        env: the columns of its first points, to which those of the variables are added.
        wide: what expressions come to there in float64.
        balanced: products in a safer order.
        log: solves logarithms at the points of the search.
        function: solves functions of one variable.
        single: the best of equal shapes, by exact values at the first points.
    """

    def __init__(
        self,
        spec: Spec,
        at: Array,
        env: MutableMapping[str, Array],
        wide: Evaluator,
        balanced: Balancer,
        *,
        log: Solve,
        function: Solve,
        single: Pick,
    ) -> None:
        self._spec, self._at, self._env, self._wide, self._balanced = spec, at, env, wide, balanced
        self._solve_log, self._solve, self._single = log, function, single
        self._known: dict[tuple[Expr, Expr | None], Expr] = {}
        self.meaning: dict[Expr, Expr] = {}

    def over(self, changes: Iterable[Change]) -> tuple[Expr, ...]:
        """The shapes over variables that stand for inner functions."""
        found = []
        for change in changes:
            symbols = {var(name): self._log(log) for name, log in change.logs}
            symbols |= {var(i.name): self._inner(i, substitute(i.at, symbols)) for i in change.inner}
            found += [substitute(shape, symbols) for shape in change.shapes]
        return tuple(found)

    def _log(self, log: Expr) -> Expr:
        """The variable that stands for a logarithm of which powers are taken."""
        if (log, None) not in self._known:
            exact = Truth((log,), self._spec.args).values(self._at.astype(np.float64))[:, 0]
            symbol = self._name((log, None), exact[: self._count])
            (self.meaning[symbol],) = self._solve_log(self._spec, self._at, [Target((log,), exact)])
        return self._known[log, None]

    def _inner(self, one: Inner, at: Expr) -> Expr:
        """The variable that stands for an inner function of `at`."""
        key = (one.function, at)
        if key not in self._known:
            u = self._wide(at)
            truth = Truth((one.function,), (one.variable,))
            exact = truth.values(u[:, None])[:, 0]
            symbol = self._name(key, np.where(u == 0, one.limit, exact))
            shapes = [substitute(e, self.meaning) for e in (at, *self._balanced(at))]
            operand = self._single(shapes, u)
            self.meaning[symbol] = substitute(self._solved(one, truth, u), {var(one.variable): operand})
        return self._known[key]

    def _name(self, key: tuple[Expr, Expr | None], values: Array) -> Expr:
        """A new variable with exact values at the points."""
        symbol = self._known[key] = var(f"inner:{len(self._known)}")
        self._env[str(symbol.value)] = values
        return symbol

    @property
    def _count(self) -> int:
        return len(next(iter(self._env.values())))

    def _solved(self, one: Inner, truth: Truth, at: Array) -> Expr:
        """The best form of a function of one variable at what its variable is at the points, and at 0."""
        with np.errstate(over="ignore"):
            u = at.astype(np.float32)
        nonzero = np.unique(u[representable(at, np.float32) & (u != 0)])
        if len(nonzero) < FEWEST:
            return one.function
        zeros = np.zeros(max(len(nonzero) // _ZEROS, int((np.abs(at) < tiny(np.float32)).sum())), np.float32)
        exact = truth.values(nonzero[:, None].astype(np.float64))[:, 0]
        order = np.random.default_rng(len(nonzero)).permutation(len(nonzero) + len(zeros))
        u = np.concatenate([nonzero, zeros])[order]
        exact = np.concatenate([exact, np.full_like(zeros, one.limit, np.float64)])[order]
        from vjpgen import derive

        spec = Spec("g", (one.variable,), (one.function,), False, (), "")
        target = Target(derive.value(one.function, derive.symbols(spec.args)), exact)
        return self._solve(spec, u[:, None], [target])[0]
