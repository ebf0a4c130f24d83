"""Where the solution of an equation is measured, searched and tested: points with exact solutions."""

from __future__ import annotations

import numpy as np

from vjpgen.domain_points import ends, inside, replaced, spec_of, where
from vjpgen.errors import DomainError
from vjpgen.evaluation import evaluate
from vjpgen.floats import representable
from vjpgen.implicit import Implicit, Solvable, conditions
from vjpgen.points import box, sample
from vjpgen.roots import RootFinder

SEED = 7
SEARCHED = 1024  # solutions around which the search looks
_EACH = 24  # points of each kind in the tests
_STEEP = 3  # points by each partial, and by each relative to its argument and value


def solutions(spec: Implicit, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Points of the domain in float32, the solutions and partials there, and whether the residual rises.

    Raises:
        DomainError: at a point there is no solution or there are several, or none is a float32 number.
    """
    at = sample(spec_of(spec), n, seed).at
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


def around(spec: Solvable, at: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Points of the arguments and the unknowns: solutions, numbers near them and elsewhere in the range."""
    rng = np.random.default_rng(SEED)
    rows = rng.permutation(len(at))[:SEARCHED]
    x, y = at[rows], values.reshape(len(at), -1)[rows]
    near = y * np.exp2(rng.uniform(-3, 3, y.shape))
    far = near[rng.permutation(len(near))]
    with np.errstate(over="ignore"):
        whole = np.column_stack([np.tile(x, (3, 1)), np.concatenate([y, near, far])]).astype(np.float32)
    env = {n: c.astype(np.float64) for n, c in zip(spec.variables, whole.T, strict=True)}
    held = representable(whole[:, len(spec.args) :].astype(np.float64), np.float32).all(1)
    for condition in conditions(spec):
        held &= np.broadcast_to(evaluate(condition, env, np.float64), held.shape)
    return whole[held]


def landmarks(spec: Solvable, at: np.ndarray, values: np.ndarray, partials: np.ndarray) -> np.ndarray:
    """Points for the tests: ends of the domain, solutions of every size, where partials are largest.

    Args:
        spec: what is solved.
        at: points (n, a), half of them ordinary ones, half of every magnitude.
        values, partials: the solutions there, and their partials.
    """
    first, found = at[0].astype(np.float64), []
    for both in ends(spec, first):
        found += both
    half = len(at) // 2
    slopes = np.abs(partials.reshape(len(at), -1))
    with np.errstate(all="ignore"):
        relative = slopes * np.tile(np.abs(at), slopes.shape[1] // at.shape[1])
        relative /= np.repeat(np.abs(values.reshape(len(at), -1)), at.shape[1], axis=1)
    steep = np.argsort(-np.nan_to_num(np.concatenate([slopes, relative], 1)), axis=0, kind="stable")[:_STEEP]
    size = np.abs(values.reshape(len(at), -1)[half:]).max(1)
    spread = np.argsort(size, kind="stable")[np.linspace(0, len(size) - 1, _EACH).astype(int)]
    chosen = [half + spread, np.arange(min(_EACH, len(at))), np.unique(steep)]
    rows = np.concatenate([np.array(found).reshape(-1, len(spec.args)), at[np.concatenate(chosen)]])
    return np.asarray(rows[inside(spec, rows)])


def beyond(spec: Implicit, at: np.ndarray) -> list[tuple[float, ...]]:
    """Points outside the domain, beyond the bounds of each argument."""
    first, found = at[0].astype(np.float64), []
    for j, (low, high) in enumerate(zip(*box(spec_of(spec)), strict=True)):
        places = [low - 1 - abs(low) if np.isfinite(low) else np.nan, high + 1 + abs(high)]
        found += [tuple(replaced(first, j, float(np.float32(x))).tolist()) for x in places if np.isfinite(x)]
    return found
