"""Whether a mutant matters: decided on points of its own, never on those of the generated tests."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vjpgen import verify
from vjpgen.judged import Exact
from vjpgen.reference import FLOOR, distance
from vjpgen.spec import Spec

# Between reference points the bound is wider by this, as the test files say. Two forms that are both right to
# 2 ulps are 5 apart at one point of 100,000, and no test that one would want to read visits that point.
ELSEWHERE = 2
_TINY, _HUGE = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
_SHAPES = (((), (), ()), ((3, 1), (1, 4), (4,)), ((2, 3), (3,), ()), ((), (5,), (1,)))
_KINDS = (("bfloat16",) * 3, ("float16",) * 3, ("bfloat16", "float32", "float32"),
          ("float32", "bfloat16", "float16"), ("float32", "float32", "bfloat16"))  # fmt: skip


class Judge:
    """Compares mutants of one module with the module itself.

    Args:
        spec: the function.
        source: the module without a fault.
        exact: points and the exact results there.
    """

    def __init__(self, spec: Spec, source: str, exact: Exact) -> None:
        self.spec, self.columns = spec, exact.columns
        partials = exact.partials.reshape(len(exact.at), -1)
        twice = [partials] * (1 + spec.linear)  # without a twin there is no forward mode
        self.truth = np.concatenate([exact.values, *twice], axis=1)
        with np.errstate(all="ignore"):
            self._observe(verify.load(source, spec.name), exact)

    def _observe(self, original: ModuleType, found: Exact) -> None:
        """What the module without a fault does."""
        self.results = self._results(original)
        errors, size = distance(self.results, self.truth), np.abs(self.truth)
        self.counts = (size <= _HUGE) & ((size >= _TINY) | (size == 0)) & np.isfinite(errors)
        self.bounds = ELSEWHERE * np.maximum(FLOOR, 2 * np.nan_to_num(errors))
        usual = ((np.abs(found.at) > 2.0**-10) & (np.abs(found.at) < 2.0**10)).all(axis=1)
        tame = ((size > 2.0**-10) & (size < 2.0**10)).all(axis=1) & usual & (errors <= 16).all(axis=1)
        self.tame = found.at[np.flatnonzero(tame)[:512]]
        self.values = self._values(original)
        self.signature = self._signature(original)
        self.half, self.spread = self._determined(self._half(original)), self._spread(original)

    def verdict(self, source: str) -> str:
        """What the mutant changes by more than the bounds; empty where nothing."""
        with np.errstate(all="ignore"):
            return self._verdict(source)

    def _verdict(self, source: str) -> str:
        try:
            mutant = verify.load(source, self.spec.name)
            changes = distance(self._results(mutant), self.results.astype(np.float64))
            worse = self.counts & ~(changes <= self.bounds)
            if worse.any():
                return self._words(worse, changes)
            if self._signature(mutant) != self.signature:
                return "shapes or dtypes"
            if self._differs(self._values(mutant), self.values, 2.0**-18):
                return "values"
            if self._differs(self._half(mutant), self.half, 2.0**-6):
                return "half precision"
            if self._differs(self._spread(mutant), self.spread, 2.0**-18):
                return "broadcasting"
        except Exception as error:
            return f"raises {type(error).__name__}"
        return ""

    def _words(self, worse: np.ndarray, changes: np.ndarray) -> str:
        ratio = np.where(worse, np.nan_to_num(changes, nan=np.inf) / self.bounds, 0)
        row, column = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
        at = tuple(float(c[row]) for c in self.columns)
        return (
            f"{int(worse.any(axis=1).sum())} of {len(worse)} points, worst at {at}: result {column} is "
            f"changed by {changes[row, column]:.0f} ulps, allowed are {self.bounds[row, column]:.0f}"
        )

    def _results(self, module: ModuleType) -> np.ndarray:
        got = verify.measure(module, self.spec, self.columns)
        n = len(got.values)
        both = [p for p in (got.partials, got.forward) if p is not None]
        return np.concatenate([got.values, *(p.reshape(n, -1) for p in both)], axis=1)

    def _values(self, module: ModuleType) -> list[np.ndarray]:
        """The values where nothing is differentiated, and those of the twin, with and without."""
        function, twin = self._both(module)
        at = [jnp.asarray(c) for c in self.tame.T]
        if twin is None:
            return self._floats(jax.jit(lambda *a: (function(*a), self._clipped(function, a)))(*at))
        return self._floats(jax.jit(lambda *a: (function(*a), twin(*a), jax.jvp(twin, a, a)[0]))(*at))

    def _both(self, module: ModuleType) -> tuple[Any, Any]:
        """The function and its twin, if it is to have one."""
        twin = getattr(module, f"{self.spec.name}_jvp") if self.spec.linear else None
        return getattr(module, self.spec.name), twin

    def _clipped(self, function: Any, at: Any) -> Any:
        """Cotangents of the arguments for cotangents that reach from inside the bounds to far beyond."""
        values, pull = jax.vjp(function, *at)
        return [
            pull(jax.tree.map(lambda v, w=w: w + 0 * v, values)) for w in (0.01, -0.01, 1.0, -1.0, 1e3, -1e3)
        ]

    def _program(self, module: ModuleType, *at: Any) -> Any:
        function, twin = self._both(module)
        values, pull = jax.vjp(function, *at)
        return values, pull(values), None if twin is None else jax.jvp(twin, at, at)

    def _signature(self, module: ModuleType) -> list[Any]:
        found = []
        for kinds in (("float32",) * 3, *_KINDS):
            for shapes in _SHAPES:
                at = [jax.ShapeDtypeStruct(shapes[j % 3], kinds[j % 3]) for j in range(len(self.spec.args))]
                shaped = jax.eval_shape(lambda *a: self._program(module, *a), *at)
                found.append([(x.shape, str(x.dtype)) for x in jax.tree.leaves(shaped)])
        return found

    def _half(self, module: ModuleType) -> list[np.ndarray]:
        found: list[np.ndarray] = []
        for kinds in _KINDS[:2]:
            at = [jnp.asarray(c, k) for c, k in zip(self.tame.T, kinds, strict=False)]
            found += self._floats(jax.jit(lambda *a: self._program(module, *a))(*at))
        return found

    def _determined(self, found: list[np.ndarray]) -> list[np.ndarray]:
        """Results in half precision, without tangents that are small sums of large terms: rounding is all."""
        per_kind, arguments = len(found) // 2, len(self.spec.args)
        if per_kind != 3 + arguments:  # value and cotangents, value and tangent
            return found
        for start in (0, per_kind):
            value, tangent = found[start], found[start + per_kind - 1]
            pulled = found[start + 1 : start + 1 + arguments]
            terms = sum(np.abs(p * x / value) for p, x in zip(pulled, self.tame.T, strict=True))
            found[start + per_kind - 1] = np.where(np.abs(tangent) < terms / 8, np.nan, tangent)
        return found

    def _spread(self, module: ModuleType) -> list[np.ndarray]:
        if not len(self.tame) or len(self.spec.args) < 2:
            return []
        found: list[np.ndarray] = []
        for shapes in _SHAPES[1:]:
            at = [jnp.full(shapes[j % 3], x, jnp.float32) for j, x in enumerate(self.tame[0])]
            found += self._floats(jax.jit(lambda *a: self._program(module, *a))(*at))
        return found

    def _floats(self, tree: Any) -> list[np.ndarray]:
        return [np.asarray(x, np.float64) for x in jax.tree.leaves(tree)]

    def _differs(self, one: Sequence[np.ndarray], other: Sequence[np.ndarray], tolerance: float) -> bool:
        with np.errstate(all="ignore"):
            return any(
                bool(
                    (np.isfinite(b) & (np.abs(b) > 2.0**-8) & ~(np.abs(a - b) <= tolerance * np.abs(b))).any()
                )
                for a, b in zip(one, other, strict=True)
            )
