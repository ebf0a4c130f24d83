"""What a generated module returns at points that no generation draws, and what is exact there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from vjpgen.domain_points import spec_of
from vjpgen.external import External
from vjpgen.headers import Anything
from vjpgen.implicit import Implicit
from vjpgen.integral import Integral
from vjpgen.judged import Exact, Judged, judge, misses
from vjpgen.measured import Measured
from vjpgen.meter import Meter
from vjpgen.recorded import Recorded
from vjpgen.spec import Signature, Spec
from vjpgen.system import System

FRESH = 1_000_000  # added to the seed, so that no point is drawn as those of the generation were
_SOLVED, _TOGETHER, _CALLED = 4096, 2048, 512


def exact(spec: Anything, seed: int, meter: Meter) -> Exact:
    """Points, and the exact results there.

    Of a function outside JAX they are the function's own, and its gradient as it was typed, in float64: a
    module rendered anew says them.

    Args:
        spec: the function.
        seed: another one draws other points.
        meter: what runs a function outside JAX.

    Raises:
        DomainError: at a point the result is not certain.
    """
    if isinstance(spec, Implicit):
        return _solved(spec, FRESH + seed)
    if isinstance(spec, System):
        from vjpgen.pipeline_system import solutions

        return Exact(*solutions(spec, _TOGETHER, FRESH + seed))
    if isinstance(spec, Integral):
        return _integrated(spec, FRESH + seed)
    if isinstance(spec, External):
        return _called(spec, FRESH + seed, meter)
    from vjpgen import oracle, pipeline, points

    sample = points.sample(spec, pipeline.sample_size(spec), FRESH + seed)
    return Exact(sample.at, sample.truth_values, oracle.seen(sample.truth_partials, spec.clips))


def measured(module: Recorded, at: Exact, meter: Meter) -> tuple[Judged, ...]:
    """What the module returns there, held against the exact results."""
    spec = module.spec
    if isinstance(spec, External):
        got = _both(module.text, spec, at, meter)
        reverse, forward = (p.astype(np.float32) for p in (got.partials, got.forward))
        return judge(spec_of(spec), at, Measured(got.values, reverse, forward, got.residual_bytes))
    shown = spec if isinstance(spec, Spec) else spec_of(spec)
    shape = len(shown.outputs), shown.structure
    if isinstance(spec, System):
        shown = replace(
            shown, outputs=shown.outputs * len(spec.unknowns), several=True,
            signature=Signature(keys=spec.unknowns),
        )  # fmt: skip
        shape = len(shown.outputs), True
    return judge(shown, at, meter.measure(module.text, spec.name, *shape, at.columns, shown.clips))


def higher(module: Recorded, at: Exact, meter: Meter) -> tuple[Judged, ...]:
    """Generated derivatives above the first order, with reverse and with forward mode throughout."""
    from vjpgen import higher_truth
    from vjpgen.forms import higher_partials
    from vjpgen.report import figures

    spec, order = module.spec, module.how.order
    if order == 1 or not isinstance(spec, Spec):
        return ()
    wanted = higher_partials(spec, order)
    truth = higher_truth.exact(spec, at.at, wanted)
    got = meter.measure_higher(module.text, spec.name, spec.structure, at.columns, wanted)
    found = []
    for q, which in enumerate(wanted):
        for mode, way in (("reverse", got[0]), ("forward", got[-1])):
            result, exact = np.ascontiguousarray(way[:, q]), truth[:, q]
            told = figures(result, exact, at.at)
            found.append(Judged(spec.higher_label(*which), mode, told, misses(result, exact, at.at)))
    return tuple(found)


def _solved(spec: Implicit, seed: int) -> Exact:
    from vjpgen.implicit_points import solutions

    at, values, partials, _ = solutions(spec, _SOLVED, seed)
    return Exact(at, values[:, None], partials[:, None])


def _integrated(spec: Integral, seed: int) -> Exact:
    from vjpgen.integral_points import measured_at
    from vjpgen.integral_truth import IntegralTruth

    found = measured_at(spec, IntegralTruth(spec), lambda: None, seed)
    return Exact(found.at, found.values[:, None], found.partials[:, None])


def _called(spec: External, seed: int, meter: Meter) -> Exact:
    from vjpgen import render_external, render_external_tests

    at = render_external_tests.points(spec, _CALLED, seed).astype(np.float32)
    nothing = Exact(at, np.empty((len(at), 0)), np.empty((len(at), 0, 0)))
    got = _both(render_external.render_external(spec, ""), spec, nothing, meter)
    return replace(nothing, values=got.values.astype(float), partials=got.partials)


def _both(module: str, spec: External, at: Exact, meter: Meter) -> Any:
    """Values as float32 numbers give them, partials as float64 numbers do: many lose digits in float32."""
    wide = [c.astype(np.float64) for c in at.columns]
    single, double = (meter.measure(module, spec.name, 1, False, columns) for columns in (at.columns, wide))
    return replace(double, values=single.values)
