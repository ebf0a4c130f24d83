"""Limits that stand in for a formula on a part of its domain, put to the proof where samples seldom come.

Far out along one argument a formula may be 0 at every sample point and something else where two arguments
are nearly equal: the vega of an option at the money, for a small volatility. Such points are made on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from vjpgen.candidates import FLOAT64
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr
from vjpgen.extract import Term
from vjpgen.floats import Array, representable
from vjpgen.regimes import Choice
from vjpgen.spec import Spec
from vjpgen.truth import Truth

_MOST = 4096  # points that are made
_TRIED = 384  # points of a part that are put to the proof
_CLOSE = 1e-5  # relative distance from the truth that rounding explains
_SEED = 19
WORTHLESS = 1024.0  # bits, more than a result that is not finite costs: where a limit is known to be wrong


def where_right(term: Term, exact: Array, truth: Array) -> Term:
    """The term, worthless where float64 sees that it is not what it stands for.

    Args:
        term: a candidate.
        exact: what its expression is in float64.
        truth: what it should be; NaN where that does not matter.
    """
    off = np.where(exact == truth, 0.0, np.abs(exact / truth - 1))
    bits = np.where(np.isnan(truth) | (off < FLOAT64), term.bits, WORTHLESS)
    return replace(term, bits=bits, score=float(bits.mean()) + term.score - float(term.bits.mean()))


def wrong_limit(choice: Choice, formula: Expr, spec: Spec, env: Mapping[str, Array]) -> Term | None:
    """A limit that is wrong somewhere in the part where it was chosen, now worthless there; None if none is.

    Args:
        choice: forms by the value of a scrutinee.
        formula: what they stand for.
        spec: arguments and assumptions; one argument alone is sampled densely enough.
        env: the points at which the forms were judged.
    """
    scrutinee = choice.scrutinee
    if scrutinee is None or len(spec.args) < 2:
        return None
    bounds = [-np.inf, *(right for _, right in choice.cuts), np.inf]
    for term, low, high in zip(choice.terms, bounds[:-1], bounds[1:], strict=True):
        if _is_limit(term.expr) and not _holds(term.expr, formula, spec, scrutinee, low, high):
            keys = np.broadcast_to(evaluate(scrutinee, env), term.bits.shape)
            bits = np.where((keys >= low) & (keys < high), WORTHLESS, term.bits)
            if np.array_equal(bits, term.bits, equal_nan=True):  # it is known to be, and nothing is better
                continue
            return replace(term, bits=bits, score=term.score + float((bits - term.bits).mean()))
    return None


def _is_limit(e: Expr) -> bool:
    """Whether a form is a number or a multiple of one argument."""
    return e.op in ("num", "var") or (
        e.op in ("neg", "mul", "div") and all(a.op in ("num", "var") for a in e.args)
    )


def _holds(limit: Expr, formula: Expr, spec: Spec, scrutinee: Expr, low: float, high: float) -> bool:
    """Whether a limit is the formula's value, to float32, wherever that part of the domain is looked at."""
    at = _points(spec)
    env = dict(zip(spec.args, at.T, strict=True))
    value = np.broadcast_to(evaluate(scrutinee, env), (len(at),))
    at = at[(value >= low) & (value < high)][:_TRIED]
    if not len(at):
        return True
    truth = Truth((formula,), spec.args).values(at.astype(np.float64))[:, 0]
    known = representable(truth, np.float32)
    got = np.broadcast_to(evaluate(limit, dict(zip(spec.args, at.T, strict=True))), truth.shape)
    off = np.abs(got - truth) > _CLOSE * np.abs(truth) + np.finfo(np.float32).tiny
    return not off[known].any()


def _points(spec: Spec) -> Array:
    """Points of usual magnitudes with arguments that are alike, nearly so, 0 or 1; those the spec admits."""
    rng, n = np.random.default_rng(_SEED), len(spec.args)
    at = 10.0 ** rng.uniform(-3, 3, (_MOST, n)) * rng.choice((1.0, 1.0, -1.0), (_MOST, n))
    near = 1 + rng.choice((0.0, 1.0, -1.0), _MOST) * 10.0 ** rng.uniform(-6, -0.5, _MOST)
    for k in range(n):
        other = rng.integers(0, n, _MOST)
        alike = rng.random(_MOST) < 0.4
        at[alike, k] = (at[np.arange(_MOST), other] * near)[alike]
        plain = rng.random(_MOST) < 0.1
        at[plain, k] = rng.choice((0.0, 1.0), _MOST)[plain]
    at = at.astype(np.float32)
    env = {a: at[:, k].astype(np.float64) for k, a in enumerate(spec.args)}
    admitted = np.ones(_MOST, bool)
    for condition in spec.assume:
        admitted &= np.broadcast_to(evaluate(condition, env, np.float64), _MOST)
    return np.asarray(at[admitted])
