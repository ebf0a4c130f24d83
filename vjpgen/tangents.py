"""Forward-mode derivatives of an expression in floating point, by JAX's own rules.

Tells where differentiating a generated form once more gives NaN or infinity, so that the search can prefer
forms that survive it. Zero tangents are real zeros here, as they are in `jax.jacfwd`: 0 * inf is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from vjpgen.evaluation import leaf
from vjpgen.expr import Expr, rebuild, single_words, walk
from vjpgen.floats import Array, apply

_REMEMBERED = 2_000  # expressions, each with a column for every variable
_Rule = Callable[[list[Array], Array], tuple[Array | float, ...]]
_RULES: dict[str, _Rule] = {
    "add": lambda a, y: (1.0, 1.0),
    "sub": lambda a, y: (1.0, -1.0),
    "mul": lambda a, y: (a[1], a[0]),
    "div": lambda a, y: (1 / a[1], -(a[0] / a[1] / a[1])),
    "neg": lambda a, y: (-1.0,),
    "square": lambda a, y: (2 * a[0],),
    "sum3": lambda a, y: (1.0, 1.0, 1.0),
    "diff_of_products": lambda a, y: (a[1], a[0], -a[3], -a[2]),
    "sqrt_diff_of_products": lambda a, y: tuple(0.5 * s / y for s in (a[1], a[0], -a[3], -a[2])),
    "exp_sum": lambda a, y: (y, y),
    "exp_product": lambda a, y: (y * a[1], y * a[0]),
    "abs": lambda a, y: (np.sign(a[0]),),
    "max": lambda a, y: (1.0 * (a[0] >= a[1]), 1.0 * (a[1] >= a[0])),
    "min": lambda a, y: (1.0 * (a[0] <= a[1]), 1.0 * (a[1] <= a[0])),
    "exp": lambda a, y: (y,),
    "exp2": lambda a, y: (0.6931472 * y,),
    "expm1": lambda a, y: (y + 1,),
    "log": lambda a, y: (1 / a[0],),
    "log1p": lambda a, y: (1 / (1 + a[0]),),
    "sqrt": lambda a, y: (0.5 / y,),
    "rsqrt": lambda a, y: (-0.5 * y / a[0],),
    "hypot": lambda a, y: (a[0] / y, a[1] / y),
    "sin": lambda a, y: (np.cos(a[0]),),
    "cos": lambda a, y: (-np.sin(a[0]),),
    "tan": lambda a, y: (1 + y * y,),
    "sinpi": lambda a, y: (np.pi * np.cos(np.pi * (a[0] - 2 * np.round(a[0] / 2))),),
    "cospi": lambda a, y: (-np.pi * np.sin(np.pi * (a[0] - 2 * np.round(a[0] / 2))),),
    "asin": lambda a, y: (1 / np.sqrt((1 + a[0]) * (1 - a[0])),),
    "acos": lambda a, y: (-1 / np.sqrt((1 + a[0]) * (1 - a[0])),),
    "atan": lambda a, y: (1 / (1 + a[0] * a[0]),),
    "atan2": lambda a, y: (a[1] / (a[0] * a[0] + a[1] * a[1]), -(a[0] / (a[0] * a[0] + a[1] * a[1]))),
    "sinh": lambda a, y: (np.cosh(a[0]),),
    "cosh": lambda a, y: (np.sinh(a[0]),),
    "tanh": lambda a, y: ((1 + y) * (1 - y),),
    "asinh": lambda a, y: (1 / np.hypot(a[0], 1),),
    "acosh": lambda a, y: (1 / (np.sqrt(a[0] - 1) * np.sqrt(a[0] + 1)),),
    "atanh": lambda a, y: (1 / ((1 + a[0]) * (1 - a[0])),),
    "logistic": lambda a, y: (y * (1 - y),),
    "pow": lambda a, y: (a[1] * a[0] ** (a[1] - 1), np.log(a[0]) * y),
    "erf": lambda a, y: (1.1283792 * np.exp(-(a[0] * a[0])),),
    "erfc": lambda a, y: (-1.1283792 * np.exp(-(a[0] * a[0])),),
}


class Survival:
    """Where every first derivative of expressions comes out finite in float32.

    What a part comes to is remembered: candidates of one search have most parts in common. Operations
    without a rule here count as harmless.
    """

    def __init__(self, env: Mapping[str, Array]) -> None:
        self._env = env
        self._shape = np.broadcast_shapes(*(v.shape for v in env.values()))
        self._values: dict[Expr, Array] = {}
        self._slopes: dict[tuple[str, ...], dict[Expr, dict[str, Array] | None]] = {}

    def __call__(self, e: Expr) -> npt.NDArray[np.bool_]:
        """Where they do with respect to the variables of `e`."""
        if len(self._values) > _REMEMBERED:
            self._values.clear()
            self._slopes.clear()
        names = tuple(sorted(e.names))
        slopes = self._slopes.setdefault(names, {})
        root = rebuild(e, single_words)
        with np.errstate(all="ignore"):
            for x in walk(root):
                if x not in self._values:
                    operands = [self._values[a] for a in x.args]
                    kind = np.float32
                    self._values[x] = apply(x.op, operands, kind) if x.args else leaf(x, self._env, kind)
                if x not in slopes:
                    slopes[x] = self._slope(x, names, slopes)
        ok = np.ones(self._shape, bool)
        for slope in (slopes[root] or {}).values():
            ok &= np.isfinite(slope)
        return ok

    def _slope(
        self, x: Expr, names: tuple[str, ...], slopes: Mapping[Expr, dict[str, Array] | None]
    ) -> dict[str, Array] | None:
        if x.args:
            operands, below = [self._values[a] for a in x.args], [slopes[a] for a in x.args]
            return _slope(x, operands, self._values[x], below, self._shape)
        return {n: np.full(self._shape, np.float32(n == x.value)) for n in names} if x.op == "var" else None


def _slope(
    x: Expr, operands: list[Array], y: Array, below: list[dict[str, Array] | None], shape: tuple[int, ...]
) -> dict[str, Array] | None:
    if x.op == "where":
        yes, no = below[1], below[2]
        if yes is None and no is None:
            return None
        zero = np.zeros(shape, np.float32)
        names = yes if yes is not None else no
        assert names is not None
        return {n: np.where(operands[0], (yes or {}).get(n, zero), (no or {}).get(n, zero)) for n in names}
    rule = _RULES.get(x.op)
    active = [k for k, s in enumerate(below) if s is not None]
    if rule is None or not active:
        return None if not active else {n: np.zeros(shape, np.float32) for n in below[active[0]] or {}}
    if x.op == "pow" and active == [0]:
        factors: tuple[Array | float, ...] = (operands[1] * operands[0] ** (operands[1] - 1),)
    else:
        factors = rule(operands, y)
    total: dict[str, Array] = {}
    for k in active:
        for n, s in (below[k] or {}).items():
            term = np.asarray(factors[k] * s, np.float32)
            total[n] = total[n] + term if n in total else term
    return total
