"""Variables that stand for inner functions in shapes of a formula, and what takes their place in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vjpgen.balance import Balancer
from vjpgen.candidates import FEWEST, Solve, Target
from vjpgen.errors import DomainError
from vjpgen.evaluation import Evaluator
from vjpgen.expr import Expr, call, num, substitute, var
from vjpgen.floats import Array, representable
from vjpgen.points import sample
from vjpgen.spec import Spec
from vjpgen.truth import Truth
from vjpgen.verges import verges

if TYPE_CHECKING:
    from vjpgen.inner import Change, Inner

Pick = Callable[[Sequence[Expr], Array], Expr]
_POINTS, _ZEROS = 1024, 16  # of an inner function; one in so many is its zero
_SEED = 31


class OneVariable(NamedTuple):
    """A function of one variable, its limit at 0, and whether negative and positive numbers are put in."""

    function: Expr
    variable: str
    limit: float
    negative: bool
    positive: bool

    def problem(self) -> tuple[Spec, Array, Target, int] | None:
        """What is to be searched, whatever stands for the variable; None where there are too few points.

        The last is how many of the points are near the ends of the range; they come first.
        """
        from vjpgen import derive

        u = var(self.variable)
        signs = ("lt", self.positive), ("gt", self.negative)
        assume = tuple(call(sign, u, num(0)) for sign, other in signs if not other)
        spec = Spec("g", (self.variable,), (self.function,), False, assume, "")
        try:
            points = sample(spec, _POINTS, _SEED)
        except DomainError:
            return None
        edge = verges(spec, points, _SEED)
        zeros = len(points.at) // _ZEROS
        order = np.random.default_rng(_SEED).permutation(len(points.at) + zeros)
        at = np.concatenate([points.at, np.zeros((zeros, 1), np.float32)])[order]
        exact = np.concatenate([points.truth_values[:, 0], np.full(zeros, self.limit)])[order]
        shapes = derive.value(self.function, derive.symbols(spec.args))
        target = Target(shapes, np.concatenate([edge.truth_values[:, 0], exact]))
        return spec, np.concatenate([edge.at, at]), target, len(edge.at)


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
        part: solves logarithms at the points of the search.
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
        part: Solve,
        function: Callable[[OneVariable], Expr],
        single: Pick,
    ) -> None:
        self._spec, self._at, self._env, self._wide, self._balanced = spec, at, env, wide, balanced
        self._solve_part, self._solve, self._single = part, function, single
        self._known: dict[tuple[Expr, Expr | None], Expr] = {}
        self.meaning: dict[Expr, Expr] = {}

    def over(self, changes: Iterable[Change]) -> tuple[Expr, ...]:
        """The shapes over variables that stand for inner functions."""
        found = []
        for change in changes:
            symbols = {var(name): self.part(log) for name, log in change.logs}
            symbols |= {var(i.name): self._inner(i, substitute(i.at, symbols)) for i in change.inner}
            found += [substitute(shape, symbols) for shape in change.shapes]
        return tuple(found)

    def part(self, e: Expr, form: Expr | None = None) -> Expr:
        """The variable that stands for a part of a formula, such as a logarithm of which powers are taken.

        Its best form is searched if none is given.
        """
        if (e, None) not in self._known:
            exact = Truth((e,), self._spec.args).values(self._at.astype(np.float64))[:, 0]
            symbol = self._name((e, None), exact[: self._count])
            if form is None:
                (form,) = self._solve_part(self._spec, self._at, [Target((e,), exact)])
            self.meaning[symbol] = form
        return self._known[e, None]

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
            self.meaning[symbol] = substitute(self._solved(one, u), {var(one.variable): operand})
        return self._known[key]

    def _name(self, key: tuple[Expr, Expr | None], values: Array) -> Expr:
        """A new variable with exact values at the points."""
        symbol = self._known[key] = var(f"stand-in:{len(self._known)}")
        self._env[str(symbol.value)] = values
        return symbol

    @property
    def _count(self) -> int:
        return len(next(iter(self._env.values())))

    def _solved(self, one: Inner, u: Array) -> Expr:
        """The best form of a function of one variable, at numbers of the signs that the variable has."""
        with np.errstate(over="ignore"):
            nonzero = np.unique(u[representable(u, np.float32) & (u != 0)].astype(np.float32))
        if len(nonzero) < FEWEST:
            return one.function
        signs = bool((nonzero < 0).any()), bool((nonzero > 0).any())
        return self._solve(OneVariable(one.function, one.variable, one.limit, *signs))
