"""Points of a domain by the ends of what its arguments may be, and in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, num
from vjpgen.floats import Array, tiny
from vjpgen.points import box
from vjpgen.spec import Spec

_NEAR_ZERO = 4  # smallest normal numbers: nearer, factors of a result may be flushed to zero


class Domain(Protocol):
    """What has arguments and assumptions about them."""

    @property
    def name(self) -> str: ...
    @property
    def args(self) -> tuple[str, ...]: ...
    @property
    def assume(self) -> tuple[Expr, ...]: ...
    @property
    def assume_text(self) -> tuple[str, ...]: ...


def spec_of(domain: Domain) -> Spec:
    """A function with the same arguments and assumptions, and nothing to compute."""
    return Spec(domain.name, domain.args, (num(0),), False, domain.assume, "0", domain.assume_text)


def ends(domain: Domain, first: Array) -> Iterator[list[Array]]:
    """By each argument, its ends in float32 and the floats next to them, the others as in `first`."""
    for j, both in enumerate(zip(*box(spec_of(domain)), strict=True)):
        found = []
        for k, end in enumerate(both):
            next_to = float(np.nextafter(np.float32(end), np.float32(-np.inf if k else np.inf)))
            if abs(next_to) < tiny(np.float32):
                next_to = (-_NEAR_ZERO if k else _NEAR_ZERO) * tiny(np.float32)
            found += [replaced(first, j, x) for x in (float(np.float32(end)), next_to) if np.isfinite(x)]
        yield found


def inside(domain: Domain, rows: Array) -> Array:
    """Where the assumptions hold."""
    env = {a: np.ascontiguousarray(c, np.float64) for a, c in zip(domain.args, rows.T, strict=True)}
    held = np.ones(len(rows), bool)
    for condition in domain.assume:
        held &= np.broadcast_to(evaluate(condition, env, np.float64), held.shape)
    return held


def replaced(row: Array, j: int, x: float) -> Array:
    return np.where(np.arange(len(row)) == j, x, row)


def where(domain: Domain, row: Sequence[float] | Array) -> str:
    """A point in words."""
    return ", ".join(f"{a} = {x:.9g}" for a, x in zip(domain.args, row, strict=True))


def in_words(domain: Domain) -> str:
    """What holds of every input."""
    return " & ".join(domain.assume_text) or "all of float32"
