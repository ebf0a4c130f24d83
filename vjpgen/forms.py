"""What the search found and how it is kept between the passes: values, made once, never changed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

from vjpgen.expr import Expr, var, variables
from vjpgen.spec import Spec

OUTPUT = var("output:0")  # the output, in a form over it
SLOPE = var("slope:0")  # the smaller of two partials, in forms over it
Partial = tuple[int, tuple[int, ...]]  # of an output, by arguments in order, each by its place


@dataclass(frozen=True, slots=True)
class Trade:
    """A form that no other beats in both cost and accuracy.

    Attributes:
        form: the expression.
        cost: sum of the prices of its distinct operations (`ops`), and a little for its length.
        bits: mean of log2(1 + ulps) over the points of the search.
    """

    form: Expr
    cost: float
    bits: float


@dataclass(frozen=True, slots=True)
class Higher:
    """Forms of the partials of the second order and above; by symmetry each mixed one is there once.

    Attributes:
        order: the highest order.
        found: for each output and each choice of arguments, its form over the arguments.
    """

    order: int
    found: tuple[tuple[Partial, Expr], ...]

    @property
    def wanted(self) -> tuple[Partial, ...]:
        """Which partials there are, in order."""
        return tuple(which for which, _ in self.found)


@dataclass(frozen=True, slots=True)
class Forms:
    """One expression to compute for the value and for every partial.

    Attributes:
        spec: the function.
        values: one form per output, over the arguments.
        partials: `partials[i][j]` is d output_i / d argument_j, over the arguments.
        anchors: ordinary points of the domain, one coordinate per argument; a branch of a `where`
            that is not taken is evaluated at one of them.
        fronts: for the values, then for the partials row by row, the forms that trade cost for accuracy,
            cheapest first; empty where nothing was searched, or where the formula has several pieces.
        over_output: the partial over `OUTPUT`, of one output by one argument, where there is one.
        over_slope: what `SLOPE` is, over the arguments, and the partials by two arguments over it, where
            there are such.
        higher: the partials above the first order, where they are asked for.
    """

    spec: Spec
    values: tuple[Expr, ...]
    partials: tuple[tuple[Expr, ...], ...]
    anchors: tuple[tuple[float, ...], ...]
    fronts: tuple[tuple[Trade, ...], ...] = ()
    over_output: Expr | None = None
    over_slope: tuple[Expr, tuple[Expr, Expr]] | None = None
    higher: Higher | None = None

    def __post_init__(self) -> None:
        if len(self.values) != len(self.spec.outputs) or len(self.partials) != len(self.values):
            raise ValueError("one form per output")
        if any(len(row) != len(self.spec.args) for row in self.partials):
            raise ValueError("one partial per argument")


@dataclass(frozen=True, slots=True)
class Residual:
    """One array that fwd hands to bwd, or a static argument, which JAX hands to it.

    Attributes:
        name: its name in bwd.
        expr: what fwd computes for it, over the arguments. An argument itself is forwarded, not copied.
        kind: "input", "output", "intermediate" or "static".
    """

    name: str
    expr: Expr
    kind: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Forms, and what stands between the passes.

    Attributes:
        forms: what is computed.
        residuals: what fwd saves, in order.
        bwd: `bwd[i][j]`, each partial over the residuals' names instead of the arguments.
        both: whether one function serves reverse and forward mode.
    """

    forms: Forms
    residuals: tuple[Residual, ...]
    bwd: tuple[tuple[Expr, ...], ...]
    both: bool = False

    def __post_init__(self) -> None:
        names = [r.name for r in self.residuals]
        used = set(variables(*(e for row in self.bwd for e in row)))
        if len(set(names)) != len(names):
            raise ValueError(f"residual names repeat: {names}")
        if used != set(names):
            raise ValueError(f"residuals {sorted(names)}, but bwd uses {sorted(used)}")


def higher_partials(spec: Spec, order: int) -> tuple[Partial, ...]:
    """The partials of the second order up to this one, output by output, lower orders first."""
    places = [k for k, a in enumerate(spec.args) if a in spec.moving]
    return tuple(
        (i, chosen)
        for i in range(len(spec.outputs))
        for r in range(2, order + 1)
        for chosen in combinations_with_replacement(places, r)
    )
