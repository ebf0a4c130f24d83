"""Inputs that a test of a function has to visit: ordinary ones, extremes, edges, splitpoints.

Everything happens on the integer patterns of float32, where neighbours differ by one and halving a
distance halves the number of floats in between.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product

import numpy as np

from vjpgen.expr import Expr, call, has_op, variables, walk
from vjpgen.forms import Forms
from vjpgen.oracle import truth_of
from vjpgen.points import Format, Points, box
from vjpgen.smooth import limits
from vjpgen.truth import Truth

FORMAT = Format.of(np.float32)
ORDINARY = "ordinary points"
EXTREME = "small and large numbers"
ZERO = "zero"
EDGE = "edges of the domain and of the range"
SPLIT = "splitpoints and their neighbours"
ROOT = "next to zeros of values and partials"
REMOVABLE = "removable singularities"

_HUMAN = (
    1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 0.25, -0.25, 3.0, -3.0, 1.5, -1.5, 0.75, -0.75, 5.0, -5.0, 10.0, -10.0,
    20.0, -20.0, 0.125, -0.125, 7.0, -7.0,
)  # fmt: skip
_SIZES = (1e-30, 1e-16, 1e-8, 1e-6, 1e-4, 1e-3, 1e-2, 50.0, 100.0, 1e3, 1e5, 1e8, 1e16, 1e30)
_CORNERED = 3  # arguments of which all signs are combined
_PAIRS = 3  # ways across each boundary, with several arguments
_MOST = {ORDINARY: 20, EXTREME: 20, ZERO: 6, EDGE: 10, SPLIT: 24, ROOT: 16}
_ROOT_STEPS = (0, 1 << 6, 1 << 12, 1 << 16, 1 << 18, 1 << 19, 1 << 20)
_STEPS = (0, 1 << 16, 1 << 20, 3 << 21, 1 << 24)  # neighbours, 0.8 %, 12 %, 1.75 times, 4 times

Keys = np.ndarray
Row = tuple[str, tuple[float, ...]]


def landmarks(forms: Forms, sample: Points) -> list[Row]:
    """(section, point) rows, each point once, all inside the domain with representable values."""
    domain = Domain(forms)
    rows: list[Row] = []
    seen: set[bytes] = set()
    for section, points in _candidates(domain, forms, sample):
        inside = points[domain.inside(points)]
        fresh = [p for p in inside if p.tobytes() not in seen and not seen.add(p.tobytes())]  # type: ignore[func-returns-value]
        rows += [(section, tuple(map(float, p))) for p in _spread(fresh, _MOST[section])]
        if section in (ORDINARY, ZERO):
            rows += [(REMOVABLE, p) for p in domain.removable(points[~domain.inside(points)])]
    return sorted(rows, key=lambda row: row[0] == REMOVABLE)


class Domain:
    """Where the assumptions hold and every output is a float32, decided exactly."""

    def __init__(self, forms: Forms) -> None:
        self.spec = forms.spec
        self.truth = truth_of(forms.spec)
        self.assumed = Truth(forms.spec.assume, forms.spec.args) if forms.spec.assume else None
        self.low, self.high = box(forms.spec)

    def inside(self, points: np.ndarray) -> np.ndarray:
        wide = points.astype(np.float64)
        good = np.flatnonzero(FORMAT.keeps(wide).all(axis=1))
        if self.assumed is not None:
            good = good[self.assumed.holds(wide[good]).all(axis=1)]
        good = good[FORMAT.keeps(self.truth.values(wide[good])).all(axis=1)]
        found = np.zeros(len(points), dtype=bool)
        found[good] = True
        return found

    def results(self, points: np.ndarray) -> np.ndarray:
        """Exact values and partials, (n, m + m * a)."""
        values, partials = self.truth.with_partials(points.astype(np.float64))
        return np.concatenate([values, partials.reshape(len(points), -1)], axis=1)

    def removable(self, points: np.ndarray) -> list[tuple[float, ...]]:
        """Of points outside the domain, those where the formula alone fails, and its values have limits."""
        wide = points.astype(np.float64)
        undefined = np.isnan(self.truth.values(wide)).any(axis=1)
        if self.assumed is not None:
            undefined &= self.assumed.holds(wide).all(axis=1)
        m, found = len(self.spec.outputs), []
        for row in wide[undefined]:
            inputs = tuple(map(float, row))
            if not any(map(math.isnan, limits(self.spec, inputs)[:m])):
                found.append(inputs)
        return found[:6]


def _candidates(domain: Domain, forms: Forms, sample: Points) -> Iterator[tuple[str, np.ndarray]]:
    width = len(forms.spec.args)
    if not width:
        return
    ordinary = _ordinary(domain, sample, width)
    yield ORDINARY, ordinary
    yield ZERO, _zeros(forms, width)
    known = np.concatenate([ordinary, sample.at[:: max(1, len(sample.at) // 200)]])
    known = known[domain.inside(known)]
    yield SPLIT, _splits(forms, known)
    yield ROOT, _roots(domain, known)
    yield EDGE, _edges(domain, sample, width)
    yield EXTREME, _extremes(width)
    yield EXTREME, _corners(width)


def _spread(rows: list[np.ndarray], most: int) -> list[np.ndarray]:
    """All rows, or `most` of them at even distances, the first one among them."""
    if len(rows) <= most:
        return rows
    return [rows[i * len(rows) // most] for i in range(most)]


def _ordinary(domain: Domain, sample: Points, width: int) -> np.ndarray:
    """Round numbers inside the box, in combinations; sample points where the domain holds few of those."""
    columns = []
    for j, (low, high) in enumerate(zip(domain.low, domain.high, strict=True)):
        fit = [v for v in _HUMAN if low <= v <= high]
        if len(fit) < 6 and np.isfinite([low, high]).all():
            fit = [low + (high - low) * k / 16 for k in range(1, 16)]
        fit = fit or [float(v) for v in sample.at[:16, j]]
        columns.append(fit)
    size = len(columns[0]) if width == 1 else 40
    grid = [
        [c[(i * (2 * j + 1) + 5 * j + i // len(c)) % len(c)] for j, c in enumerate(columns)]
        for i in range(size)
    ]
    same = [[c[i % len(c)] for c in columns] for i in range(6)] if width > 1 else []
    points = np.array(grid + same, dtype=np.float32)
    if domain.inside(points).sum() < 12:
        points = np.concatenate([points, sample.at[: sample.ordinary][:16]])
    return points


def _zeros(forms: Forms, width: int) -> np.ndarray:
    """Zero of either sign, each argument in turn and all at once; -0 only where no branch cut is."""
    signs = (0.0,) if any(has_op(e, "atan2") for e in forms.spec.outputs) else (0.0, -0.0)
    rows = [
        [z if j in (k, -1) or k < 0 else 0.75 for j in range(width)] for k in range(-1, width) for z in signs
    ]
    if width == 1:
        rows = [[z] for z in signs]
    return np.array(rows, dtype=np.float32)


def _extremes(width: int) -> np.ndarray:
    tiny, huge = (float(FORMAT.number(np.array(k))) for k in (FORMAT.smallest, FORMAT.largest))
    sizes = (tiny, *_SIZES, huge)
    if width == 1:
        return np.array([[s * v] for v in sizes for s in (1.0, -1.0)], dtype=np.float32)
    rows = []
    for i in range(12 * width):
        row = [
            sizes[(i * (3 + 4 * j) + 7 * j) % len(sizes)] * (-1.0 if (i >> j) % 3 == 1 else 1.0)
            for j in range(width)
        ]
        rows.append(row)
        rows.append([1.5 if j != i % width else v for j, v in enumerate(row)])
    return np.array(rows, dtype=np.float32)


def _corners(width: int) -> np.ndarray:
    """Every argument as large as it can be, and every one next to the least: there sums leave the range."""
    tiny, huge = (float(FORMAT.number(np.array(k))) for k in (FORMAT.smallest, FORMAT.largest))
    rows = []
    for signs in product((1.0, -1.0), repeat=min(width, _CORNERED)):
        rows.append([huge * signs[j % len(signs)] for j in range(width)])
        rows.append([tiny * (1.5, 1.25, 1.75)[j % 3] * signs[j % len(signs)] for j in range(width)])
    return np.array(rows, dtype=np.float32)


# ------------------------------------------------------------------ boundaries, by bisection of patterns


def _keys(points: np.ndarray) -> Keys:
    patterns = np.abs(points).astype(np.float32).view(np.uint32).astype(np.int64)
    return np.asarray(np.where(points < 0, -patterns, patterns))


def _points(keys: Keys) -> np.ndarray:
    keys = np.where(np.abs(keys) < FORMAT.smallest, 0, np.clip(keys, -FORMAT.largest, FORMAT.largest))
    return FORMAT.number(keys)


def bisect(holds: Callable[[np.ndarray], np.ndarray], yes: Keys, no: Keys) -> tuple[Keys, Keys]:
    """Row by row, neighbouring patterns on the way from `yes` to `no` between which `holds` turns false."""
    for _ in range(33):
        middle = (yes + no) // 2
        found = holds(_points(middle))[:, None]
        yes, no = np.where(found, middle, yes), np.where(found, no, middle)
    return yes, no


def _edges(domain: Domain, sample: Points, width: int) -> np.ndarray:
    """The last points inside the domain, and of representable values, along each axis."""
    bases = sample.at[:: max(1, len(sample.at) // 2)][:2] if width > 1 else np.zeros((1, 1), np.float32)
    starts, stops = [], []
    scan = np.linspace(-FORMAT.largest, FORMAT.largest, 129).astype(np.int64)
    for base in bases:
        for j in range(width):
            keys = np.tile(_keys(base), (len(scan), 1))
            keys[:, j] = scan
            inside = domain.inside(_points(keys))
            for i in np.flatnonzero(inside[1:] != inside[:-1]):
                starts.append(keys[i + 1] if inside[i + 1] else keys[i])
                stops.append(keys[i] if inside[i + 1] else keys[i + 1])
    if not starts:
        return np.zeros((0, width), np.float32)
    last, _ = bisect(domain.inside, np.array(starts), np.array(stops))
    inner = last + np.sign(np.array(starts) - last) * (1 << 18)
    return _points(np.stack([last, inner], axis=1).reshape(-1, width))


def _splits(forms: Forms, points: np.ndarray) -> np.ndarray:
    """Both sides of every splitpoint of the forms, next to it and at growing distances."""
    rows = [np.zeros((0, points.shape[1]), np.float32)]
    for condition in conditions(forms):
        truth = Truth((condition,), forms.spec.args)
        rows.append(_crossings(lambda p, t=truth: t.holds(p.astype(np.float64))[:, 0], points, _STEPS))  # type: ignore[misc]
    return np.concatenate(rows)


def _roots(domain: Domain, points: np.ndarray) -> np.ndarray:
    """Both sides of where a value or a partial changes its sign: there, what cancels shows."""
    rows = [np.zeros((0, points.shape[1]), np.float32)]
    for q in range(len(domain.spec.outputs) * (1 + len(domain.spec.args))):
        rows.append(_crossings(lambda p, q=q: domain.results(p)[:, q] > 0, points, _ROOT_STEPS))  # type: ignore[misc]
    return np.concatenate(rows)


def _crossings(
    holds: Callable[[np.ndarray], np.ndarray], points: np.ndarray, distances: Sequence[int]
) -> np.ndarray:
    """Neighbours between which `holds` changes, and points at some distances on both sides of them."""
    pairs = _pairs(points, holds(points))
    if not len(pairs[0]):
        return points[:0]
    yes, no = bisect(holds, *map(_keys, pairs))
    away = np.sign(yes - no)
    steps = [base + sign * step * away for step in distances for base, sign in ((yes, 1), (no, -1))]
    return _points(np.concatenate(steps))


def _pairs(points: np.ndarray, side: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points on one side, and the nearest ones on the other: every turn of one argument, a few for more."""
    if points.shape[1] == 1:
        order = np.argsort(points[:, 0], kind="stable")
        points, side = points[order], side[order]
        turns = np.flatnonzero(side[1:] != side[:-1])[:6]
        left, right = points[turns], points[turns + 1]
        first = side[turns][:, None]
        return np.where(first, left, right), np.where(first, right, left)
    yes, no = points[side][:200], points[~side][:200]
    if not len(yes) or not len(no):
        return yes[:0], yes[:0]
    few = yes[:: -(-len(yes) // _PAIRS)]
    apart = np.abs(_keys(few)[:, None, :] - _keys(no)[None, :, :]).max(axis=2)
    return few, no[apart.argmin(axis=1)]


def conditions(forms: Forms) -> list[Expr]:
    """What decides between branches in the forms and in the formula: comparisons, sides of max and min."""
    partials = (e for row in forms.partials for e in row)
    found: dict[Expr, None] = {}
    typed = (*forms.spec.outputs, *(forms.spec.meant.exprs() if forms.spec.meant else ()))
    above = [e for _, e in forms.higher.found] if forms.higher else []
    for e in walk(*forms.values, *partials, *above, *typed):
        if e.op in ("lt", "le", "gt", "ge"):
            found[e] = None
        elif e.op in ("max", "min"):
            found[call("lt", *e.args)] = None
    return list(found)


def splitpoints(forms: Forms) -> list[list[float]]:
    """The numbers that each argument alone, or its magnitude, is compared with."""
    found: dict[str, list[float]] = {a: [] for a in forms.spec.args}
    for condition in conditions(forms):
        for e, bound in (condition.args, condition.args[::-1]):
            inner = e.args[0] if e.op == "abs" else e
            if inner.op != "var" or variables(bound):
                continue
            number = float(Truth((bound,), ()).values(np.zeros((1, 0)))[0, 0])
            if math.isfinite(number):
                found[str(inner.value)] += [number, -number] if e.op == "abs" else [number]
    return list(found.values())
