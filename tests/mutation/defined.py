"""Functions that are no formula whose modules are mutated: equations, integrals, functions outside JAX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np

from mutation.formulas import FORMULAS
from vjpgen import generate_external, generate_implicit, generate_integral, verify
from vjpgen.domain_points import spec_of
from vjpgen.implicit_points import solutions
from vjpgen.integral_truth import IntegralTruth
from vjpgen.judged import Exact
from vjpgen.oracle import seen
from vjpgen.pipeline import generate
from vjpgen.pipeline_system import solutions as together
from vjpgen.points import sample
from vjpgen.spec import Spec

SEED = 987654321  # of no generation and of no check
_SOLVED, _INTEGRATED = 4096, 256


@dataclass(frozen=True, slots=True)
class Made:
    """A generated module and its tests, and points that neither has seen, with the exact results there."""

    spec: Spec
    module: str
    tests: str
    exact: Exact


@dataclass(frozen=True, slots=True)
class Defined:
    """A function that is no formula, and how its module is generated."""

    make: Callable[..., Made]
    words: tuple[str, ...]
    options: Mapping[str, Any]


def made(name: str, points: int) -> Made:
    """The module of that name, and at most so many points; exact results of some kinds cost more."""
    if name in DEFINED:
        one = DEFINED[name]
        return one.make(*one.words, name=name, **one.options)
    formula = FORMULAS[name]
    found = generate(formula.text, name=name, args=formula.args, assume=formula.assume, **formula.gradient)
    return Made(found.spec, found.module, found.tests, exact(found.spec, points))


def exact(spec: Spec, points: int) -> Exact:
    """Exact results of a formula."""
    drawn = sample(spec, points, SEED)
    return Exact(drawn.at, drawn.truth_values, seen(drawn.truth_partials, spec.clips))


def _solved(equation: str, **options: Any) -> Made:
    found = generate_implicit(equation, **options)
    at, values, partials, _ = solutions(found.spec, _SOLVED, SEED)
    return Made(spec_of(found.spec), found.module, found.tests, Exact(at, values[:, None], partials[:, None]))


def _together(equations: str, **options: Any) -> Made:
    found = generate_implicit(equations, **options)
    at, values, partials = together(found.spec, _SOLVED, SEED)
    spec = spec_of(found.spec)
    spec = replace(spec, outputs=spec.outputs * values.shape[1], several=True)
    return Made(spec, found.module, found.tests, Exact(at, values, partials))


def _integrated(integrand: str, over: str, **options: Any) -> Made:
    found = generate_integral(integrand, over, **options)
    assert not found.closed
    at, truth = sample(spec_of(found.spec), _INTEGRATED, SEED).at, IntegralTruth(found.spec)
    rows = [truth.at(row) for row in at.astype(float).tolist()]
    values, partials = np.array([[v] for v, _ in rows]), np.array([[p] for _, p in rows])
    return Made(spec_of(found.spec), found.module, found.tests, Exact(at, values, partials))


def _called(target: str, **options: Any) -> Made:
    """Its exact results are those in float64: no arithmetic knows better than what is outside.

    A slope by differences counts where differences determine it. Elsewhere they promise no more than the
    error that they estimate, and choosing another step changes the result by as much.
    """
    found = generate_external(target, **options)
    spec = spec_of(found.spec)
    at = sample(spec, _SOLVED, SEED).at
    wide = [np.ascontiguousarray(c, np.float64) for c in at.T]
    got = verify.measure_source(found.module, spec.name, 1, False, wide)
    partials, (module, name) = got.partials.copy(), target.split(":")
    for arg, way in options.get("missing", {}).items():
        j = spec.args.index(arg)
        if way == "difference":
            partials[~_determined(getattr(import_module(module), name), wide, j), :, j] = np.nan
    return Made(spec, found.module, found.tests, Exact(at, got.values, partials))


def _determined(function: Callable[..., Any], at: list[np.ndarray], j: int) -> np.ndarray:
    """Where central differences, extrapolated twice, agree over three steps to a quarter of a float32 ulp.

    The rounding of what is subtracted has to leave as much.
    """
    steps = 2.0 ** -np.arange(4.0, 11.0)[:, None] * np.abs(at[j])
    rows = [[at[j] + side * steps if k == j else np.broadcast_to(x, steps.shape) for k, x in enumerate(at)]
            for side in (1, -1)]  # fmt: skip
    after, before = (function(*r) for r in rows)
    slopes, noise = (after - before) / (2 * steps), 2.0**-52 * np.abs(after) / steps
    for order in (1, 2):
        slopes = slopes[1:] + (slopes[1:] - slopes[:-1]) / (4.0**order - 1)
    size, steady = np.abs(slopes[1:-1]), np.abs(np.diff(slopes, axis=0))
    error = np.maximum(np.maximum(steady[1:], steady[:-1]), noise[-len(size) :])
    return np.any(error < 2.0**-26 * size, axis=0)


def _one(make: Callable[..., Made], *words: str, **options: Any) -> Defined:
    return Defined(make, words, options)


DEFINED = {
    "kepler": _one(_solved, "E - e*sin(E) = M", solve="E", args="M,e", assume=["0 <= e < 1"]),
    "lambert": _one(_solved, "y*exp(y) = x", solve="y", assume=["x > -exp(-1)", "y >= -1"]),
    "cubic": _one(_solved, "y**3 + a*y = x", solve="y", args="x,a", assume=["0.01 < a < 100"], guess="x/a"),
    "soft_inverse": _one(_solved, "x + exp(x)", assume=["abs(x) < 1e6"]),
    "circle_line": _one(
        _together, "x**2 + y**2 = r, y = k*x", solve="x,y",
        assume=["0.1 < r < 10", "0.1 < k < 10", "x > 0", "y > 0"],
    ),
    "quartic_tail": _one(_integrated, "exp(-t**4*x)", "t=-y..2*y", assume=["0.01 < x < 10", "0 < y < 2"]),
    "stieltjes": _one(_integrated, "exp(-t*x)/(1+t)", "t=0..oo", assume=["1e-6 < x < 1e6"]),
    "bessel_ratio": _one(
        _called, "scipy.special:i0", args="x", also={"i1": "scipy.special:i1"}, grad={"x": "i1(x)"},
        assume=["abs(x) < 50"],
    ),
    "incomplete": _one(
        _called, "scipy.special:gammainc", args="a,x", assume=["0.1 < a < 20", "0.1 < x < 20"],
        also={"gamma": "scipy.special:gamma"}, grad={"x": "x**(a-1)*exp(-x)/gamma(a)"},
        missing={"a": "difference"},
    ),
    "stopped_order": _one(
        _called, "scipy.special:jv", args="v,x", stop="v", grad={"x": "(jv(v-1, x) - jv(v+1, x))/2"},
        assume=["0 <= v < 10", "0.1 < x < 20"],
    ),
}  # fmt: skip
EVERY = (*FORMULAS, *DEFINED)
