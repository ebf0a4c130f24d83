"""What an `Expr` computes in a dtype, one operation after another, as XLA computes it (see `floats`)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from vjpgen.expr import Expr, variables, walk
from vjpgen.floats import CONSTANTS, EXACT, Array, apply
from vjpgen.wide_values import in_wide_range

_REMEMBERED = 20_000  # values of expressions
TWO_WORDS = frozenset((  # what has a function of its own in double words
    "add", "sub", "neg", "mul", "div", "sqrt", "exp", "expm1", "log", "log1p", "asinh", "sin", "cos",
))  # fmt: skip


def leaf(e: Expr, env: Mapping[str, Array], dtype: npt.DTypeLike) -> Array:
    """A variable's column, or a constant rounded to the dtype."""
    with np.errstate(over="ignore"):
        if e.op == "var":
            return env[str(e.value)].astype(dtype, copy=False)
        exact = CONSTANTS[str(e.value)] if e.op == "const" else _to_float(e)
        return np.asarray(exact, np.float64).astype(dtype)


def _to_float(e: Expr) -> float:
    try:
        return float(e.value)  # type: ignore[arg-type]
    except OverflowError:
        return math.inf if e.value > 0 else -math.inf  # type: ignore[operator]


def evaluate(e: Expr, env: Mapping[str, Array], dtype: npt.DTypeLike = np.float32) -> Array:
    """What the expression computes in `dtype`, one operation after another.

    Args:
        e: a real or bool expression.
        env: a column of `dtype` for each variable.
        dtype: float32 or float64.
    """
    return Evaluator(env, dtype)(e)


class Evaluator:
    """`evaluate` at the same points again and again: what a part comes to is remembered.

    What holds no variable is Python arithmetic in the generated code: float64, rounded once.
    """

    def __init__(self, env: Mapping[str, Array], dtype: npt.DTypeLike = np.float32) -> None:
        self.env, self.dtype = env, dtype
        self._exact: dict[Expr, Array] = {}  # values of what holds no variable
        self._done: dict[Expr, Array] = {}

    def __call__(self, e: Expr) -> Array:
        if len(self._done) > _REMEMBERED:
            self._exact.clear()
            self._done.clear()
        stack = [e]
        while stack:
            x = stack.pop()
            if x in self._done:
                continue
            if missing := [a for a in x.args if a not in self._done]:
                stack += [x, *reversed(missing)]
            else:
                self._done[x] = self._value(x)
        return self._done[e]

    def _value(self, x: Expr) -> Array:
        if not x.names:
            operands = [self._exact[a] for a in x.args]
            self._exact[x] = apply(x.op, operands, np.float64) if x.args else _constant(x)
            return _rounded(self._exact[x], self.dtype)
        operands = [self._done[a] for a in x.args]
        if x.op in _APART:
            return _APART[x.op](x, operands, self.dtype)
        return apply(x.op, operands, self.dtype) if x.args else leaf(x, self.env, self.dtype)


def in_double_words(x: Expr, operands: list[Array], dtype: npt.DTypeLike) -> Array:
    """An operation on operands that are computed in double words of `dtype`: in float64, within its range."""
    root = x.value
    assert isinstance(root, Expr)
    env, done = dict(zip(variables(root), operands, strict=True)), dict[Expr, Array]()
    for y in walk(*root.args):
        below = [done[a] for a in y.args]
        done[y] = _two_words(y.op, below, dtype) if y.args else leaf(y, env, np.float64)
    return _rounded(_one_word(root.op, [done[a] for a in root.args], dtype), dtype)


def _two_words(op: str, operands: list[Array], dtype: npt.DTypeLike) -> Array:
    """One operation: the second word is lost where it would be flushed to zero, or has no function for it."""
    kind = np.dtype(dtype)
    if op not in TWO_WORDS and op not in EXACT:
        return _one_word(op, operands, dtype)
    raw = apply(op, operands, np.float64)
    if op in EXACT or kind == np.float64:
        return raw
    single, least = _rounded(raw, kind).astype(np.float64), np.finfo(kind).tiny * 2.0**26
    single = np.where(np.abs(single) < np.finfo(kind).tiny, 0.0, single)
    smallest = np.minimum(np.abs(raw), np.minimum(*map(np.abs, operands))) if op == "mul" else np.abs(raw)
    return np.where((smallest < least) | ~np.isfinite(single), single, raw)


def _one_word(op: str, operands: list[Array], dtype: npt.DTypeLike) -> Array:
    """One operation whose value is that of the first words, with its slope times the second ones added."""
    raw, kind = apply(op, operands, np.float64), np.dtype(dtype)
    if raw.dtype == bool or kind == np.float64:
        return raw
    high = [_rounded(a, kind) for a in operands]
    with np.errstate(all="ignore"):
        found = apply(op, high, kind)
        off = found / apply(op, [h.astype(np.float64) for h in high], np.float64)
    return np.where(np.isfinite(off) & (off != 0), raw * off, found)


def _constant(x: Expr) -> Array:
    return apply(x.op, [], np.float64) if x.op in ("true", "false") else leaf(x, {}, np.float64)


def _rounded(value: Array, dtype: npt.DTypeLike) -> Array:
    with np.errstate(over="ignore"):
        return value if value.dtype == bool else np.asarray(value, dtype)


_APART = {"double_word": in_double_words, "wide_range": in_wide_range}
