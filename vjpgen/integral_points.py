"""Where an integral is measured, searched and tested: points with exact values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vjpgen import quadrature
from vjpgen.domain_points import ends, inside, replaced, spec_of, where
from vjpgen.errors import DomainError
from vjpgen.expr import Expr
from vjpgen.floats import Array, huge, representable, tiny
from vjpgen.integral import Integral
from vjpgen.integral_truth import IntegralTruth
from vjpgen.points import sample

SEED = 7
POINTS = 512
_IMPROPER = 128  # exact values cost more there
_DRAWN = 4  # times as many; those whose integral is no float32 number are left out
_EACH = 20  # points of each kind in the tests


@dataclass(frozen=True, slots=True)
class Exact:
    """Points with exact integrals.

    Attributes:
        at: (n, a) in float32.
        values: (n,).
        partials: (n, a), nan where they are not known.
    """

    at: Array
    values: Array
    partials: Array


def measured_at(spec: Integral, truth: IntegralTruth, step: Callable[[], None], seed: int = SEED) -> Exact:
    """Points of the domain with an integral that is a float32 number.

    Raises:
        DomainError: at a point the integral is not certain, or it is nowhere a float32 number.
    """
    wanted = POINTS
    drawn = sample(spec_of(spec), _DRAWN * POINTS, seed)
    half = drawn.ordinary
    order = np.argsort(np.concatenate([np.arange(half), np.arange(len(drawn.at) - half)]), kind="stable")
    at = drawn.at[order]
    rough, sizes = quadrature.sums(spec, quadrature.finest(spec), [spec.integrand], at)
    hopeless = _beyond(rough[:, 0], sizes[:, 0])
    rows, values, partials = list[Array](), list[float](), list[tuple[float, ...]]()
    for row in at[~hopeless]:
        step()
        if wanted == POINTS and truth.improper(row.astype(float).tolist()):
            wanted = max(_IMPROPER, len(rows))
        value, slopes = truth.at(row.astype(float).tolist())
        if np.isnan(value):
            raise DomainError(
                f"the integral could not be certified at {where(spec, row)}",
                hint="it may diverge there, or vary too fast; leave such points out by an assumption",
            )
        if representable(np.array(value), np.float32):
            rows.append(row)
            values.append(value)
            partials.append(slopes)
        if len(rows) >= wanted:
            break
    if not rows:
        raise DomainError(
            "the integral is nowhere in the range of float32", hint=f"{len(at)} points were tried"
        )
    found = Exact(np.array(rows), np.array(values), np.array(partials))
    unknown = np.isnan(found.partials).mean(0)
    for j, share in enumerate(unknown):
        if share > 0.5:
            k = int(np.flatnonzero(np.isnan(found.partials[:, j]))[0])
            raise DomainError(
                f"the partial by {spec.args[j]} could not be certified at {where(spec, found.at[k])}",
                hint="it may diverge there, or vary too fast; leave such points out by an assumption",
            )
    return found


def _beyond(rough: Array, sizes: Array) -> Array:
    """Where a float64 integral leaves no hope for a float32 number."""
    large = ~(sizes < 1e300) | (np.abs(rough) > 4 * huge(np.float32))
    return np.asarray((large & ~np.isnan(sizes)) | ((sizes > 0) & (sizes < tiny(np.float32) / 4)))


def around(spec: Integral, at: Array, limit: int) -> Array:
    """Points of the variable and the arguments: places all over the range."""
    rng = np.random.default_rng(SEED)
    rows = np.tile(at, (1 + limit // len(at), 1))[:limit]
    share = rng.uniform(0, 1, len(rows))
    with np.errstate(over="ignore"):
        t = quadrature.place(spec, share, rows).astype(np.float32)
    whole = np.column_stack([t, rows])
    return np.unique(whole[np.isfinite(whole).all(1)], axis=0)


def landmarks(spec: Integral, at: Array) -> Array:
    """Points for the tests: at the ends of the domain, then of every magnitude, then ordinary ones."""
    usual = np.abs(np.log10(np.maximum(np.abs(at), 1e-30))).max(1)
    order = np.argsort(usual, kind="stable")
    first, found = at[order[0]].astype(np.float64), []
    for j, both in enumerate(ends(spec, first)):
        found += [*both, replaced(first, j, 0.0)]
    ends_of_domain = np.array(found).reshape(-1, len(spec.args))
    rows = np.concatenate([ends_of_domain, at[order[::-1][:_EACH]], at[order[:_EACH]]])
    return np.asarray(rows[inside(spec, rows)])


def agrees(closed: Expr, spec: Integral, exact: Exact, truth: IntegralTruth, rows: Array) -> bool:
    """Whether a formula has the exact integral's values at every point, and at chosen ones."""
    from vjpgen.truth import Truth

    if set(closed.names) - set(spec.args):
        return False
    values = [exact.values, np.array([truth.at(r)[0] for r in rows.tolist()])]
    wanted, at = np.concatenate(values), np.concatenate([exact.at.astype(float), rows])
    found = Truth((closed,), spec.args).values(at)[:, 0]
    near = np.abs(found - wanted) <= 2.0**-48 * np.abs(wanted)
    return bool((near | np.isnan(wanted)).all())
