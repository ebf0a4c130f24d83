"""Where the solution of an equation is measured, searched and tested: points with exact solutions."""

from __future__ import annotations

import numpy as np

from vjpgen.errors import DomainError
from vjpgen.evaluation import evaluate
from vjpgen.expr import num
from vjpgen.floats import representable, tiny
from vjpgen.implicit import Implicit, conditions
from vjpgen.points import box, sample
from vjpgen.roots import RootFinder
from vjpgen.spec import Spec

SEED = 7
SEARCHED = 1024  # solutions around which the search looks
_EACH = 24  # points of each kind in the tests
_NEAR_ZERO = 4  # smallest normal numbers: nearer, factors of a slope may be flushed to zero


def spec_of_domain(spec: Implicit) -> Spec:
    """A function with the same arguments and assumptions, and nothing to compute."""
    return Spec(spec.name, spec.args, (num(0),), False, spec.assume, "0", spec.assume_text)


def solutions(spec: Implicit, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Points of the domain in float32, the solutions and partials there, and whether the residual rises.

    Raises:
        DomainError: at a point there is no solution or there are several, or none is a float32 number.
    """
    at = sample(spec_of_domain(spec), n, seed).at
    found = RootFinder(spec).solve(at)
    lost = np.isnan(found.values)
    if lost.any():
        raise DomainError(
            f"the solution could not be certified at {where(spec, at[lost][0])}",
            hint="it may be a double root; leave such points out by an assumption",
        )
    kept = representable(found.values, np.float32)
    if not kept.any():
        raise DomainError(f"{spec.unknown} is nowhere in the range of float32", hint=f"{n} points were tried")
    rising = found.rising[kept]
    if rising.any() and not rising.all():
        raise DomainError(
            f"at {where(spec, at[kept][rising][0])} the equation rises through its solution,"
            f" at {where(spec, at[kept][~rising][0])} it falls",
            hint=f"choose one branch by an assumption such as --assume '{spec.unknown} > 0'",
        )
    return at[kept], found.values[kept], found.partials[kept], bool(rising[0])


def around(spec: Implicit, at: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Points of the arguments and the unknown: solutions, numbers near them and elsewhere in the range."""
    rng = np.random.default_rng(SEED)
    rows = rng.permutation(len(at))[:SEARCHED]
    x, y = at[rows], values[rows]
    near = y * np.exp2(rng.uniform(-3, 3, len(y)))
    far = near[rng.permutation(len(near))]
    with np.errstate(over="ignore"):
        whole = np.column_stack([np.tile(x, (3, 1)), np.concatenate([y, near, far])]).astype(np.float32)
    env = {n: c.astype(np.float64) for n, c in zip(spec.variables, whole.T, strict=True)}
    inside = representable(env[spec.unknown], np.float32)
    for condition in conditions(spec):
        inside &= np.broadcast_to(evaluate(condition, env, np.float64), inside.shape)
    return whole[inside]


def landmarks(spec: Implicit, at: np.ndarray) -> np.ndarray:
    """Points for the tests: at the ends of the domain, then of every magnitude, then ordinary ones."""
    first, found = at[0].astype(np.float64), []
    for j, ends in enumerate(zip(*box(spec_of_domain(spec)), strict=True)):
        for k, end in enumerate(ends):
            next_to = float(np.nextafter(np.float32(end), np.float32(-np.inf if k else np.inf)))
            if abs(next_to) < tiny(np.float32):
                next_to = (-_NEAR_ZERO if k else _NEAR_ZERO) * tiny(np.float32)
            found += [_replaced(first, j, x) for x in (float(np.float32(end)), next_to) if np.isfinite(x)]
    half = len(at) // 2
    rows = np.concatenate([np.array(found).reshape(-1, len(spec.args)), at[half : half + _EACH], at[:_EACH]])
    env = dict(zip(spec.args, rows.T, strict=True))
    inside = np.ones(len(rows), bool)
    for condition in spec.assume:
        inside &= np.broadcast_to(evaluate(condition, env, np.float64), inside.shape)
    return np.asarray(rows[inside])


def beyond(spec: Implicit, at: np.ndarray) -> list[tuple[float, ...]]:
    """Points outside the domain, beyond the bounds of each argument."""
    first, found = at[0].astype(np.float64), []
    for j, (low, high) in enumerate(zip(*box(spec_of_domain(spec)), strict=True)):
        places = [low - 1 - abs(low) if np.isfinite(low) else np.nan, high + 1 + abs(high)]
        found += [tuple(_replaced(first, j, float(np.float32(x))).tolist()) for x in places if np.isfinite(x)]
    return found


def _replaced(row: np.ndarray, j: int, x: float) -> np.ndarray:
    return np.where(np.arange(len(row)) == j, x, row)


def where(spec: Implicit, row: np.ndarray) -> str:
    """A point in words."""
    return ", ".join(f"{a} = {x:.9g}" for a, x in zip(spec.args, row, strict=True))
