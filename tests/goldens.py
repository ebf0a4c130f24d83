"""Printed output that is kept in the repository and held against what is printed today.

The words have to be the same; numbers may differ as much as another processor's or another JAX's rounding
makes them. `pytest --update` rewrites what is kept, to be read as a diff.
"""

from __future__ import annotations

import math
import re

NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|inf|nan)(?![\w.])")
BAR = re.compile(r"#+")
CLOSE = 1e-4  # relative; printed figures have four to seven digits
TINY = 1e-30  # what underflows on one machine may be a few smallest numbers on another
LENGTH = 1  # a bar may be one mark longer or shorter
STEP = 0.5  # relative; measured errors move by steps from one processor to the next
MEASURED = re.compile(
    r"[\d.]+(?:e[-+]?\d+)?(?= ulp| bits)|(?<=within )\d+|(?<=over )\d+|\d+(?= points| passed)"
)
DURATION = re.compile(r"\d+\.\d(?= s\b)")  # says nothing
VERSION = re.compile(r"\d+(?:\.\d+){2,}")


def differences(printed: str, kept: str) -> list[str]:
    """Pairs of lines that say something else, as "kept -> printed"."""
    new, old = lines(printed), lines(kept)
    if len(new) != len(old):
        return [f"{len(old)} lines -> {len(new)} lines", *sorted(set(new) ^ set(old))]
    return [f"{b} -> {a}" for a, b in zip(new, old, strict=True) if not same(a, b)]


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.strip().splitlines()]


def same(a: str, b: str) -> bool:
    """Whether two lines agree but for rounding."""
    return (
        words(a) == words(b)
        and all(map(close, numbers(a), numbers(b)))
        and all(map(near, steps(a), steps(b)))
    )


def words(line: str) -> str:
    return NUMBER.sub("0", MEASURED.sub("0", BAR.sub("#", DURATION.sub("0", VERSION.sub("0", line)))))


def numbers(line: str) -> list[float]:
    return [float(n) for n in NUMBER.findall(MEASURED.sub("u", DURATION.sub("u", line)))]


def steps(line: str) -> list[float]:
    """Measured errors and numbers of points, and lengths of bars."""
    return [*map(float, MEASURED.findall(line)), *(float(len(bar)) for bar in BAR.findall(line))]


def close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=CLOSE, abs_tol=TINY) or (math.isnan(a) and math.isnan(b))


def near(a: float, b: float) -> bool:
    return abs(a - b) <= max(LENGTH, STEP * max(a, b))
