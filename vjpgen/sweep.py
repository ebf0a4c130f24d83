"""A few hundred points by rule, dense enough that no regime of a form goes unseen between the references.

A test file holds the rule, not the points: the rule uses integer arithmetic and single correctly rounded
operations alone, so that it gives the same bits everywhere. What the points are compared with is the plain
formula in float64 under JAX autodiff, wherever that was right to far more than float32 when it was checked
against exact arithmetic.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

COUNT = 4096
LENGTH = 9216  # points of every measurement and of the tests' own: for other lengths XLA compiles otherwise
SMALLEST, LARGEST = 0x00800000, 0x7F7FFFFF
LEVELS = "0123456"  # the bound at a point is 4 * 2**level ulps
FINITE, SKIPPED = "~", "."
_TRUSTED = 2.0**-27  # relative error that the float64 result may have had


@dataclass(frozen=True, slots=True)
class Axis:
    """How one argument runs.

    Attributes:
        step: the irrational whose multiples, modulo 1, place the points.
        whole: (first, last) positions among the normal float32 numbers counted from zero.
        usual: one or two such ranges for magnitudes 1e-5 to 1e5.
        near, far: (low, high), each run through in equal steps.
        splits: ranges from half to twice each number that the forms compare this argument with.
    """

    step: float
    whole: tuple[int, int]
    usual: tuple[tuple[int, int], ...]
    near: tuple[float, float]
    far: tuple[float, float]
    splits: tuple[tuple[int, int], ...]


def axes(low: Sequence[float], high: Sequence[float], marks: Sequence[Sequence[float]]) -> tuple[Axis, ...]:
    """One axis per argument, inside the box; `marks` are the splitpoints of each."""
    steps = _irrationals(len(low))
    return tuple(
        _axis(step, float(a), float(b), m) for step, a, b, m in zip(steps, low, high, marks, strict=True)
    )


def _axis(step: float, low: float, high: float, marks: Sequence[float]) -> Axis:
    whole = (position(low), position(high))
    usual = _ranges(low, high, ((1e-5, 1e5), (-1e5, -1e-5))) or (whole,)
    near, far = (_cut(low, high, reach) for reach in (4.0, 20.0))
    around = [(m / 2, m * 2) if m > 0 else (m * 2, m / 2) for m in marks if m]
    return Axis(step, whole, usual, near, far, _ranges(low, high, around))


def _ranges(low: float, high: float, wanted: Sequence[tuple[float, float]]) -> tuple[tuple[int, int], ...]:
    """Ranges of positions, as far as they lie in the box."""
    cut = [(position(max(low, a)), position(min(high, b))) for a, b in wanted]
    return tuple(dict.fromkeys((a, b) for a, b in cut if a < b))


def _cut(low: float, high: float, reach: float) -> tuple[float, float]:
    """The part of the box within `reach` of zero, or all of it where there is none."""
    bottom, top = max(low, -reach), min(high, reach)
    return (bottom, top) if bottom < top else (max(low, -3e38), min(high, 3e38))


def _irrationals(count: int) -> tuple[float, ...]:
    """Powers of 1/g where g**(count + 1) = g + 1: the steps that fill a cube most evenly (Roberts 2018)."""
    g = 2.0
    for _ in range(60):
        g = (1 + g) ** (1 / (count + 1))
    return tuple(round(g ** -(j + 1), 12) for j in range(count))


def position(value: float) -> int:
    """The place of a number among the normal float32 numbers counted from zero, negative below it."""
    with np.errstate(over="ignore"):
        pattern = int(np.array(abs(value), np.float32).view(np.uint32))
    count = max(0, min(pattern, LARGEST) - SMALLEST + 1)
    return -count if value < 0 else count


def points(rule: Sequence[Axis], count: int = COUNT) -> np.ndarray:
    """The points (count, a), float32.

    In turn: over all magnitudes, over usual ones, near zero, farther from it, and with one argument near a
    splitpoint while the others run over all or over usual magnitudes.
    """
    kind, turn = np.arange(count) % 5, np.arange(count) // 5
    columns = []
    for j, axis in enumerate(rule):
        share = (turn + 1) * axis.step % 1.0
        ranges = np.array([axis.whole, *axis.usual, *axis.splits])
        around, n = turn // len(rule), len(axis.usual)
        which = np.where((kind == 1) | ((kind == 4) & (around % 2 == 1)), 1 + turn % n, 0)
        if axis.splits:
            here = (kind == 4) & (turn % len(rule) == j)
            which = np.where(here, 1 + n + around % len(axis.splits), which)
        first, last = ranges[which].T
        spread = nth(first + np.floor(share * (last - first)).astype(np.int64))
        low, high = np.array([axis.near, axis.far])[kind % 2].T
        flat = (low + share * (high - low)).astype(np.float32)
        columns.append(np.where((kind == 2) | (kind == 3), flat, spread))
    return np.stack(columns, axis=1) if columns else np.zeros((1, 0), np.float32)


def nth(place: np.ndarray) -> np.ndarray:
    """The inverse of `position`, for arrays."""
    pattern = np.where(place == 0, 0, np.abs(place) + (SMALLEST - 1)).astype(np.uint32)
    return np.copysign(pattern.view(np.float32), place.astype(np.float32))


def packed(text: str) -> str:
    """Levels in little room; `zlib.decompress(base64.b85decode(...))` gives them back."""
    return base64.b85encode(zlib.compress(text.encode(), 9)).decode()


def checksum(at: np.ndarray) -> int:
    """Tells whether a rule gave the same points."""
    return zlib.crc32(np.ascontiguousarray(at).tobytes())


def levels(truth: np.ndarray, wide: np.ndarray, errors: np.ndarray, finite: np.ndarray) -> str:
    """One character per point: which bound holds there, that results are finite, or nothing.

    Args:
        truth: exact results, float64; nan where nothing is to be compared.
        wide: the plain formula's results in float64.
        errors: measured ulps of the module in float32.
        finite: whether the module's result is finite.
    """
    with np.errstate(all="ignore"):
        right = np.abs(wide - truth) <= _TRUSTED * np.abs(truth)
        same = truth.astype(np.float32) == wide.astype(np.float32)
        level = np.nan_to_num(np.ceil(np.log2(np.maximum(2 * errors, 4) / 4)), nan=np.inf)
    counts = finite & ~np.isnan(truth)
    bounded = counts & right & same & (level < len(LEVELS))
    characters = np.array([*LEVELS, FINITE, SKIPPED])
    index = np.where(
        bounded, np.minimum(level, len(LEVELS) - 1), np.where(counts, len(LEVELS), len(LEVELS) + 1)
    )
    return "".join(characters[index.astype(int)])
