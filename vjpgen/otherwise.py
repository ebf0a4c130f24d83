"""What the forms give where operations are rounded otherwise: on another platform, or one by one.

XLA joins a product and a sum into one operation with one rounding, on each platform in other places: on a
CPU `(x + 1)*y - x` is a fused multiply-add of `x + 1`, on a GPU one of `x` and `y` and a difference. Where a
sum cancels, digits depend on it, and so does whether a product overflows; code that is not compiled joins
nothing. Functions, quotients and roots differ in the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from vjpgen.evaluation import Evaluator
from vjpgen.expr import APART, Expr
from vjpgen.floats import Array, apply
from vjpgen.forms import Forms
from vjpgen.ops import OPS

Results = tuple[Array, Array]
_LIBRARY = 3  # the cost of a quotient: what costs as much is not rounded alike everywhere
_OTHERS = 4  # libraries whose last bits are drawn
_ENDS = np.array([-np.inf, np.inf], np.float32)


def elsewhere(forms: Forms, at: Array) -> Iterator[Results]:
    """Values (n, m) and partials (n, m, a), in either mode, float32, in several ways.

    Each operation is rounded for itself, first as it should be; then what a library computes is one float
    above or below that, as drawn, unless it is exact.
    """
    env = {name: np.ascontiguousarray(at[:, k]) for k, name in enumerate(forms.spec.args)}
    yield _results(forms, Evaluator(env), at)
    for seed in range(_OTHERS):
        yield _results(forms, _Other(env, seed), at)


class _Other(Evaluator):
    """Another library: where the result of an operation is not exact, a neighbour of it.

    By way of a reciprocal x/x may be off one; what is divided by a power of two is exact.
    """

    def __init__(self, env: Mapping[str, Array], seed: int) -> None:
        super().__init__(env)
        self._drawn = np.random.default_rng(seed)

    def _value(self, x: Expr) -> Array:
        value = super()._value(x)
        if not x.names or not x.args or x.op in APART or OPS[x.op].cost < _LIBRARY:
            return value
        operands = [self._done[a].astype(np.float64) for a in x.args]
        exact = apply(x.op, operands, np.float64) == value
        if x.op == "div":
            exact &= (np.abs(np.frexp(operands[1])[0]) == 0.5) | (value == 0)
        with np.errstate(all="ignore"):
            moved = np.nextafter(value, self._drawn.choice(_ENDS, value.shape))
        return np.where(exact, value, moved)


def _results(forms: Forms, computed: Evaluator, at: Array) -> Results:
    def columns(row: Sequence[Expr]) -> Array:
        return np.stack([np.broadcast_to(computed(e), len(at)) for e in row], -1)

    partials = np.stack([columns(row) for row in forms.partials], -2)
    return columns(forms.values), partials
