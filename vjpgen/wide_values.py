"""What a formula comes to in numbers near 1 and powers of two: nothing leaves the range before the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vjpgen.expr import Expr, var, variables, walk
from vjpgen.floats import Array, constant_value, tiny

Wide = tuple[Array, Array]  # m, k: m * 2**k
ZERO = -(2**24)  # the power of a zero: below that of any other number
NEARBY = 100  # within so many powers of two a logarithm is that of the number itself
_APART = 200  # powers of two between terms of which the smaller does not count


def in_wide_range(x: Expr, operands: Sequence[Array], dtype: npt.DTypeLike) -> Array:
    """A "wide_range" of operands of `dtype`, as the generated code computes it.

    Args:
        x: the operation.
        operands: one array for each of its operands.
        dtype: float32 or float64.
    """
    root = x.value
    assert isinstance(root, Expr)
    kind: np.dtype[Any] = np.dtype(dtype)
    with np.errstate(all="ignore"):
        done = {var(n): _read(a, kind) for n, a in zip(variables(root), operands, strict=True)}
        for y in walk(*(root.args if root.op == "log" else (root,))):
            if not y.names:
                done[y] = _read(np.asarray(constant_value(y)), kind)
            elif y not in done:
                done[y] = _OPERATIONS[y.op](*(done[a] for a in y.args))
        return _log(*done[root.args[0]]) if root.op == "log" else _narrow(*done[root])


def _read(x: Array, kind: np.dtype[Any]) -> Wide:
    m, k = np.frexp(np.where(np.abs(x) < tiny(kind), 0.0, x).astype(np.float64))
    return m.astype(kind), np.where(m == 0, ZERO, k)


def _narrow(m: Array, k: Array) -> Array:
    found = np.ldexp(m.astype(np.float64), np.clip(k, -3000, 3000)).astype(m.dtype)
    return np.asarray(np.where(np.abs(found) < tiny(m.dtype), np.copysign(0.0, found), found), m.dtype)


def _mul(a: Wide, b: Wide) -> Wide:
    return a[0] * b[0], a[1] + b[1]


def _div(a: Wide, b: Wide) -> Wide:
    return a[0] / b[0], a[1] - b[1]


def _add(a: Wide, b: Wide) -> Wide:
    top = np.maximum(a[1], b[1])
    terms = (np.ldexp(m, np.maximum(k - top, -_APART)) for m, k in (a, b))
    m, k = np.frexp(sum(terms))
    return m, np.where(m == 0, ZERO, top + k)


def _neg(a: Wide) -> Wide:
    return -a[0], a[1]


def _sqrt(a: Wide) -> Wide:
    odd = a[1] & 1
    return np.sqrt(a[0] * (1 + odd).astype(a[0].dtype)), a[1] >> 1


def _log(m: Array, k: Array) -> Array:
    near = np.log(_narrow(m, np.clip(k, -NEARBY, NEARBY)).astype(np.float64))
    far = np.log(m.astype(np.float64)).astype(m.dtype) + k.astype(m.dtype) * m.dtype.type(np.log(2))
    return np.where(np.abs(k) < NEARBY, near.astype(m.dtype), np.where(m == 0, -np.inf, far)).astype(m.dtype)


_OPERATIONS: dict[str, Callable[..., Wide]] = {
    "add": _add,
    "sub": lambda a, b: _add(a, _neg(b)),
    "mul": _mul,
    "div": _div,
    "neg": _neg,
    "abs": lambda a: (np.abs(a[0]), a[1]),
    "sign": lambda a: (np.sign(a[0]), np.where(a[0] == 0, ZERO, 0)),
    "square": lambda a: _mul(a, a),
    "sqrt": _sqrt,
}
