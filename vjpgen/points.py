"""Where accuracy is judged: sample points of a function's domain, with their exact values.

Half of the points are uniform over the bit patterns of the dtype, which visits every magnitude alike;
half lie where people work: uniform on [-20, 20], and log-uniform on 1e-5 to 1e5 with either sign.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice, product

import numpy as np

from vjpgen.errors import DomainError
from vjpgen.expr import Expr, show, variables
from vjpgen.oracle import truth_of
from vjpgen.spec import Spec
from vjpgen.truth import Truth

MANTISSA_BITS = {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52}
_DRAWS_PER_POINT = 48
_ROUNDS = 24
_FLIPPED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq"}


@dataclass(frozen=True, slots=True)
class Points:
    """Sample points with exact results.

    Attributes:
        at: (n, a), in the dtype asked for; the first `ordinary` rows are from ordinary ranges.
        truth_values: (n, m) float64; each is representable in the dtype (normal, or zero).
        truth_partials: (n, m, a) float64; may be nan (kink, undefined), inf or tiny.
        ordinary: how many rows are from ordinary ranges.
    """

    at: np.ndarray
    truth_values: np.ndarray
    truth_partials: np.ndarray
    ordinary: int


@dataclass(frozen=True, slots=True)
class Format:
    """A binary floating-point format by its integer patterns: `number` is monotone in the signed key."""

    dtype: np.dtype
    smallest: int
    largest: int

    @staticmethod
    def of(dtype: object) -> Format:
        kind = np.dtype(dtype)  # type: ignore[call-overload]
        bits, mantissa = 8 * kind.itemsize, MANTISSA_BITS[kind.name]
        infinity = ((1 << (bits - 1 - mantissa)) - 1) << mantissa
        return Format(kind, 1 << mantissa, infinity - 1)

    def number(self, keys: np.ndarray) -> np.ndarray:
        """The floats whose patterns are |key|, with the sign of the key."""
        unsigned = np.dtype(f"u{self.dtype.itemsize}")
        magnitude = np.abs(keys).astype(unsigned).view(self.dtype)
        return np.asarray(np.where(keys < 0, -magnitude, magnitude), dtype=self.dtype)

    def key(self, value: float) -> int:
        """The pattern of a float, negative for negative ones; infinities give the largest number's."""
        with np.errstate(over="ignore", under="ignore"):
            near = np.array(abs(value)).astype(self.dtype)
        pattern = min(int(near.view(f"u{self.dtype.itemsize}")), self.largest)
        return -pattern if value < 0 else pattern

    def keeps(self, values: np.ndarray) -> np.ndarray:
        """Where float64 numbers are zero or normal in this format."""
        tiny, huge = (float(self.number(np.array(k))) for k in (self.smallest, self.largest))
        size = np.abs(values)
        return np.asarray(np.isfinite(values) & ((size == 0) | (size >= tiny)) & (size <= huge))


def sample(spec: Spec, n: int, seed: int, dtype: object = np.float32) -> Points:
    """Up to `n` points of the spec's domain where every output is representable in `dtype`.

    The same spec, n, seed and dtype give the same points. Fewer come back where the assumptions accept
    few of a bounded number of draws.

    Raises:
        DomainError: no point satisfies the assumptions, or the value is real (or representable) nowhere.
    """
    form = Format.of(dtype)
    if not spec.args:
        return _constant(spec, form)
    search = Drawing(spec, form, np.random.default_rng(seed))
    half = n - n // 2
    ordinary = search.collect(search.ordinary, half)
    patterns = search.collect(search.patterns, n - len(ordinary.at))
    if len(ordinary.at) == half and len(patterns.at) < n - half:
        ordinary = joined(ordinary, search.collect(search.ordinary, n - half - len(patterns.at)))
    found = joined(ordinary, patterns)
    if not len(found.at):
        found = search.last_resort()
    if not len(found.at):
        raise search.refusal()
    return replace(found, ordinary=len(ordinary.at))


def box(spec: Spec) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bounds (a,) that the assumptions put on each argument alone, else -inf and inf."""
    low = dict.fromkeys(spec.args, -np.inf)
    high = dict.fromkeys(spec.args, np.inf)
    for condition in _conjuncts(spec.assume):
        for name, kind, bound in _bounds(condition):
            if kind in ("gt", "ge", "eq"):
                low[name] = max(low[name], bound)
            if kind in ("lt", "le", "eq"):
                high[name] = min(high[name], bound)
    return np.array([low[a] for a in spec.args]), np.array([high[a] for a in spec.args])


def _conjuncts(conditions: tuple[Expr, ...]) -> Iterator[Expr]:
    for c in conditions:
        if c.op == "and":
            yield from _conjuncts(c.args)
        else:
            yield c


def _bounds(condition: Expr) -> Iterator[tuple[str, str, float]]:
    """(argument, relation, number) for `x < c`, `c < x` and `abs(x) < c`, where c has no variables."""
    if condition.op not in _FLIPPED:
        return
    a, b = condition.args
    sides: tuple[tuple[Expr, Expr, str], ...] = ((a, b, condition.op), (b, a, _FLIPPED[condition.op]))
    for left, right, kind in sides:
        if variables(right):
            continue
        bound = float(Truth((right,), ()).values(np.zeros((1, 0)))[0, 0])
        if np.isnan(bound):
            continue
        if left.op == "var":
            yield str(left.value), kind, bound
        if left.op == "abs" and left.args[0].op == "var" and kind in ("lt", "le"):
            yield str(left.args[0].value), kind, bound
            yield str(left.args[0].value), _FLIPPED[kind], -bound


class Drawing:
    """Draws candidates, keeps those of the domain, and remembers why the others were not kept."""

    def __init__(self, spec: Spec, form: Format, rng: np.random.Generator) -> None:
        self.spec, self.form, self.rng = spec, form, rng
        self.truth = truth_of(spec)
        self.assumed = Truth(spec.assume, spec.args) if spec.assume else None
        self.low, self.high = box(spec)
        self.seen: set[bytes] = set()
        self.drawn = self.allowed = self.real = 0

    def collect(self, draw: Callable[[int], np.ndarray], wanted: int) -> Points:
        """Up to `wanted` points, from at most `_DRAWS_PER_POINT` candidates for each."""
        found = self._none()
        budget, size, share = _DRAWS_PER_POINT * max(wanted, 32), wanted + wanted // 8 + 8, 1.0
        for _ in range(_ROUNDS):
            missing = wanted - len(found.at)
            if missing <= 0 or budget <= 0:
                break
            size = min(size, budget)
            candidates = draw(size)
            if share < 0.05:
                candidates[::2] = self._near(found.at, candidates[::2])
            budget -= size
            kept = self.keep(candidates, missing)
            share = (len(kept.at) + 1) / size
            found = joined(found, kept)
            size = int(min(2 * size, 1.2 * (wanted - len(found.at)) / share + 8))
        return found

    def keep(self, candidates: np.ndarray, wanted: int, *, zeros: bool = False) -> Points:
        """The candidates that are new, satisfy the assumptions and have representable outputs."""
        points = self.admitted(candidates, zeros=zeros)
        self.drawn += len(candidates)
        self.allowed += len(points)
        points = points[: 2 * wanted + 64]
        values, partials = self.truth.with_partials(points.astype(np.float64))
        self.real += int((~np.isnan(values)).all(axis=1).sum())
        good = np.flatnonzero(self.form.keeps(values).all(axis=1))[:wanted]
        return Points(points[good], values[good], partials[good], 0)

    def admitted(self, candidates: np.ndarray, *, zeros: bool = False) -> np.ndarray:
        """The candidates that are new and satisfy the assumptions."""
        points = self._new(candidates[self._inside(candidates, zeros)])
        return np.asarray(points[self.accepts(points)])

    def accepts(self, points: np.ndarray) -> np.ndarray:
        """Where the assumptions hold."""
        if self.assumed is None or not len(points):
            return np.ones(len(points), bool)
        return np.asarray(self.assumed.holds(points.astype(np.float64)).all(axis=1))

    def patterns(self, size: int) -> np.ndarray:
        """Uniform over the normal bit patterns inside the box."""
        columns = []
        for low, high in zip(self.low, self.high, strict=True):
            first, last = self.form.key(low), self.form.key(high)
            keys = (
                self.rng.integers(first, last, size, endpoint=True) if first < last else np.full(size, first)
            )
            small = np.abs(keys) < self.form.smallest
            keys[small] = self._normal_keys(first, last, int(small.sum()))
            columns.append(self.form.number(keys))
        return np.stack(columns, axis=1)

    def _normal_keys(self, first: int, last: int, size: int) -> np.ndarray:
        """Keys of [first, last] that are not subnormal, or zero where there are none."""
        edge = self.form.smallest
        sides = [(a, b) for a, b in ((max(first, edge), last), (first, min(last, -edge))) if a <= b]
        if not sides:
            return np.zeros(size, dtype=np.int64)
        picks = [self.rng.integers(a, b, size, endpoint=True) for a, b in sides]
        return picks[0] if len(sides) == 1 else np.where(self.rng.random(size) < 0.5, *picks)

    def ordinary(self, size: int) -> np.ndarray:
        """Half uniform on [-20, 20], half log-uniform on 1e-5 to 1e5, each cut to the box."""
        columns = []
        for low, high in zip(self.low, self.high, strict=True):
            flat, spread = self._uniform(low, high, size), self._magnitudes(low, high, size)
            columns.append(np.where(np.arange(size) % 2 == 0, flat, spread))
        shuffled = [c if j == 0 else c[self.rng.permutation(size)] for j, c in enumerate(columns)]
        together = np.where(self.rng.random(size)[:, None] < 0.5, np.stack(columns, 1), np.stack(shuffled, 1))
        with np.errstate(over="ignore", under="ignore"):
            return together.astype(self.form.dtype)

    def _uniform(self, low: float, high: float, size: int) -> np.ndarray:
        a, b = max(low, -20.0), min(high, 20.0)
        if a > b:
            return self._magnitudes(low, high, size)
        return self.rng.uniform(a, b, size)

    def _magnitudes(self, low: float, high: float, size: int) -> np.ndarray:
        sides = []
        for sign, a, b in ((1.0, low, high), (-1.0, -high, -low)):
            bottom, top = max(a, 1e-5), min(b, 1e5)
            if bottom > top:
                bottom, top = (a, min(b, a * 1e5)) if a >= 1e5 else (min(b, 1e-5) * 1e-5, b)
            if 0 < bottom <= top:
                sides.append(sign * 10 ** self.rng.uniform(np.log10(bottom), np.log10(top), size))
        if not sides:
            return np.zeros(size)
        return sides[0] if len(sides) == 1 else np.where(self.rng.random(size) < 0.5, *sides)

    def _near(self, found: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        """For narrow domains: near points found, near the edges of the box, or coordinates close together."""
        size, a = candidates.shape
        step = self.rng.choice([-1.0, 1.0], (size, a)) * 2.0 ** -self.rng.uniform(0, 24, (size, a))
        step *= self.rng.random((size, a)) < 0.7
        if len(found) and size:
            base = found[self.rng.integers(0, len(found), size)].astype(np.float64)
        else:
            base = np.repeat(candidates[:, :1].astype(np.float64), a, axis=1)
            edges = np.where(self.rng.random((size, a)) < 0.5, self.low, self.high)
            base = np.where(np.isfinite(edges) & (self.rng.random((size, a)) < 0.5), edges, base)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return np.asarray(base * (1 + step)).astype(self.form.dtype)

    def last_resort(self) -> Points:
        """Small numbers, bounds and zero, every combination: for domains that random draws miss."""
        columns = []
        for low, high in zip(self.low, self.high, strict=True):
            middle = (low + high) / 2 if np.isfinite([low, high]).all() else 0.0
            marks = [low, high, middle, 0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, 4.0, 10.0]
            columns.append(sorted({m for m in marks if np.isfinite(m)}))
        few = [*columns[:3], *(c[:2] for c in columns[3:])]
        grid = np.array(list(islice(product(*few), 4096)))
        with np.errstate(over="ignore", under="ignore"):
            return self.keep(grid.astype(self.form.dtype), len(grid), zeros=True)

    def refusal(self) -> DomainError:
        """The error that fits what was seen."""
        name, said = self.form.dtype.name, " and ".join(self.spec.assume_text or map(show, self.spec.assume))
        tried = f"{self.allowed or self.drawn} {name} points were tried"
        if not self.allowed:
            return DomainError(f"no point satisfies the assumption: {said}", hint=tried)
        where = f" where {said}" if said else ""
        if not self.real:
            return DomainError(f"the value is nowhere a real number{where}", hint=tried)
        return DomainError(f"the value is nowhere in the range of {name}{where}", hint=tried)

    def _inside(self, candidates: np.ndarray, zeros: bool) -> np.ndarray:
        """Normal numbers inside the box; zero only where asked for, or where the box holds nothing else."""
        wide = candidates.astype(np.float64)
        allowed = (wide != 0) | zeros | ((self.low == 0) & (self.high == 0))
        inside = (wide >= self.low) & (wide <= self.high)
        return np.asarray((self.form.keeps(wide) & allowed & inside).all(axis=1))

    def _new(self, points: np.ndarray) -> np.ndarray:
        fresh = []
        for i, row in enumerate(points):
            key = row.tobytes()
            if key not in self.seen:
                self.seen.add(key)
                fresh.append(i)
        return points[fresh]

    def _none(self) -> Points:
        a, m = len(self.spec.args), len(self.spec.outputs)
        return Points(np.zeros((0, a), self.form.dtype), np.zeros((0, m)), np.zeros((0, m, a)), 0)


def between(a: np.ndarray, b: np.ndarray, n: int) -> np.ndarray:
    """Points on the way from a to b, in equal ratios where signs agree, in equal steps elsewhere."""
    t = np.linspace(0.0, 1.0, n + 2)[1:-1, None]
    a, b = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(all="ignore"):
        ratios = np.sign(a) * np.exp(np.log(np.abs(a)) * (1 - t) + np.log(np.abs(b)) * t)
    with np.errstate(over="ignore"):
        return np.where(a * b > 0, ratios, a * (1 - t) + b * t).astype(np.float32)


def joined(*parts: Points) -> Points:
    """All their points; how many of them are ordinary is for the caller to say."""
    return Points(
        np.concatenate([p.at for p in parts]),
        np.concatenate([p.truth_values for p in parts]),
        np.concatenate([p.truth_partials for p in parts]),
        0,
    )


def _constant(spec: Spec, form: Format) -> Points:
    """The one point of a function without arguments."""
    values, partials = Truth(spec.outputs, ()).with_partials(np.zeros((1, 0)))
    if np.isnan(values).any():
        raise DomainError("the value is not a real number")
    return Points(np.zeros((1, 0), form.dtype), values, partials, 1)
